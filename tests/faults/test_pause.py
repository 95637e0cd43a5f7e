"""A worker that stands still past its lease and wakes late changes nothing: no row, and nothing outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from operations.models import Operation
from tests.faults.conftest import Nursery, Worker
from tests.faults.hooks import Place, Plan
from tests.faults.hooks import places as passed
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.waiting import until

pytestmark = pytest.mark.timeout(size(400, 3600))


def rows(operation: Operation) -> Any:
    """Give every row of the operation as the database holds it, with the transaction that wrote it last.

    The lease is left out, and with it the operation's own transaction number: its rightful owner renews it meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(o) - 'lease_until' FROM operation o WHERE id = %s", [operation.pk])
        found = cursor.fetchall()
        for table in ("step", "operation_event"):
            cursor.execute(
                f"SELECT xmin::text, to_jsonb(t) FROM {table} t WHERE operation_id = %s ORDER BY id", [operation.pk]
            )
            found += cursor.fetchall()
    return found


def begin(shop: Shop, ledger: toy.Ledger, kind: str) -> Operation:
    """One operation that stays in its last step until the ledger says `go`."""
    return toy.begin(
        shop.enterprise,
        shop.user,
        shop.team,
        world=ledger.address,
        kind=kind,
        pause_at="finish",
        environment_id=shop.enterprise.pk,
        fenced=True,
    )


def paused(nursery: Nursery, shop: Shop, ledger: toy.Ledger, at: int | Place, **plan: Any) -> tuple[Operation, Worker]:
    """Begin an operation whose worker stops itself at a point, and let another one take over up to the last step."""
    where: dict[str, Any] = {"at": at} if isinstance(at, int) else {"place": at}
    kind = f"toy_{at if isinstance(at, int) else 297}"
    operation = begin(shop, ledger, kind)
    sleeper = nursery.worker(Plan(kinds=(kind,), stop="STOP", **where, **plan))
    until(lambda: sleeper.stands_still, seconds=60, what="the pause")
    return operation, sleeper


def gave_up(sleeper: Worker) -> bool:
    """Whether a late worker has found out, and says so: by its clock, by the rows, or thrown out by the database."""
    said = sleeper.said()
    return "is lost" in said or "the database does not answer" in said


def taken_over(operation: Operation) -> bool:
    """Whether a second owner has come to the last step."""
    operation.refresh_from_db()
    return operation.epoch > 1 and operation.steps.filter(key="finish", state="running").exists()


def places(nursery: Nursery, shop: Shop, ledger: toy.Ledger, folder: Path) -> list[int]:
    """Choose where to pause: at the requests of the second write, inside its records, and around its statements."""
    trace = folder / "trace"
    worker = nursery.worker(Plan(kinds=("toy_299",), trace=str(trace)))
    operation = begin(shop, ledger, "toy_299")
    until(lambda: operation.steps.filter(key="finish", state="running").exists(), seconds=60, what="the last step")
    ledger.entries.append(toy.Entry(operation.name, "go", ""))
    ended(operation)
    worker.signal("TERM")
    worker.wait()
    points = [json.loads(line) for line in trace.read_text().splitlines()]
    posts = [number for number, kind, _, detail in points if kind == "kube" and detail.startswith("POST")]
    outside = [number for number, kind, _, _ in points if kind == "kube"]
    between = [number for number, kind, _, _ in points if kind == "database" and posts[0] < number < posts[3]]
    return sorted({0, *posts[:4], *[number for number in outside if number < posts[0]][:2], *between[:: size(6, 1)]})


@pytest.mark.proof("R4")
def test_a_worker_that_wakes_late_changes_nothing(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, tmp_path: Path, tally: Tally
) -> None:
    at = places(nursery, shop, ledger, tmp_path)
    assert len(at) >= 10
    tally.runs(len(at))
    for start in range(0, len(at), 6):
        batch = at[start : start + 6]
        asleep = [paused(nursery, shop, ledger, number) for number in batch]
        awake = nursery.worker(Plan(kinds=tuple(operation.kind for operation, _ in asleep)))
        for operation, _ in asleep:
            until(lambda: taken_over(operation), seconds=60, what="the takeover")  # noqa: B023
        before = [rows(operation) for operation, _ in asleep]
        for _, sleeper in asleep:
            sleeper.signal("CONT")
        for _, sleeper in asleep:
            until(lambda: gave_up(sleeper), seconds=40, what=f"its giving up\n{sleeper.said()}")  # noqa: B023
            sleeper.signal("TERM")
            assert sleeper.wait(40) == 0
        assert [rows(operation) for operation, _ in asleep] == before
        for number, (operation, _) in zip(batch, asleep, strict=True):
            ledger.entries.append(toy.Entry(operation.name, "go", ""))
            ended(operation)
            written = [step for step in ledger.of(operation.name) if step != "go"]
            assert (operation.state, written) == ("succeeded", list(toy.WRITES)), f"paused at {number}"
            assert operation.attempts == 1
        awake.signal("TERM")
        awake.wait()


@pytest.mark.control("R4")
def test_control_without_the_epoch_a_late_worker_writes_rows(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, tmp_path: Path
) -> None:
    at = places(nursery, shop, ledger, tmp_path)[3]
    operation, sleeper = paused(nursery, shop, ledger, at, without=("epoch",))
    nursery.worker(Plan(kinds=(operation.kind,)))
    until(lambda: taken_over(operation), seconds=60, what="the takeover")
    before = rows(operation)
    sleeper.signal("CONT")
    until(lambda: rows(operation) != before, seconds=30, what="the late worker's trace in the rows")


@pytest.mark.control("R4")
def test_control_without_the_fence_a_late_worker_writes_outside(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    worker = nursery.worker(Plan(kinds=("toy_298",), trace=str(trace)))
    ledger.entries.append(toy.Entry((first := begin(shop, ledger, "toy_298")).name, "go", ""))
    ended(first)
    worker.signal("TERM")
    worker.wait()
    # By what it is, not by its number: a statement more before it would move the pause to a harmless place.
    write = next(place for place in passed(trace) if place.phase == "before" and place.detail.startswith("POST"))
    operation, sleeper = paused(nursery, shop, ledger, write)
    nursery.worker(Plan(kinds=(operation.kind,), without=("fence",)))
    until(lambda: taken_over(operation), seconds=60, what="the takeover")
    assert ledger.of(operation.name) == list(toy.WRITES)
    sleeper.signal("CONT")
    until(lambda: ledger.of(operation.name).count("write:a") == 2, seconds=30, what="the doubled write")
