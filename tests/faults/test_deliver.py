"""Deliveries to a real cluster by workers that are killed, paused, or left without their cluster in the middle."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters.kube import connect
from clusters.models import AppliedObject
from deploy.local.cluster import Cluster as LocalCluster
from operations.models import Operation
from tests.cast import Cast, make_cast
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import ended, until
from tests.clusters.delivery.test_fence import lease_stands, written
from tests.faults.conftest import Nursery
from tests.faults.hooks import Plan
from tests.marketplace.deliver.stage import Stage, make_stage, operation, part
from tests.real.platform import PlatformFactory

AT_ONCE = 5
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def people(nursery: Nursery) -> Cast:
    """Everyone, in a database that the workers see."""
    return make_cast()


@pytest.fixture
def stage(people: Cast, cluster: LocalCluster, name: str) -> Iterator[Stage]:
    """Two environments of this test alone, and a version of two levels."""
    made = make_stage(people, cluster, name)
    made.version("1.0", parts())
    yield made
    for environment in made.places.values():
        remove_namespace(cluster, environment.namespace)
    connect.close_all()


@pytest.fixture
def name() -> str:
    """A name nobody has used."""
    return secrets.token_hex(8)


def parts(version: int = 1) -> list[Any]:
    secret = {"name": "KEY", "secret": True, "generate": {"length": 12, "alphabet": "hex"}}
    port = {"name": "http", "number": 8080, "outside": "node_port"}
    file = {"path": "/etc/web.conf", "content": f"version {version}"}
    return [
        part("web", version, depends_on=["db"], ports=[port], files=[file], variables=[secret]),
        part("db", 1, kind="stateful", ports=[{"name": "db", "number": 5432, "alias": "DB"}]),
    ]


def begin(stage: Stage, slug: str) -> Operation:
    """Accept an installation under a name of its own."""
    return operation(stage.install("test", app={"slug": slug, "name": slug}))


def standing(stage: Stage, slug: str) -> set[str]:
    """What of an application stands on the cluster, content names without their endings."""
    house, found = stage.house("test"), set()
    kinds = (("deployments", "apps"), ("statefulsets", "apps"), ("services", ""), ("secrets", ""), ("configmaps", ""))
    for kind, group in (*kinds, ("networkpolicies", "networking.k8s.io")):
        for name, item in house.listed(kind, group).items():
            if item["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == slug:
                plain = name.replace(f"waybill-{slug}", "record").removeprefix(f"{slug}-")
                found.add(f"{kind}/{plain[:-8] if item.get('immutable') else plain}")
    return found


def whole(stage: Stage, slug: str, run: Operation, peaceful: set[str]) -> None:
    """Hold the end to what an undisturbed run comes to."""
    assert run.state == "succeeded", (run.outcome_code, run.outcome_params, list(run.steps.values_list("key", "state")))
    assert (run.done, run.changed) == (run.total, "all")
    assert run.events.filter(code__startswith="operation_").count() == 1
    assert standing(stage, slug) == peaceful
    application = run.revision.application
    application.refresh_from_db()
    assert application.current_revision == run.revision
    rows = AppliedObject.objects.filter(application=application)
    assert {row.state for row in rows} == {"applied"}
    listed = {
        (kind, name)
        for kind, path, group in (("Deployment", "deployments", "apps"), ("Service", "services", ""))
        for name, item in stage.house("test").listed(path, group).items()
        if item["metadata"]["labels"]["app.kubernetes.io/instance"] == slug
    }
    assert {(row.kind, row.name) for row in rows if row.kind in {"Deployment", "Service"}} == listed


def traced(nursery: Nursery, stage: Stage, trace: Path) -> list[list[Any]]:
    """Install once without a fault, and give every point that passed."""
    run = begin(stage, "calm")
    worker = nursery.worker(Plan(trace=str(trace)))
    assert ended(run, seconds=90).state == "succeeded", (run.outcome_code, run.outcome_params, worker.said())
    worker.signal("TERM")
    worker.wait()
    return [json.loads(line) for line in trace.read_text().splitlines()]


def test_a_worker_killed_anywhere_in_an_installation_leaves_it_whole(
    nursery: Nursery, stage: Stage, tmp_path: Path
) -> None:
    points = traced(nursery, stage, tmp_path / "trace")
    peaceful = standing(stage, "calm")
    assert {"deployments/web", "statefulsets/db", "services/web-outside", "configmaps/record"} <= peaceful
    writes = [number for number, kind, _, text in points if kind == "kube" and text.startswith("PATCH")]
    database = [number for number, kind, _, _ in points if kind == "database"]
    at = sorted({0, *writes[:: max(1, len(writes) // 9)], writes[-1], database[len(database) // 2]})
    assert len(at) >= 10
    for start in range(0, len(at), AT_ONCE):
        runs = {}
        for number in at[start : start + AT_ONCE]:
            runs[f"app-{number}"] = begin(stage, f"app-{number}")
            victim = nursery.worker(Plan(stop="KILL", at=number))
            assert victim.wait(90) == -9, victim.said()
        rescuer = nursery.worker()
        for slug, run in runs.items():
            whole(stage, slug, ended(run, seconds=120), peaceful)
        rescuer.signal("TERM")
        rescuer.wait()
    assert Operation.objects.filter(kind="install", attempts__gte=1).count() >= len(at) - 2


def test_a_worker_paused_past_its_lease_writes_nothing_afterwards(
    nursery: Nursery, stage: Stage, tmp_path: Path
) -> None:
    points = traced(nursery, stage, tmp_path / "trace")
    peaceful = standing(stage, "calm")
    writes = [
        number
        for number, kind, phase, text in points
        if kind == "kube" and phase == "before" and text.startswith("PATCH")
    ]
    for share in (1, 2, 3):
        number = writes[len(writes) * share // 4]
        run = begin(stage, f"app-{number}")
        worker = nursery.worker(Plan(stop="STOP", at=number))
        until(lambda worker=worker: worker.stands_still, seconds=60, what="the pause")
        until(lambda run=run: not lease_stands(run), seconds=20, what="the end of the lease")
        successor = nursery.worker()
        ended(run, seconds=120)
        worker.signal("CONT")
        worker.signal("TERM")
        worker.wait()
        whole(stage, f"app-{number}", run, peaceful)
        taken_over = min(entry["requestReceivedTimestamp"] for entry in written(stage.house("test"), run, 2))
        former = written(stage.house("test"), run, 1)
        assert [entry for entry in former if entry["stageTimestamp"] > taken_over] == []
        successor.signal("TERM")
        successor.wait()


def test_a_cluster_that_goes_dark_in_an_installation_is_waited_for(
    nursery: Nursery, people: Cast, fresh_platform_factory: PlatformFactory, name: str
) -> None:
    platform = fresh_platform_factory()
    real = next(iter(platform.clusters.values()))
    stage = make_stage(people, real, name)
    slow = [{"name": "PLAY", "value": "slow"}, {"name": "PLAY_DELAY", "value": "6s"}]
    stage.version("1.0", [part("web", depends_on=["db"]), part("db", variables=slow)])
    run = begin(stage, "shop")
    worker = nursery.worker()
    until(lambda: run.steps.filter(key="component:db", state="running").exists(), seconds=60, what="the first level")
    real.stop_apiserver()

    def waits() -> bool:
        run.refresh_from_db()
        return run.state == "waiting"

    until(waits, seconds=30, what="the wait")
    assert run.waiting_for is not None
    assert (run.waiting_for["kind"], run.waiting_for["name"]) == ("cluster", "Here")
    real.start_apiserver()
    ended(run, seconds=90)
    assert run.state == "succeeded", (run.outcome_code, run.outcome_params)
    assert (run.attempts, run.changed) == (0, "all")
    assert set(stage.house("test").listed("deployments", "apps")) == {"shop-web", "shop-db"}
    worker.signal("TERM")
    worker.wait()
    connect.close_all()
