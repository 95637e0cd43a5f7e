"""kill -9 of a worker in the middle of an installation: the next one ends it, as if nothing had happened.

A dozen points spread over the whole operation by default, all of them at full size; `TESTS_KILL_POINTS=40` takes that
many.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from operations.models import Operation
from tests.clusters.delivery.house import ended, failed
from tests.faults.conftest import Nursery, Worker
from tests.faults.hooks import Place, Plan, places
from tests.faults.installing import Left, add_place, begin, components, created, left
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.marketplace.deliver.stage import Stage

POINTS = int(os.environ.get("TESTS_KILL_POINTS", "") or size(12, 500))
AT_ONCE = 6
CALM = "run-00"
pytestmark = pytest.mark.timeout(180 + 20 * POINTS)


@dataclass(frozen=True)
class Calm:
    """An installation that nobody disturbed: what it came to, and the places worth dying at, in their order."""

    left: Left
    places: list[Place]


@pytest.fixture
def calm(nursery: Nursery, stage: Stage, tmp_path: Path) -> Calm:
    """Install once without a fault."""
    stage.version("1.0", components())
    run, trace = begin(stage, "test", CALM), tmp_path / "trace"
    worker = nursery.worker(Plan(only=(run.number,), trace=str(trace)))
    assert ended(run).state == "succeeded", (run.outcome_code, run.outcome_params, worker.said())
    worker.signal("TERM")
    worker.wait()
    return Calm(left(stage, "test", CALM), [place for place in places(trace) if is_lasting(place)])


def is_lasting(place: Place) -> bool:
    """Whether every run passes this place, once each, whatever it is called and however often it looks at its pods."""
    if re.search(r"-(env|files)-[0-9a-f]{8}", place.detail):
        return False
    if place.kind == "kube":
        return not place.detail.startswith("GET") or place.nth == 1
    written = re.match(r'(INSERT INTO|UPDATE) "(step|applied_object|revision|operation)"', place.detail)
    return written is not None and ("step" not in place.detail or '"state"' in place.detail)


def sample(found: list[Place], count: int) -> list[Place]:
    """Take so many places at equal distances, the first and the last among them; all when there are no more."""
    if count >= len(found):
        return found
    last = len(found) - 1
    return [found[round(number * last / (count - 1))] for number in range(count)]


def killed(
    nursery: Nursery, stage: Stage, place: str, at: Place, slug: str, *, without: tuple[str, ...] = ()
) -> tuple[Operation, Worker]:
    """Begin an installation with a worker of its own that dies at this place of it."""
    run = begin(stage, place, slug)
    detail = at.detail.replace(CALM, slug).replace(stage.slug("test"), stage.slug(place))
    there = at._replace(detail=detail)
    guards = ("caps", *without)  # the dead hold their places for a lease
    return run, nursery.worker(Plan(only=(run.number,), stop="KILL", place=there, without=guards))


@pytest.mark.proof("R1")
def test_a_worker_killed_anywhere_in_an_installation_leaves_it_whole(
    nursery: Nursery, stage: Stage, calm: Calm, tally: Tally
) -> None:
    at = sample(calm.places, POINTS)
    assert len(set(at)) >= 10
    assert {place.kind for place in at} == {"kube", "database"}
    resumed = 0
    for start in range(0, len(at), AT_ONCE):
        where = f"{start // AT_ONCE:03}"
        add_place(stage, where)
        slugs = {f"run-{start + nth + 1:02}": place for nth, place in enumerate(at[start : start + AT_ONCE])}
        runs = {slug: killed(nursery, stage, where, place, slug) for slug, place in slugs.items()}
        for slug, (_, victim) in runs.items():
            assert victim.wait(90) == -9, (slugs[slug], victim.said())
        rescuer = nursery.worker(Plan(without=("caps",)))
        for slug, (run, _) in runs.items():
            assert ended(run, seconds=90).state == "succeeded", (slugs[slug], run.outcome_code, run.outcome_params)
            hold_to(calm, left(stage, where, slug), slugs[slug])
            resumed += run.attempts
        rescuer.signal("TERM")
        rescuer.wait()
        made = created(stage.house(where))
        for slug, (run, _) in runs.items():
            assert set(made[run.name].values()) == {1}, (slugs[slug], made[run.name])
        tally.runs(len(runs))
    # The last place lies in the transaction that ends the operation, or behind it.
    assert resumed >= len(at) - 1


def hold_to(calm: Calm, end: Left, at: Place) -> None:
    """Hold what a disturbed installation came to against the undisturbed one; rows and cluster say the same."""
    assert end.rows == calm.left.rows, at
    assert end.objects == calm.left.objects, at
    assert end.inventory == end.uids, at


@pytest.mark.control("R1")
def test_control_without_guards_a_killed_installation_is_not_whole(nursery: Nursery, stage: Stage) -> None:
    """Blind to what the dead one left, or told that the step it died in was done, nobody brings it to its end."""
    stage.version("1.0", components())
    deployment = f"PATCH /apis/apps/v1/namespaces/{stage.slug('test')}/deployments/{CALM}-web"
    before = Place("kube", "before", deployment, 2)  # the first one is the dry run
    blind, first = killed(nursery, stage, "prod", before._replace(phase="after"), "run-01")
    hasty, second = killed(nursery, stage, "prod", before, "run-02", without=("order",))
    for victim in (first, second):
        assert victim.wait(90) == -9, victim.said()
    nursery.worker(Plan(only=(blind.number,), without=("look",)))
    nursery.worker(Plan(only=(hasty.number,)))
    failed(blind, "object_name_taken")
    assert ended(hasty).state == "succeeded"
    assert "Deployment/APP-web" not in left(stage, "prod", "run-02").objects
