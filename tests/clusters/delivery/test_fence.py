"""A worker that wakes up late changes nothing: judged by the cluster's own audit log."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from clusters.kube import connect
from clusters.kube.client import Client
from clusters.kube.errors import CredentialsRefused, Forbidden, Outdated
from clusters.kube.sender import Fixed
from clusters.manifests import names, restored
from clusters.models import Application, AppliedObject
from console.kit import points
from operations import registry
from operations.engine.claim import claim
from operations.engine.drive import drive
from operations.engine.loop import Loop
from operations.engine.work import Work
from operations.models import Fence, Operation
from tests.clusters.delivery.house import House, begin, done, make_app, part
from tests.waiting import until

WRITES = ("create", "update", "patch", "delete")


class Held:
    """Holds the nth request to an address back until it is let go, as a stopped process would."""

    def __init__(self, detail: str, nth: int) -> None:
        self.detail = detail
        self.left = nth
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, kind: str, detail: str, phase: str) -> None:
        if phase != "before" or not detail.endswith(self.detail):
            return
        self.left -= 1
        if self.left == 0:
            self.reached.set()
            self.released.wait(60)


@pytest.fixture
def hold() -> Iterator[Any]:
    """Install a hold on a request; it is let go and taken away at the end."""
    held: list[Held] = []

    def install(detail: str, nth: int = 1) -> Held:
        held.append(Held(detail, nth))
        points.install(held[0])
        return held[0]

    yield install
    for one in held:
        one.released.set()
    points.install(None)


def stale_worker(operation: Operation) -> threading.Thread:
    """Let a worker begin that never renews its lease, as one that is stopped does not."""
    claimed = claim("stale", per_cluster=9, per_team=9)
    assert claimed is not None
    assert claimed.operation.pk == operation.pk
    work = Work(claimed.operation, claimed.lease, registry.runner(operation.kind))

    def run() -> None:
        drive(work)
        connection.close()

    thread = threading.Thread(target=run, name="stale")
    thread.start()
    return thread


def written(house: House, operation: Operation, epoch: int, *, below: int = 300) -> list[dict[str, Any]]:
    """The writes of one epoch that the cluster carried out (answered `below` a status), in its audit log's order."""
    agent = f"waybill {operation.name} epoch/{epoch} "
    return [
        entry
        for entry in house.real.audit_entries()
        if entry.get("userAgent", "").startswith(agent)
        and entry["verb"] in WRITES
        and entry.get("objectRef", {}).get("namespace") == house.environment.namespace
        and "dryRun" not in entry.get("requestURI", "")
        and entry.get("responseStatus", {}).get("code", 0) < below
    ]


@pytest.mark.timeout(180)
def test_a_worker_that_wakes_up_late_changes_nothing(house: House, hold: Any) -> None:
    app = make_app(house)
    operation = begin(house, app, [part("web"), part("api")])
    held = hold("/deployments/shop-app-web", nth=2)  # the first one is the dry run
    stale = stale_worker(operation)
    assert held.reached.wait(30)
    until(lambda: not lease_stands(operation), seconds=20, what="the end of the lease")
    loop = Loop(slots=2)
    loop.start()
    try:
        done(operation, seconds=90)
    finally:
        held.released.set()
        stale.join(30)
        loop.stop()
    operation.refresh_from_db()
    assert (operation.attempts, operation.epoch) == (1, 2)
    taken_over = min(entry["requestReceivedTimestamp"] for entry in written(house, operation, 2))
    first = written(house, operation, 1)
    assert first
    assert [entry for entry in first if entry["stageTimestamp"] > taken_over] == []
    assert Fence.objects.get(environment_id=house.environment.pk).generation == 2
    system = f"/api/v1/namespaces/{names.SYSTEM_NAMESPACE}/serviceaccounts"
    accounts = {item["metadata"]["name"] for item in house.real.get(system)["items"]}
    slug = house.environment.slug
    assert names.key(slug, 1) not in accounts
    assert names.key(slug, 2) in accounts


def lease_stands(operation: Operation) -> bool:
    """Whether somebody holds the operation, by the database's clock."""
    return Operation.objects.filter(pk=operation.pk).extra(where=["lease_until > clock_timestamp()"]).exists()


def old_key(house: House) -> Client:
    """A client with the key of generation 1 that asks no guard: a request that was past its check when it froze."""
    issuer = connect.for_cluster(house.cluster)
    status = issuer.token(names.key(house.environment.slug, 1), names.SYSTEM_NAMESPACE)
    return Client(issuer.channel, Fixed(status["token"]), house.cluster.name)


def late_writes(house: House, client: Client, app: Application, known: dict[str, Any]) -> list[str]:
    """Send what a frozen worker may still have in hand: an update, a creation, a deletion; give what came of each."""
    namespace, manager = house.environment.namespace, app.field_manager
    app.refresh_from_db()
    assert app.current_revision is not None
    sent = restored(app.current_revision.content()["manifests"]).workload("web").manifest
    update = copy.deepcopy(sent)
    update["spec"]["replicas"] = 7
    create = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "late", "namespace": namespace},
        "data": {"a": "b"},
    }
    uid, version = known["metadata"]["uid"], known["metadata"]["resourceVersion"]
    tries = (
        lambda: client.apply(update, manager, uid=uid, resource_version=version, force=True),
        lambda: client.apply(create, manager, create_only=True),
        lambda: client.delete("Deployment", known["metadata"]["name"], namespace, uid=uid),
    )
    told = []
    for one in tries:
        try:
            one()
        except (Forbidden, CredentialsRefused, Outdated) as error:
            told.append(error.code)
        else:
            told.append("done")
    return told


@pytest.mark.timeout(180)
def test_what_was_past_its_check_is_refused_by_the_cluster(house: House, hold: Any) -> None:
    app = make_app(house)
    first = Loop(slots=1)
    first.start()
    done(begin(house, app, [part("web")]))
    first.stop()
    late = old_key(house)
    known = house.listed("deployments", "apps")["shop-app-web"]
    operation = begin(house, app, [part("web", 2)])
    held = hold("/deployments/shop-app-web")
    stale = stale_worker(operation)
    assert held.reached.wait(30)
    until(lambda: not lease_stands(operation), seconds=20, what="the end of the lease")
    second = Loop(slots=1)
    second.start()
    done(operation, seconds=90)
    second.stop()
    told = late_writes(house, late, app, known)
    held.released.set()
    stale.join(30)
    assert "done" not in told
    assert "late" not in house.listed("configmaps")
    live = house.listed("deployments", "apps")["shop-app-web"]
    assert live["spec"]["replicas"] == 1
    assert live["metadata"]["annotations"]["waybill.internal/epoch"] == "2"
    # The bump restarted nothing and is no edit by hand: the same again finds nothing to do.
    third = Loop(slots=1)
    third.start()
    counts = done(begin(house, app, [part("web", 2)])).steps.get(key="dry_run").observed["counts"]
    third.stop()
    assert (counts["create"], counts["change"], counts["remove"]) == (0, 0, 0)


@pytest.mark.timeout(180)
def test_the_control_an_old_key_still_writes_where_nobody_took_over(house: House, loop: Loop) -> None:
    """Without the fence the same late requests go through: the proof above can turn red."""
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    known = house.listed("deployments", "apps")["shop-app-web"]
    told = late_writes(house, old_key(house), app, known)
    assert told == ["done", "done", "done"]


@pytest.mark.timeout(180)
def test_a_crash_between_writing_down_and_sending_is_settled(house: House, hold: Any) -> None:
    app = make_app(house)
    operation = begin(house, app, [part("web", ports=[{"name": "http", "number": 80}])])
    held = hold("/services/shop-app-web")
    stale = stale_worker(operation)
    assert held.reached.wait(30)
    until(lambda: not lease_stands(operation), seconds=20, what="the end of the lease")
    loop = Loop(slots=1)
    loop.start()
    done(operation, seconds=90)
    loop.stop()
    held.released.set()
    stale.join(30)
    states = set(AppliedObject.objects.filter(application=app).values_list("state", flat=True))
    assert states == {"applied"}
    assert house.listed("services")["shop-app-web"]


@pytest.mark.timeout(180)
def test_another_operation_of_the_environment_goes_on_with_the_new_key(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    # As if another application's worker had been lost, and its next owner had not come to make the key yet.
    Fence.objects.create(environment_id=house.environment.pk, generation=2)
    done(begin(house, app, [part("web", 2)]))
    binding = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{house.environment.namespace}/rolebindings/{names.DEPLOY}"
    assert house.real.get(binding)["subjects"][0]["name"] == names.key(house.environment.slug, 2)
