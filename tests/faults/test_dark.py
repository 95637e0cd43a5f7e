"""A cluster goes dark in the middle of an installation: it is waited for, said so, and nobody else is held up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from django.utils.html import escape

from clusters.kube import connect
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import ClusterPlan
from operations import words
from operations.models import Operation
from tests.cast import Cast
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import make_environment
from tests.clusters.working import connect_row
from tests.faults.conftest import Nursery
from tests.faults.hooks import Plan
from tests.faults.installing import begin, created, left
from tests.faults.proofs import Tally
from tests.marketplace.deliver.stage import Stage, done, failed, make_stage, operation, part
from tests.operations.test_api import signed_in
from tests.real.platform import PlatformFactory
from tests.waiting import until

BAR = 15
"""Seconds until the darkness is shown, and until work goes on after it."""
DARK = 600
"""Seconds without the cluster, at full size."""
pytestmark = pytest.mark.timeout(400)


@dataclass
class Two:
    """A stage with places on a cluster of its own, and one place on another cluster that stays."""

    stage: Stage
    dark: LocalCluster
    bright: LocalCluster


@pytest.fixture
def two(people: Cast, cluster: LocalCluster, fresh_platform_factory: PlatformFactory, name: str) -> Iterator[Two]:
    """The cluster that goes dark belongs to this test; the other one is the run's."""
    dark = fresh_platform_factory(ClusterPlan("dark", "Dark", nodes=1)).clusters["dark"]
    stage = make_stage(people, dark, name)
    slow = [{"name": "PLAY", "value": "slow"}, {"name": "PLAY_DELAY", "value": "8s"}]
    stage.version("1.0", [part("web", depends_on=["db"]), part("db", variables=slow)])
    bright = connect_row(people.enterprise, cluster, "there")
    stage.places["bright"] = make_environment(people.enterprise, people.team, bright, f"there-{name[-8:]}")
    yield Two(stage, dark, cluster)
    remove_namespace(cluster, stage.places["bright"].namespace)
    connect.close_all()


def darken(two: Two, run: Operation) -> None:
    """Let the cluster go once the base is there and the first component is waited for."""
    first = run.steps.filter(key="component:db", state="running")
    until(first.exists, seconds=60, what="the first component")
    assert run.steps.get(key="base").state == "done"
    two.dark.stop_apiserver()


def seconds_until(state: str, run: Operation) -> float:
    """Wait for a state of the operation; gives the seconds it took."""
    began = time.monotonic()
    is_there: Callable[[], bool] = Operation.objects.filter(pk=run.pk, state=state).exists
    until(is_there, seconds=4 * BAR, what=f"{run} {state}")
    return time.monotonic() - began


def bring_back(two: Two, run: Operation, tally: Tally) -> None:
    """Let the cluster answer again, and see the operation go on soon."""
    two.dark.start_apiserver()
    took = seconds_until("running", run)
    assert took < BAR
    tally.recovered([took])
    for program in ("manager", "scheduler", "player"):  # else they sit out their own back-off, half a minute
        two.dark.stop(program)
        two.dark.start(program)


@pytest.mark.proof("R10")
def test_a_dark_cluster_is_waited_for_and_holds_up_nobody_else(nursery: Nursery, two: Two, tally: Tally) -> None:
    stage, cluster = two.stage, two.stage.cluster.name
    run = begin(stage, "test", "run-01", values={})
    worker = nursery.worker()
    darken(two, run)
    assert seconds_until("waiting", run) < BAR
    shown = stage.cast.api("delivery").get(f"operations/{run.name}").json()
    assert (shown["state"], shown["waiting_for"]["kind"], shown["waiting_for"]["name"]) == (
        "waiting",
        "cluster",
        cluster,
    )
    page = signed_in(stage.cast.delivery).get(f"/operations/{run.name}").content.decode()
    run.refresh_from_db()
    assert cluster in str(words.waiting(run))
    assert escape(words.waiting(run)) in page

    other = begin(stage, "bright", "run-02", values={})
    done(other, seconds=60)
    run.refresh_from_db()
    assert (run.state, other.attempts) == ("waiting", 0)

    bring_back(two, run, tally)
    done(run, seconds=90)
    assert (run.attempts, run.changed, run.waiting_for) == (0, "all", None)
    lines = list(run.events.filter(code__in=("waiting", "resumed")).order_by("pk").values_list("code", flat=True))
    assert lines[:1] == ["waiting"] and lines[-1:] == ["resumed"]
    end, calm = left(stage, "test", "run-01"), left(replace(stage, real=two.bright), "bright", "run-02")
    assert (end.rows, end.inventory) == (calm.rows, end.uids)
    assert end.objects == calm.objects
    assert set(created(stage.house("test"))[run.name].values()) == {1}
    worker.signal("TERM")
    worker.wait()


@pytest.mark.full
@pytest.mark.proof("R10")
@pytest.mark.timeout(1800)
def test_ten_dark_minutes_in_mid_upgrade(nursery: Nursery, two: Two, tally: Tally) -> None:
    stage = two.stage
    worker = nursery.worker()
    done(begin(stage, "test", "run-01", values={}), seconds=120)
    slow = [{"name": "PLAY", "value": "slow"}, {"name": "PLAY_DELAY", "value": "9s"}]
    stage.version("2.0", [part("web", 2, depends_on=["db"]), part("db", 2, variables=slow)])
    body = {"version": "2.0"}
    run = operation(stage.post(f"environments/{stage.slug('test')}/apps/run-01/upgrades", body))
    darken(two, run)
    assert seconds_until("waiting", run) < BAR
    went = time.monotonic()
    number = 1
    while time.monotonic() - went < DARK:
        number += 1
        other = begin(stage, "bright", f"run-{number:02}", values={})
        done(other, seconds=60)
        assert other.attempts == 0
        time.sleep(30)
        run.refresh_from_db()
        assert run.state == "waiting"
    bring_back(two, run, tally)
    done(run, seconds=120)
    assert (run.attempts, run.changed) == (0, "all")
    end = left_of(stage, "test", "run-01")
    assert end["web"].endswith(part("web", 2)["image"]["digest"]) and end["db"].endswith(
        part("db", 2)["image"]["digest"]
    )
    worker.signal("TERM")
    worker.wait()


def left_of(stage: Stage, place: str, slug: str) -> dict[str, str]:
    """The image that each component runs."""
    live = stage.house(place).listed("deployments", "apps")
    return {
        name.removeprefix(f"{slug}-"): item["spec"]["template"]["spec"]["containers"][0]["image"]
        for name, item in live.items()
    }


@pytest.mark.control("R10")
def test_control_without_patience_a_dark_cluster_is_a_failure(nursery: Nursery, two: Two) -> None:
    run = begin(two.stage, "test", "run-01", values={})
    nursery.worker(Plan(without=("patience",)))
    darken(two, run)
    failed(run, "cluster_unreachable", cluster=two.stage.cluster.name)
