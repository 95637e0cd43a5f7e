"""kill -9 of a worker in the middle of an upgrade, a rollback, an uninstallation: the next one ends it, as if nothing
had happened.

A few places of each by default, every one of them at full size.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from operations.models import Operation
from tests.clusters.delivery.house import done, ended
from tests.faults import roads
from tests.faults.conftest import Nursery, Worker
from tests.faults.hooks import Place, Plan, places
from tests.faults.installing import add_place, created
from tests.faults.installing import begin as install
from tests.faults.proofs import Tally
from tests.faults.roads import ROADS, End
from tests.faults.size import size
from tests.faults.test_install import CALM, is_lasting, sample
from tests.marketplace.deliver.stage import Stage
from tests.waiting import until

KILLS, AT_ONCE = size(2, 500), size(2, 6)
pytestmark = pytest.mark.timeout(size(600, 14400))


def peaceful(nursery: Nursery, stage: Stage, folder: Path) -> dict[str, tuple[End, list[Place]]]:
    """Go every road once without a fault: what each came to, and the places worth dying at."""
    found = {}
    for road in ROADS:
        run, trace = roads.begin(stage, "test", CALM, road), folder / road
        worker = nursery.worker(Plan(only=(run.number,), trace=str(trace)))
        assert ended(run).state == "succeeded", (road, run.outcome_code, run.outcome_params, worker.said())
        worker.signal("TERM")
        worker.wait()
        lasting = [place for place in places(trace) if is_lasting(place) and not is_waiting(place)]
        found[road] = roads.end(stage, "test", CALM, run), lasting
    return found


def is_waiting(place: Place) -> bool:
    """Whether it belongs to waiting for an object's end, which takes one look in one run and two in another."""
    return bool(re.match(r"GET .*/(deployments|statefulsets)/", place.detail))


def furnish(nursery: Nursery, stage: Stage, place: str, slugs: list[str]) -> None:
    """Install the applications that will be disturbed."""
    runs = [install(stage, place, slug) for slug in slugs]
    worker = nursery.worker(Plan(without=("caps",)))
    for run in runs:
        done(run, seconds=120)
    worker.signal("TERM")
    worker.wait()


def doomed(nursery: Nursery, stage: Stage, place: str, slug: str, road: str, at: Place) -> tuple[Operation, Worker]:
    """Begin it with a worker of its own that dies at this place."""
    run = roads.begin(stage, place, slug, road)
    detail = at.detail.replace(CALM, slug).replace(stage.slug("test"), stage.slug(place))
    plan = Plan(only=(run.number,), stop="KILL", place=at._replace(detail=detail), without=("caps",))
    return run, nursery.worker(plan)


def met(run: Operation, victim: Worker) -> bool:
    """Wait until the worker has died at its place; false when its operation ended without coming by."""

    def over() -> bool:
        run.refresh_from_db()
        return victim.code is not None or not run.is_active

    until(over, seconds=90, what=f"the end of {run} or of its worker\n{victim.said()}")
    if victim.code is None:
        try:
            victim.wait(5)  # the last places lie behind the end of the operation
        except AssertionError:
            victim.signal("KILL")
            victim.wait()
            return False
    return victim.code == -9


@pytest.mark.proof("R1")
def test_a_worker_killed_anywhere_on_every_road_leaves_it_whole(
    nursery: Nursery, stage: Stage, tmp_path: Path, tally: Tally
) -> None:
    stage.version("1.0", roads.first())
    furnish(nursery, stage, "test", [CALM])
    stage.version("2.0", roads.second())
    calm = peaceful(nursery, stage, tmp_path)
    chosen = {road: sample(there, KILLS) for road, (_, there) in calm.items()}
    unmet = kills = 0
    for start in range(0, max(len(at) for at in chosen.values()), AT_ONCE):
        where = f"{start // AT_ONCE:03}"
        add_place(stage, where)
        slugs = [f"run-{nth + 1:02}" for nth in range(AT_ONCE)]
        furnish(nursery, stage, where, slugs)
        for road in ROADS:
            at = dict(zip(slugs, chosen[road][start : start + AT_ONCE], strict=False))
            missed = one_road(nursery, stage, where, road, at, calm[road][0], slugs)
            unmet, kills = unmet + missed, kills + len(at)
            tally.runs(len(at) - missed)
        made = created(stage.house(where))
        assert {count for objects in made.values() for count in objects.values()} == {1}, made
    assert unmet <= kills // 10, "nearly every place was met"


def one_road(
    nursery: Nursery, stage: Stage, place: str, road: str, at: dict[str, Place], calm: End, slugs: list[str]
) -> int:
    """Go one road with each application, with a worker that dies at its place; gives how many never came by theirs."""
    missed = 0
    runs = {slug: doomed(nursery, stage, place, slug, road, there) for slug, there in at.items()}
    others = {slug: roads.begin(stage, place, slug, road) for slug in slugs if slug not in at}
    for run, victim in runs.values():
        missed += not met(run, victim)
    rescuer = nursery.worker(Plan(without=("caps",)))
    for slug, run in {**{slug: run for slug, (run, _) in runs.items()}, **others}.items():
        what = (road, at.get(slug), run.outcome_code, run.outcome_params)
        assert ended(run, seconds=120).state == "succeeded", what
        found = roads.end(stage, place, slug, run)
        assert found.rows == calm.rows, what
        assert found.objects == calm.objects, what
        assert {name: uid for name, uid in found.inventory.items() if name in found.uids} == found.uids, what
    rescuer.signal("TERM")
    rescuer.wait()
    return missed


@pytest.mark.control("R1")
def test_control_without_order_a_killed_upgrade_is_not_whole(nursery: Nursery, stage: Stage, tmp_path: Path) -> None:
    """Told that the step it died in was done, the next worker never sends what is missing; that another image runs is
    found by the last step, which is a guard of its own."""
    stage.version("1.0", roads.first())
    furnish(nursery, stage, "test", [CALM])
    stage.version("2.0", roads.second())
    path = f"/apis/apps/v1/namespaces/{stage.slug('test')}/deployments/{CALM}-web"
    run = roads.begin(stage, "test", CALM, "upgrade")
    plan = Plan(only=(run.number,), stop="KILL", place=Place("kube", "before", f"PATCH {path}", 2), without=("order",))
    assert nursery.worker(plan).wait(90) == -9
    nursery.worker()
    ended(run, seconds=90)
    live = stage.house("test").listed("deployments", "apps")[f"{CALM}-web"]
    wanted = roads.second()[0]["image"]["digest"]
    assert not live["spec"]["template"]["spec"]["containers"][0]["image"].endswith(wanted)
