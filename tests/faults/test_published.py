"""A published version does not change: not by any address of the API, not by the models, not by SQL of the console's
own role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.urls import get_resolver

from marketplace.models import Version
from tests.cast import Api, Cast, make_cast
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.marketplace import world

FROZEN = (
    "template_id", "number", "sort_key", "document", "content_hash", "bytes", "published_by_id", "published_at",
    "created_at",
)  # fmt: skip
MAY = {"mark", "alias", "notes", "registry_id", "state", "updated_at", "row_version"}
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def cast(db: None) -> Cast:
    """Everyone, and a released version."""
    cast = make_cast()
    version = world.make_version(world.make_template(cast.team, "goods"), "1.0", cast.developer, mark="release")
    cast.things["version"] = version
    return cast


def frozen(version: Version) -> dict[str, Any]:
    """Read, from the table itself, all that was published."""
    with connection.cursor() as cursor:
        columns = ", ".join(f"v.{column}" for column in FROZEN)
        cursor.execute(f"SELECT to_jsonb(t) FROM (SELECT {columns} FROM version v WHERE id = %s) t", [version.pk])
        row = cursor.fetchone()
    assert row is not None, "the version is gone"
    found: dict[str, Any] = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    return found


def addresses() -> Iterator[str]:
    """Every address of the API below a version, and the version's own."""

    def walk(patterns: Any, prefix: str) -> Iterator[str]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, path)
            elif "<str:number>" in path and "templates/" in path:
                yield path

    for path in walk(get_resolver().url_patterns, "/"):
        yield path.replace("<slug:template>", "goods").replace("<str:number>", "1.0").replace("^", "")


def bodies(version: Version) -> Iterator[dict[str, Any]]:
    """What somebody may try to say."""
    document = version.document or {}
    yield {}
    for change in (
        {"document": {**document, "components": []}},
        {"number": "9.9"},
        {"content_hash": "0" * 64},
        {"published_at": "2020-01-01T00:00:00Z"},
        {"published_by": "admin"},
        {"bytes": 1},
        {"template": "other"},
        {"state": "copying"},
        {"components": [], "number": "1.0"},
    ):
        yield change
        yield {"mark": "test", **change}


@pytest.mark.proof("G6")
def test_no_address_of_the_api_changes_a_published_version(cast: Cast, tally: Tally) -> None:
    version = cast.things["version"]
    before = frozen(version)
    found = list(addresses())
    assert len(found) >= 4
    for who in size(("admin", "lead"), ("admin", "market", "lead", "developer", "tester", "delivery")):
        api: Api = cast.api(who)
        for path in found:
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                for body in list(bodies(version))[:: size(5, 1)]:
                    answer = api.call(method, path, body, headers={**world.key(), "If-Match": "*"})
                    assert answer.status_code < 500, (method, path, body, answer.content)
                    assert frozen(version) == before, (who, method, path, body)
                    tally.runs()


def values(column: str, version: Version) -> Any:
    """Another value of a column's own type."""
    field = Version._meta.get_field(column.removesuffix("_id") if column.endswith("_id") else column)
    if isinstance(field, models.ForeignKey):
        return None
    now = getattr(version, column)
    if isinstance(field, models.JSONField):
        return {"schema": 9}
    if isinstance(field, models.DateTimeField):
        return now.replace(year=2001)
    return now + 1 if isinstance(now, int) else f"{now[:-1]}!"


def refused(statement: Any) -> bool:
    """Whether the database refuses it."""
    try:
        with transaction.atomic():
            statement()
    except (DatabaseError, models.ProtectedError, models.RestrictedError):
        return True
    return False


@pytest.mark.proof("G6")
def test_the_models_change_no_published_version(cast: Cast, tally: Tally) -> None:
    version = cast.things["version"]
    before = frozen(version)
    rows = Version.objects.filter(pk=version.pk)
    for column in FROZEN:
        other = values(column, version)
        fresh = Version.objects.get(pk=version.pk)
        setattr(fresh, column, other)
        assert refused(lambda: rows.update(**{column: other})), column  # noqa: B023
        assert refused(fresh.save), column
        assert refused(lambda: Version.objects.bulk_update([fresh], [column.removesuffix("_id")])), column  # noqa: B023
        tally.runs(3)
    for statement in (version.delete, rows.delete, version.template.delete, cast.team.delete):
        assert refused(statement)
        tally.runs()
    assert frozen(Version.objects.get(number="1.0")) == before


def statements(version: Version) -> Iterator[str]:
    """What somebody with the console's own role may write by hand."""
    where = f"WHERE id = '{version.pk}'"
    yield f"UPDATE version SET document = '{{}}' {where}"
    yield f"UPDATE version SET document = jsonb_set(document, '{{number}}', '\"9.9\"') {where}"
    yield f"UPDATE version SET number = '9.9', sort_key = 'z' {where}"
    yield f"UPDATE version SET state = 'copying' {where}"
    yield f"UPDATE version SET id = gen_random_uuid() {where}"
    yield f"UPDATE version SET bytes = bytes + 1, updated_at = now() {where}"
    yield f"DELETE FROM version {where}"
    yield "DELETE FROM version"
    yield f"INSERT INTO version SELECT * FROM version {where} ON CONFLICT (id) DO UPDATE SET document = '{{}}'"
    yield (
        f"WITH gone AS (DELETE FROM version {where} RETURNING *) "
        "INSERT INTO version SELECT (gone).* FROM (SELECT gone FROM gone) t"
    )
    yield (
        f"MERGE INTO version v USING (SELECT id FROM version {where}) s ON v.id = s.id "
        "WHEN MATCHED THEN UPDATE SET document = '{}'"
    )


@pytest.mark.proof("G6")
@pytest.mark.django_db(transaction=True)
def test_sql_of_the_consoles_own_role_changes_no_published_version(cast: Cast, tally: Tally) -> None:
    version = cast.things["version"]
    before = frozen(version)
    for text in statements(version):

        def execute(text: str = text) -> None:
            with connection.cursor() as cursor:
                cursor.execute(text)

        assert refused(execute), text
        assert frozen(version) == before, text
        tally.runs()


@pytest.mark.control("G6")
def test_control_without_the_trigger_a_published_version_changes(cast: Cast) -> None:
    version = cast.things["version"]
    before = frozen(version)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger fires
        Version.objects.filter(pk=version.pk).update(content_hash="1" * 64)
        changed = frozen(version)
        transaction.set_rollback(True)
    assert changed != before
