"""kill -9 of a worker before and after its requests: nothing lost, nothing doubled, nothing stuck.

A sample of the points by default; at full size every one that an operation passes.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from operations.models import Fence, Operation
from tests.faults.conftest import Nursery, Worker
from tests.faults.hooks import Plan
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.waiting import until

AT_ONCE = 6
pytestmark = pytest.mark.timeout(size(400, 3600))


def points_of(nursery: Nursery, shop: Shop, ledger: toy.Ledger, folder: Path) -> list[list[Any]]:
    """Run one operation without a fault, and give every point it passes."""
    trace = folder / "trace"
    worker = nursery.worker(Plan(kinds=("toy_0",), trace=str(trace)))
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, kind="toy_0")
    assert ended(operation, seconds=60).state == "succeeded"
    worker.signal("TERM")
    worker.wait()
    return [json.loads(line) for line in trace.read_text().splitlines()]


def chosen(points: list[list[Any]]) -> list[int]:
    """Choose where to kill: after the claim, at every outbound request, and at every ninth point of the database; at
    full size at each."""
    outside = [number for number, kind, _, _ in points if kind == "kube"]
    database = [number for number, kind, _, _ in points if kind == "database"]
    return sorted({0, *outside, *database[:: size(9, 1)], database[-1]})


def killed(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, at: list[int], kind: str = "toy", **options: Any
) -> list[Operation]:
    """Begin one operation per point, each with a worker of its own that dies there."""
    without = options.pop("without", ())
    operations = []
    victims: list[Worker] = []
    for number in at:
        own = {"kind": f"{kind}_{number}", "environment_id": shop.enterprise.pk, **options}
        operations.append(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, **own))
        victims.append(nursery.worker(Plan(kinds=(own["kind"],), stop="KILL", at=number, without=without)))
    for victim in victims:
        assert victim.wait(60) == -9, victim.said()
    return operations


def rescue(nursery: Nursery, operations: list[Operation], **plan: Any) -> None:
    """Let one worker without a fault end them all."""
    rescuer = nursery.worker(Plan(kinds=tuple(operation.kind for operation in operations), **plan))
    for operation in operations:
        ended(operation, seconds=40)
    rescuer.signal("TERM")
    rescuer.wait()


def story(operation: Operation) -> dict[str, Any]:
    """Give what an operation came to, without what a takeover may change: times, epochs, and lines about itself."""
    steps = [
        (step.key, step.state, step.intent, step.observed.get("entry")) for step in operation.steps.order_by("seq")
    ]
    lines = operation.events.exclude(code="taken_over").order_by("pk")
    return {
        "row": (operation.state, operation.changed, operation.done, operation.total, operation.outcome_code),
        "steps": steps,
        "ended": lines.filter(code__startswith="operation_").count(),
    }


@pytest.mark.proof("R1")
def test_a_worker_killed_anywhere_loses_doubles_and_wedges_nothing(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, tmp_path: Path, tally: Tally
) -> None:
    points = points_of(nursery, shop, ledger, tmp_path)
    peaceful = story(Operation.objects.get(kind="toy_0"))
    at = chosen(points)
    assert len(at) >= 20, "at least twenty points of the three kinds: claim, outbound, database"
    resumed = 0
    for start in range(0, len(at), AT_ONCE):
        batch = at[start : start + AT_ONCE]
        operations = killed(nursery, shop, ledger, batch)
        died = time.monotonic()
        rescue(nursery, operations)
        assert time.monotonic() - died < 30
        for number, operation in zip(batch, operations, strict=True):
            what = f"killed at {number}: {points[number - 1] if number else 'claim'}"
            assert ledger.of(operation.name) == list(toy.WRITES), what
            assert story(operation) == peaceful, what
            # The last point lies behind the end of the operation.
            assert (operation.attempts, operation.epoch) in {(1, 2), (0, 1)}, what
            agents = ledger.agents(operation.name)
            resumed += len({agent.split()[2] for agent in agents}) > 1
        tally.runs(len(batch))
    assert resumed >= 4, "workers that died half-way were continued, not begun anew"
    assert Fence.objects.get(environment_id=shop.enterprise.pk).generation > len(at) // 2


@pytest.mark.control("R1")
def test_control_without_looking_first_writes_are_doubled(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, tmp_path: Path
) -> None:
    trace = tmp_path / "blind"
    worker = nursery.worker(Plan(kinds=("toy_199",), trace=str(trace), without=("observe",)))
    ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, kind="toy_199"))
    worker.signal("TERM")
    worker.wait()
    points = [json.loads(line) for line in trace.read_text().splitlines()]
    at = [number for number, kind, phase, _ in points if kind == "kube" and phase == "after"]
    assert len(at) == len(toy.WRITES)
    operations = killed(nursery, shop, ledger, at, without=("observe",))
    rescue(nursery, operations, without=("observe",))
    assert [len(ledger.of(operation.name)) for operation in operations] == [4, 4, 4]


@pytest.mark.control("R1", "R2")
def test_control_without_expiry_the_operation_is_stuck(nursery: Nursery, shop: Shop, ledger: toy.Ledger) -> None:
    (operation,) = killed(nursery, shop, ledger, [30])
    nursery.worker(Plan(kinds=("toy_30",), without=("expiry",)))
    until(lambda: lease_age(operation) > 5, seconds=40, what="the end of the dead worker's lease")
    operation.refresh_from_db()
    assert (operation.state, operation.epoch) == ("running", 1)
    nursery.worker(Plan(kinds=("toy_30",)))
    assert ended(operation, seconds=20).state == "succeeded"


def lease_age(operation: Operation) -> float:
    """Give the seconds since the lease ran out, by this machine's clock."""
    operation.refresh_from_db()
    assert operation.lease_until is not None
    return time.time() - operation.lease_until.timestamp()


@pytest.mark.proof("R1")
def test_a_worker_killed_in_an_undo_takes_back_once(
    nursery: Nursery, shop: Shop, ledger: toy.Ledger, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    first = nursery.worker(Plan(kinds=("tidy",), trace=str(trace)))
    options: dict[str, Any] = {"kind": "tidy", "reject_at": "write:b"}
    ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, **options))
    first.signal("TERM")
    first.wait()
    points = [json.loads(line) for line in trace.read_text().splitlines()]
    undo = [number for number, where, _, _ in points if where == "kube"][-4:]  # GET and POST of the undo
    operations = killed(nursery, shop, ledger, undo, **options)
    rescue(nursery, operations)
    for operation in operations:
        assert (operation.state, operation.outcome_code, operation.attempts) == ("failed", "registry_full", 1)
        assert ledger.of(operation.name) == ["write:a", "undone"]
        assert operation.steps.get(key="undo").state == "done"
