"""A new version comes while operations run: its schema first, then its workers beside the old ones, then they alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from console.dev.process import free_port
from tests.faults.conftest import Nursery
from tests.faults.hooks import Plan
from tests.house.files import ROOT
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.waiting import until

pytestmark = pytest.mark.timeout(240)

OLD = Plan(kinds=("toy",))
NEW = Plan(kinds=("toy", "toy_7"))
"""The next version knows one kind of operation more."""


@contextmanager
def expanded() -> Iterator[None]:
    """What a migration of the next version adds, which this version has never heard of."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE operation ADD COLUMN of_the_next_version text DEFAULT 'x' NOT NULL")
        cursor.execute("CREATE TABLE of_the_next_version (id int)")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE operation DROP COLUMN of_the_next_version")
            cursor.execute("DROP TABLE of_the_next_version")


def test_operations_go_from_the_old_workers_to_the_new_ones(nursery: Nursery, shop: Shop, ledger: toy.Ledger) -> None:
    old = nursery.worker(OLD)
    options: dict[str, Any] = {"world": ledger.address, "pause_at": "write:b", "environment_id": shop.enterprise.pk}
    under_way = [toy.begin(shop.enterprise, shop.user, shop.team, **options) for _ in range(3)]
    for each in under_way:
        until(lambda: each.steps.filter(key="write:b", state="running").exists(), what="the second write")  # noqa: B023

    with expanded():
        # The old version goes on with the new schema, and leaves alone what it does not know.
        unknown = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, kind="toy_7")
        known = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
        assert ended(known).state == "succeeded"
        unknown.refresh_from_db()
        assert (unknown.state, unknown.epoch) == ("queued", 0)

        nursery.worker(NEW)
        assert ended(unknown).state == "succeeded"
        began = time.monotonic()
        old.signal("TERM")
        assert old.wait() == 0
        assert time.monotonic() - began < 10
        for each in under_way:
            ledger.entries.append(toy.Entry(each.name, "go", ""))
            assert ended(each).state == "succeeded"
            assert (each.epoch, each.attempts) == (2, 0), "handed over, not lost"
            assert [step for step in ledger.of(each.name) if step != "go"] == list(toy.WRITES), "each write once"


def migrate(url: str, *more: str) -> subprocess.Popen[str]:
    """Start what each container of a rollout runs first."""
    line = [sys.executable, "manage.py", "migrate_alone", *more]
    said = {**os.environ, "DATABASE_URL": url}
    return subprocess.Popen(line, cwd=ROOT, env=said, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of an empty database."""
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    name = f"empty_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as asked:
        asked.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        asked.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_of_many_that_migrate_at_once_one_does_it_and_all_end_well(empty: str) -> None:
    side_by_side = [migrate(empty) for _ in range(2)]
    told = [process.communicate(timeout=200) for process in side_by_side]
    assert [process.returncode for process in side_by_side] == [0, 0], told
    assert sorted("Applying" in out for out, _ in told) == [False, True]
    assert sorted("No migrations to apply" in out for out, _ in told) == [False, True]


def test_a_database_that_is_away_is_waited_for_and_then_named() -> None:
    process = migrate(f"postgresql://nobody@127.0.0.1:{free_port()}/none", "--wait", "1")
    _, faults = process.communicate(timeout=60)
    assert (process.returncode, faults.strip().splitlines()[-1]) == (1, "CommandError: The database does not answer.")


def test_after_a_restore_nothing_goes_on_that_was_under_way(nursery: Nursery, shop: Shop, ledger: toy.Ledger) -> None:
    """As a dump finds them: one queued, one in the hands of a worker that is no more."""
    old = nursery.worker(OLD)
    held = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at="write:b")
    until(lambda: held.steps.filter(key="write:b", state="running").exists(), what="the second write")
    old.signal("KILL")
    old.wait()
    queued = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    told = StringIO()
    call_command("end_operations", stdout=told)
    assert told.getvalue().strip() == "2 operations end as soon as a worker runs."
    nursery.worker(OLD)
    for each in (held, queued):
        assert (ended(each).state, each.outcome_code) == ("failed", "deadline_passed")
    assert ledger.of(held.name) == ["write:a"], "only what was written before"
    assert ledger.of(queued.name) == []
