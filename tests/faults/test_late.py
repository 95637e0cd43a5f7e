"""A worker that stands still past its lease in the middle of an installation, judged by the cluster's audit log.

One wakes before it has asked whether it may still write; one wakes with the answer in hand and its request unsent,
which only the cluster itself can refuse. At full size a hundred workers are paused, each at a write drawn by dice.
"""

from __future__ import annotations

from typing import Any

import pytest

from operations.models import Operation
from tests.clusters.delivery.house import done
from tests.clusters.delivery.test_fence import written
from tests.faults.conftest import Nursery, Worker
from tests.faults.hooks import Place, Plan
from tests.faults.installing import add_place, begin, components, left
from tests.faults.proofs import Tally
from tests.faults.size import dice
from tests.faults.test_install import CALM, Calm, calm
from tests.faults.test_pause import gave_up
from tests.marketplace.deliver.stage import Stage
from tests.waiting import until

__all__ = ["calm"]
SLEEPERS, AT_ONCE = 100, 5
pytestmark = pytest.mark.timeout(300)


def deployment(stage: Stage, place: str) -> Place:
    """Before the request that creates the last workload; the first such request is the dry run."""
    path = f"/apis/apps/v1/namespaces/{stage.slug(place)}/deployments/run-01-web"
    return Place("kube", "before", f"PATCH {path}", 2)


def asleep(
    nursery: Nursery, stage: Stage, place: str, *without: str, past_check: bool = False
) -> tuple[Operation, Worker]:
    """Begin an installation whose worker stops itself before that request, or between its last check and it."""
    run = begin(stage, place, "run-01")
    plan = Plan(only=(run.number,), stop="STOP", place=deployment(stage, place), past_check=past_check, without=without)
    return run, nursery.worker(plan)


def late(stage: Stage, place: str, run: Operation, below: int) -> list[dict[str, Any]]:
    """The former owner's changing requests since its successor's first one, with answers below a status."""
    taken_over = min(entry["requestReceivedTimestamp"] for entry in written(stage.house(place), run, 2))
    former = written(stage.house(place), run, 1, below=below)
    return [entry for entry in former if entry["stageTimestamp"] > taken_over]


@pytest.mark.proof("R4")
def test_a_worker_paused_past_its_lease_changes_nothing_on_the_cluster(
    nursery: Nursery, stage: Stage, tally: Tally
) -> None:
    stage.version("1.0", components())
    sleepers = {"test": asleep(nursery, stage, "test"), "prod": asleep(nursery, stage, "prod", past_check=True)}
    wake_late(nursery, stage, [(place, "run-01", *one) for place, one in sleepers.items()])
    assert was_tried(stage, "prod", *sleepers["prod"])
    tally.runs(len(sleepers))


def wake_late(nursery: Nursery, stage: Stage, sleepers: list[tuple[str, str, Operation, Worker]]) -> None:
    """Let one worker take everything over that these sleep in, then wake them: they change nothing and give up."""
    for _, _, _, sleeper in sleepers:
        until(lambda: sleeper.stands_still, seconds=60, what=f"the pause\n{sleeper.said()}")  # noqa: B023
    successor = nursery.worker(Plan(without=("caps",)))
    for _, _, run, _ in sleepers:
        done(run, seconds=90)
        assert (run.attempts, run.epoch) == (1, 2)
    ends = [left(stage, place, slug) for place, slug, _, _ in sleepers]
    for _, _, _, sleeper in sleepers:
        sleeper.signal("CONT")
    for (place, slug, run, sleeper), end in zip(sleepers, ends, strict=True):
        until(lambda: gave_up(sleeper), seconds=40, what=f"its giving up\n{sleeper.said()}")  # noqa: B023
        assert late(stage, place, run, 300) == []
        assert left(stage, place, slug) == end
        assert end.inventory == end.uids
    # One that was paused before its first write has none; that all have none would mean that they are not told.
    assert any(written(stage.house(place), run, 1) for place, _, run, _ in sleepers)
    successor.signal("TERM")
    successor.wait()


def was_tried(stage: Stage, place: str, run: Operation, sleeper: Worker) -> bool:
    """Whether the request that was past its check was sent and refused, or could not be sent: a long pause may have
    cost the connection, and then the worker says so itself. Without either nothing was proven."""
    refused = {entry["responseStatus"]["code"] for entry in late(stage, place, run, 600)}
    if not refused:
        return f"{run}: the cluster {stage.cluster.name} is away" in sleeper.said()
    return refused <= {401, 403, 404, 409}


@pytest.mark.full
@pytest.mark.proof("R4")
@pytest.mark.timeout(7200)
def test_a_hundred_paused_workers_change_nothing_on_the_cluster(
    nursery: Nursery, stage: Stage, calm: Calm, tally: Tally
) -> None:
    roll = dice("R4")
    writes = [place for place in calm.places if place.kind == "kube" and not place.detail.startswith("GET")]
    writes = [place for place in writes if place.phase == "before"]
    tried = 0
    for start in range(0, SLEEPERS, AT_ONCE):
        where = f"{start // AT_ONCE:03}"
        add_place(stage, where)
        sleepers, past = [], []
        for number in range(AT_ONCE):
            slug, at, past_check = f"run-{number + 1:02}", roll.choice(writes), roll.random() < 0.5
            run = begin(stage, where, slug)
            detail = at.detail.replace(CALM, slug).replace(stage.slug("test"), stage.slug(where))
            there = at._replace(detail=detail)
            plan = Plan(only=(run.number,), stop="STOP", place=there, past_check=past_check, without=("caps",))
            sleepers.append((where, slug, run, nursery.worker(plan)))
            past += [sleepers[-1]] if past_check else []
        wake_late(nursery, stage, sleepers)
        tried += sum(was_tried(stage, where, run, sleeper) for where, _, run, sleeper in past)
        tally.runs(AT_ONCE)
    assert tried >= SLEEPERS // 4


@pytest.mark.control("R4")
def test_control_without_epoch_and_fence_a_late_worker_writes(nursery: Nursery, stage: Stage) -> None:
    stage.version("1.0", components())
    run, sleeper = asleep(nursery, stage, "test", "epoch")
    until(lambda: sleeper.stands_still, seconds=60, what=f"the pause\n{sleeper.said()}")
    nursery.worker(Plan(without=("fence",)))
    until(run.events.filter(code="fenced").exists, seconds=60, what="the takeover")
    sleeper.signal("CONT")
    until(lambda: late(stage, "test", run, 300), seconds=40, what="a late write in the audit log")
