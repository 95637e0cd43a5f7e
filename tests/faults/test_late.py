"""A worker that stands still past its lease in the middle of an installation, judged by the cluster's audit log.

One wakes before it has asked whether it may still write; one wakes with the answer in hand and its request unsent,
which only the cluster itself can refuse.
"""

from __future__ import annotations

from typing import Any

import pytest

from operations.models import Operation
from tests.clusters.delivery.house import done, until
from tests.clusters.delivery.test_fence import written
from tests.faults.conftest import Nursery, Worker
from tests.faults.hooks import Place, Plan
from tests.faults.installing import begin, components, left
from tests.faults.test_pause import gave_up
from tests.marketplace.deliver.stage import Stage

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


def test_a_worker_paused_past_its_lease_changes_nothing_on_the_cluster(nursery: Nursery, stage: Stage) -> None:
    stage.version("1.0", components())
    sleepers = {"test": asleep(nursery, stage, "test"), "prod": asleep(nursery, stage, "prod", past_check=True)}
    for _, sleeper in sleepers.values():
        until(lambda: sleeper.stands_still, seconds=60, what=f"the pause\n{sleeper.said()}")  # noqa: B023
    successor = nursery.worker()
    for run, _ in sleepers.values():
        done(run, seconds=90)
        assert (run.attempts, run.epoch) == (1, 2)
    ends = {place: left(stage, place, "run-01") for place in sleepers}
    for _, sleeper in sleepers.values():
        sleeper.signal("CONT")
    for place, (run, sleeper) in sleepers.items():
        until(lambda: gave_up(sleeper), seconds=40, what=f"its giving up\n{sleeper.said()}")  # noqa: B023
        assert written(stage.house(place), run, 1)
        assert late(stage, place, run, 300) == []
        assert left(stage, place, "run-01") == ends[place]
        assert ends[place].inventory == ends[place].uids
    refused = [entry["responseStatus"]["code"] for entry in late(stage, "prod", sleepers["prod"][0], 600)]
    assert refused, "the request that was past its check reached the cluster, which refused it"
    successor.signal("TERM")
    successor.wait()


def test_control_without_epoch_and_fence_a_late_worker_writes(nursery: Nursery, stage: Stage) -> None:
    stage.version("1.0", components())
    run, sleeper = asleep(nursery, stage, "test", "epoch")
    until(lambda: sleeper.stands_still, seconds=60, what=f"the pause\n{sleeper.said()}")
    nursery.worker(Plan(without=("fence",)))
    until(run.events.filter(code="fenced").exists, seconds=60, what="the takeover")
    sleeper.signal("CONT")
    until(lambda: late(stage, "test", run, 300), seconds=40, what="a late write in the audit log")
