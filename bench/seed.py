"""A large enterprise in a database of the bench's own, by bulk statements: constraints and triggers hold for each row.

At scale 1: 100 clusters, 1,000 teams, 1,249 environments, 10,000 installations with two revisions and deliveries each,
100,000 versions, 200,000 events of the trail, 43,000 operations with their steps. At scale 10 ten times as much. One
team has 50 environments, one template 500 versions and a twentieth of all installations, one application 200 revisions
more than the others (each ten times that at scale 10). Three people look at it: an admin of the enterprise, a developer
in three teams, delivery staff in 200.
"""

from __future__ import annotations

import base64
import json
import math
import os
import time
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from bench import seed_sql
from bench.seed_docs import Documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PEOPLE = ("admin", "developer", "delivery")
SPAN = 90 * 24 * 3600 * 1000
"""Milliseconds over which everything happened."""
CLUSTER, APPLICATION, REGISTRY, REVISION = 5, 7, 13, 15

SCAFFOLD: tuple[LiteralString, ...] = (
    """CREATE FUNCTION seed.n(text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT value FROM seed.sizes WHERE name = $1'""",
    """CREATE FUNCTION seed.doc(text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT value FROM seed.docs WHERE name = $1'""",
    """CREATE FUNCTION seed.tick(k int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT value FROM seed.ticks WHERE kind = $1'""",
    """CREATE FUNCTION seed.at(k int, n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT to_timestamp((seed.n(''start'') + n * seed.tick(k)) / 1000.0)'""",
    """CREATE FUNCTION seed.id(k int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT (lpad(to_hex(seed.n(''start'') + n * seed.tick(k)), 12, ''0'') || ''7'' || lpad(to_hex(k), 3, ''0'')
      || ''8''
      || lpad(to_hex(n), 15, ''0''))::uuid'""",
    """CREATE FUNCTION seed.template_slug(n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT (ARRAY[''shop'', ''ledger'', ''mail'', ''search'', ''wiki''])[1 + n % 5] || ''-'' || to_char(n,
      ''FM000000'')'""",
    """CREATE FUNCTION seed.version(template bigint, index bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    'SELECT seed.id(12, CASE WHEN index < 50 THEN (template - 1) * 50 + 1 + index
      ELSE seed.n(''templates'') * 50 + index - 49 END)'""",
    """CREATE UNLOGGED TABLE seed.environment AS
    SELECT n, CASE WHEN n <= seed.n('teams') THEN n WHEN n <= seed.n('teams') * 6 / 5 THEN (n - seed.n('teams')) * 5
      ELSE 1 END team,
      CASE WHEN n > seed.n('teams') AND n <= seed.n('teams') * 6 / 5 THEN 'production' ELSE 'test' END stage
    FROM generate_series(1, seed.n('environments')) n""",
    """CREATE UNLOGGED TABLE seed.place AS
    SELECT a.n, seed.id(7, a.n) app, made, seed.id(6, e.n) environment, seed.id(2, e.team) team,
      seed.id(5, 1 + e.n % seed.n('clusters')) cluster, 'env-' || to_char(e.n, 'FM000000') environment_slug,
      CASE WHEN made THEN 'made-' ELSE 'app-' END || a.n slug, template, seed.template_slug(template) template_slug,
      newest - CASE stage WHEN 'production' THEN newest % 3 ELSE a.n % 10 END newer,
      newest - 9 - CASE stage WHEN 'production' THEN newest % 3 ELSE a.n % 10 END older
    FROM (SELECT *, CASE template WHEN 1 THEN seed.n('numbers') - 1 ELSE 49 END newest FROM (
      SELECT n, n > seed.n('installations') made,
        CASE WHEN n > seed.n('installations') THEN n - seed.n('installations')
          ELSE 1 + (n - 1) % seed.n('environments') END env,
        CASE WHEN n % 20 = 0 THEN 1 ELSE 1 + n * 13 % seed.n('templates') END template
      FROM generate_series(1, seed.n('installations') + seed.n('teams')) n) b) a
    JOIN seed.environment e ON e.n = a.env""",
    "ALTER TABLE seed.place ADD PRIMARY KEY (n)",
    """CREATE UNLOGGED TABLE seed.version AS
    SELECT n, CASE WHEN n <= seed.n('templates') * 50 THEN (n - 1) / 50 + 1 ELSE 1 END template,
      CASE WHEN n <= seed.n('templates') * 50 THEN (n - 1) % 50 ELSE n - seed.n('templates') * 50 + 49 END index
    FROM generate_series(1, seed.n('templates') * 50 + seed.n('numbers') - 50) n""",
    """CREATE UNLOGGED TABLE seed.record AS
    SELECT n, seed.id(15, n) revision, place, number, CASE place WHEN 1 THEN n = seed.n('revisions')
      ELSE number = 2 OR place > seed.n('installations') END current
    FROM (SELECT n, CASE WHEN n <= 2 * i THEN (n + 1) / 2 WHEN n <= 2 * i + h THEN n - i ELSE 1 END place,
        CASE WHEN n <= 2 * i THEN 2 - n % 2 WHEN n <= 2 * i + h THEN 1 ELSE 2 + n - 2 * i - h END number
      FROM generate_series(1, seed.n('revisions')) n,
        (SELECT seed.n('installations') i, seed.n('teams') h) s) r""",
    """CREATE UNLOGGED TABLE seed.publication AS
    SELECT n, seed.n('installations') + 1 + (n - 1) % seed.n('teams') place, 1 + (n - 1) / seed.n('teams') number,
      seed.id(9, seed.n('revisions') + seed.n('environments') + n) operation,
      n > seed.n('publications') - seed.n('active') active
    FROM generate_series(1, seed.n('publications')) n""",
    """CREATE UNLOGGED TABLE seed.work AS
    SELECT n, 1 + n * 1000003 % seed.n('operations') number, kind, team, subject_type, subject, name, href, environment,
      cluster, CASE WHEN n <= seed.n('batches') * 10 THEN
        seed.id(9, seed.n('operations') - seed.n('batches') + (n + 9) / 10) END parent,
      CASE WHEN n % 50 = 0 THEN 2 ELSE 4 + n % 1000 END person, active, lock
    FROM (
      SELECT r.n, CASE WHEN made THEN 'deploy' WHEN number = 1 THEN 'install' ELSE 'upgrade' END kind, team,
        'app' subject_type, app subject, slug name,
        '/api/v1/environments/' || environment_slug || '/apps/' || slug href, environment, cluster, false active,
        'application:' || app lock
      FROM seed.record r JOIN seed.place p ON p.n = place
      UNION ALL
      SELECT seed.n('revisions') + n, 'prepare_environment', seed.id(2, team), 'environment', seed.id(6, n),
        'Environment ' || n, '/api/v1/environments/env-' || to_char(n, 'FM000000'), seed.id(6, n),
        seed.id(5, 1 + n % seed.n('clusters')), false, 'environment:' || seed.id(6, n)
      FROM seed.environment
      UNION ALL
      SELECT seed.n('revisions') + seed.n('environments') + u.n, 'publish', team, 'publication', seed.id(19, u.n),
        slug || ' 1.' || number, '/api/v1/environments/' || environment_slug || '/apps/' || slug || '/publications/'
          || number, environment, cluster, active, 'publication:' || seed.id(19, u.n)
      FROM seed.publication u JOIN seed.place p ON p.n = place
      UNION ALL
      SELECT seed.n('operations') - seed.n('batches') + n, 'batch', NULL, 'template', seed.id(11, n),
        'Template ' || n, '/api/v1/templates/' || seed.template_slug(n), NULL, NULL, false, NULL
      FROM generate_series(1, seed.n('batches')) n) w""",
)


@dataclass(frozen=True)
class Seed:
    """One database to fill: how large, and from when on things happened."""

    scale: int

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many rows there are of what."""
        teams, installations = 1000 * self.scale, 10_000 * self.scale
        found = {
            "teams": teams,
            "clusters": 100 * self.scale,
            "users": 2000 * self.scale + len(PEOPLE),
            "environments": teams * 6 // 5 + 49,
            "installations": installations,
            "templates": 2000 * self.scale,
            "numbers": 50 + 450 * self.scale,
            "revisions": 2 * installations + teams + 200 * self.scale,
            "publications": 10 * teams,
            "active": 30 * self.scale,
            "batches": 20,
            "events": 200_000 * self.scale,
        }
        found["operations"] = sum(found[name] for name in ("revisions", "environments", "publications", "batches"))
        assert math.gcd(found["operations"], 1_000_003) == 1
        return found

    def tick(self, kind: int) -> int:
        """Milliseconds between two rows of a kind."""
        size = self.sizes
        most = {9: size["operations"], 10: size["operations"] * 8, 21: size["events"], 12: 50 * size["templates"] * 2}
        return max(1, SPAN // most.get(kind, size["operations"] * 4))


def _id(seed: Seed, start: int, kind: int, number: int) -> uuid.UUID:
    return uuid.UUID(f"{start + number * seed.tick(kind):012x}7{kind:03x}8{number:015x}")


def fill(url: str, scale: int) -> None:
    """Fill a migrated database that holds nothing yet; says how long each part took."""
    seed, start = Seed(scale), int(time.time() * 1000) - SPAN
    with psycopg.connect(url, autocommit=True) as link:
        link.execute("SET synchronous_commit = off")
        link.execute("SET work_mem = '256MB'")
        link.execute("SET maintenance_work_mem = '256MB'")
        link.execute("CREATE SCHEMA seed")
        _scaffold(link, seed, start)
        for name in ("PEOPLE", "PLACES", "MARKET", "OPERATIONS", "RECORDS", "TRAIL"):
            began = time.monotonic()
            for statement in getattr(seed_sql, name):
                link.execute(statement)
            print(f"{name.lower()}: {time.monotonic() - began:.0f} s", flush=True)
        link.execute("DROP SCHEMA seed CASCADE")
        link.execute("VACUUM ANALYZE")


def _scaffold(link: psycopg.Connection[Any], seed: Seed, start: int) -> None:
    """Make what the statements look things up in."""
    documents = Documents()
    tables: dict[str, Iterable[tuple[Any, ...]]] = {
        "sizes (name text, value bigint)": [*seed.sizes.items(), ("start", start)],
        "ticks (kind int, value bigint)": [(kind, seed.tick(kind)) for kind in range(30)],
        "docs (name text, value jsonb)": [(name, json.dumps(value)) for name, value in documents.all().items()],
        "person (n bigint, login text)": [(index, login) for index, login in enumerate(PEOPLE, 1)],
        '"right" (role text, codename text)': _rights(),
        "number (index bigint, number text, sort_key text)": _numbers(seed.sizes["numbers"]),
        "sealed (id uuid PRIMARY KEY, text text, objects jsonb)": _sealed(seed, start, documents),
    }
    for shape, rows in tables.items():
        name = shape.partition(" (")[0]
        link.execute(f"CREATE UNLOGGED TABLE seed.{shape}".encode())
        with link.cursor().copy(f"COPY seed.{name} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)
    for statement in SCAFFOLD:
        link.execute(statement)
    link.execute("ANALYZE")


def _rights() -> list[tuple[str, str]]:
    from teams.roles import TEAM_RIGHTS

    return [(role, right) for right, roles in TEAM_RIGHTS.items() for role in roles]


def _numbers(count: int) -> Iterator[tuple[int, str, str]]:
    from marketplace import versioning

    for index in range(count):
        yield index, f"1.{index}", versioning.read(f"1.{index}").sort_key


def _sealed(seed: Seed, start: int, documents: Documents) -> Iterator[tuple[uuid.UUID, str, str | None]]:
    """Seal the credentials of clusters, the salts of applications, and the manifests of the revisions looked at."""
    from console.kit.secrets import seal

    size = seed.sizes
    for number in range(1, size["clusters"] + 1):
        row = _id(seed, start, CLUSTER, number)
        yield row, seal({"token": "t"}, f"cluster.sealed:{row}"), None
    for number in (1, 2):
        row = _id(seed, start, REGISTRY, number)
        yield row, seal({"password": "p", "pull_password": None}, f"image_registry.sealed:{row}"), None
    first_made = size["installations"] + 1
    salts: dict[int, bytes] = {}
    for number in range(1, size["installations"] + size["teams"] + 1):
        row, salts[number] = _id(seed, start, APPLICATION, number), os.urandom(16)
        yield row, seal(base64.b64encode(salts[number]).decode(), f"application.salt:{row}"), None
    for place, revision in ((1, size["revisions"]), (first_made, 2 * size["installations"] + 1)):
        row = _id(seed, start, REVISION, revision)
        content, objects = documents.content(str(_id(seed, start, APPLICATION, place)), salts[place], place == 1)
        yield row, seal(content, f"revision.sealed:{row}"), json.dumps(objects)
