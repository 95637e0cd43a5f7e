"""What recurs: probing, and looking at what runs. On real clusters, one of which is stopped and started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from clusters.duties.observe import observe_cluster
from clusters.duties.probe import probe_cluster
from clusters.kube import connect
from clusters.models import Application, ApplicationStatus, Cluster, Environment
from clusters.registration import register
from console.kit.errors import Unreachable
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import ClusterPlan
from deploy.local.platform import Platform
from operations.duties import schedule_duty
from operations.engine import doorbell
from operations.engine.loop import Loop
from tests.builders import make_enterprise
from tests.cast import Cast
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import House, begin, done, make_app, make_house, part
from tests.clusters.working import connect_row, make_cluster
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(people: Cast, cluster: LocalCluster) -> Iterator[House]:
    """An environment of this test alone."""
    made = make_house(cluster)
    yield made
    remove_namespace(cluster, made.environment.namespace)
    connect.close_all()


def probed(row: Cluster) -> Cluster:
    """Probe once and read the row."""
    probe_cluster(row.pk)
    row.refresh_from_db()
    return row


# --- Probing -----------------------------------------------------------------------------------------------------


def test_a_cluster_that_answers_is_online(db: None, cluster: LocalCluster) -> None:
    row = connect_row(make_enterprise(), cluster, health="unreachable", misses=5, health_code="cluster_unreachable")
    version = row.row_version
    probed(row)
    assert (row.health, row.misses, row.health_code) == ("online", 0, None)
    assert row.seen_at is not None
    assert timezone.now() - row.seen_at < timedelta(seconds=5)
    assert row.row_version == version, "news about a cluster is no change of its row"


def test_three_misses_make_it_unreachable_and_half_an_hour_offline(db: None, settings: Settings) -> None:
    row = make_cluster(make_enterprise(), health="online", seen_at=timezone.now())
    assert [probed(row).health for _ in range(3)] == ["online", "online", "unreachable"]
    assert row.health_code == "cluster_unreachable"
    Cluster.objects.filter(pk=row.pk).update(seen_at=timezone.now() - timedelta(minutes=31))
    assert probed(row).health == "offline"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"uid": "another"}, "cluster_replaced"),
        ({"ca_pem": ""}, "tls_not_trusted"),
        ({"endpoint": "https://169.254.169.254"}, "address_denied"),
    ],
)
def test_a_miss_says_why(db: None, cluster: LocalCluster, changes: dict[str, str], code: str) -> None:
    row = connect_row(make_enterprise(), cluster)
    Cluster.objects.filter(pk=row.pk).update(**changes)
    assert (probed(row).health_code, row.misses) == (code, 1)


def test_a_refused_credential_says_so(db: None, cluster: LocalCluster) -> None:
    row = connect_row(make_enterprise(), cluster)
    row.seal_credential({"token": "revoked"})
    row.save()
    assert probed(row).health_code == "credentials_refused"


def test_a_removed_cluster_is_left_alone(db: None) -> None:
    row = make_cluster(make_enterprise(), removed_at=timezone.now())
    assert probed(row).probed_at is None
    observe_cluster(row.pk)


def test_a_stopped_apiserver_is_shown_and_its_return_too(
    people: Cast, loop: Loop, cluster: LocalCluster, fresh_platform_factory: Callable[..., Platform]
) -> None:
    """The probing duty itself, in a worker: unreachable within 14 s, online again within 10; its neighbour unmoved."""
    local = next(iter(fresh_platform_factory(ClusterPlan("dark", "Dark", 1)).clusters.values()))
    dark, bright = connect_row(people.enterprise, local, "dark"), connect_row(people.enterprise, cluster, "bright")
    for row in (dark, bright):
        schedule_duty("probe_cluster", row.pk)
        schedule_duty("observe_cluster", row.pk)

    def health(row: Cluster) -> str:
        return str(Cluster.objects.get(pk=row.pk).health)

    until(lambda: Cluster.objects.filter(probed_at__isnull=False).count() == 2, what="the first probes")
    for stop, start in [(local.stop_apiserver, local.start_apiserver), (local.freeze_apiserver, local.thaw_apiserver)]:
        stop()
        began = time.monotonic()
        until(lambda: health(dark) == "unreachable", seconds=20, what="unreachable")
        assert time.monotonic() - began < 16
        assert health(bright) == "online"
        assert timezone.now() - (Cluster.objects.get(pk=bright.pk).seen_at or timezone.now()) < timedelta(seconds=8)
        start()
        began = time.monotonic()
        until(lambda: health(dark) == "online", seconds=20, what="online")
        assert time.monotonic() - began < 12


# --- Observing ---------------------------------------------------------------------------------------------------


def status(app: Application) -> ApplicationStatus:
    """Look once and read what was seen."""
    observe_cluster(app.environment.cluster_id)
    return ApplicationStatus.objects.get(application=app)


def test_what_runs_is_seen(house: House, loop: Loop) -> None:
    app = make_app(house)
    web = part("web", ports=[{"name": "http", "number": 8080, "alias": "WEB", "inside": True, "outside": "node_port"}])
    db = part(
        "db",
        kind="stateful",
        volumes=[{"name": "data", "path": "/data", "kind": "persistent", "size": "1Gi", "access": "ReadWriteOnce"}],
    )
    done(begin(house, app, [web, db]))
    Cluster.objects.filter(pk=house.cluster.pk).update(node_address="10.77.0.12")
    seen = status(app)
    assert (seen.state, seen.cause_code, seen.digests_match) == ("running", None, True)
    shown = {component["key"]: component for component in seen.components}
    assert (shown["web"]["state"], shown["web"]["ready"], shown["web"]["desired"]) == ("running", 1, 1)
    assert shown["web"]["image"] == "registry.example.com/shop/web:1"
    assert shown["web"]["digest"] == web["image"]["digest"]
    (entry,) = seen.access
    assert (entry["component"], entry["port"]) == ("web", "http")
    assert entry["url"] == f"http://10.77.0.12:{entry['node_port']}"
    (volume,) = seen.volumes
    assert (volume["name"], volume["component"], volume["phase"]) == (f"data-{app.slug}-db-0", "db", "Bound")
    row = Cluster.objects.get(pk=house.cluster.pk)
    assert (row.capacity["nodes_ready"], row.capacity["nodes_total"]) == (2, 2)
    assert row.capacity["cpu"]["allocatable"] == "16"
    assert row.version.startswith("v1.")


@pytest.mark.parametrize(
    ("mark", "cause"),
    [("image_pull_denied", "image_pull_denied"), ("crash_loop", "crash_loop"), ("config_error", "config_error")],
)
def test_a_cause_is_told_in_words(house: House, loop: Loop, mark: str, cause: str) -> None:
    app = make_app(house)
    begin(house, app, [part("web", variables=[{"name": "PLAY", "value": mark}])])
    doorbell.ring()
    until(app.applied_objects.exists, what="the first object")
    until(lambda: status(app).state == "failed", what="a failure")
    # A container that crashes is ready for a moment now and then: the cause is read off one look.
    until(lambda: status(app).cause_code is not None, what="a cause")
    seen = ApplicationStatus.objects.get(application=app)
    assert seen.cause_code == cause
    assert seen.cause_params["component"] == "web"
    assert seen.components[0]["cause"]["code"] == cause


def test_stopped_is_no_fault(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    Application.objects.filter(pk=app.pk).update(desired="stopped")
    done(begin(house, app, kind="stop"))
    until(lambda: status(app).state == "stopped", what="stopped")


def test_other_digests_are_no_health(house: House, loop: Loop) -> None:
    """A hand changed the image: everything runs, but not what was delivered."""
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    path = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/{app.slug}-web"
    live = house.real.get(path)
    other = "registry.example.com/shop/web@sha256:" + "f" * 64
    live["spec"]["template"]["spec"]["containers"][0]["image"] = other
    live["metadata"].pop("managedFields", None)
    assert house.real.api("PUT", path, live)[0] == 200

    def told() -> bool:
        seen = status(app)
        return seen.digests_match is False and seen.state == "degraded"

    until(told, what="the other digest")


def test_an_application_that_was_never_sent_has_no_row(house: House) -> None:
    app = make_app(house)
    observe_cluster(house.cluster.pk)
    assert not ApplicationStatus.objects.filter(application=app).exists()


def test_how_much_of_the_quota_is_used_is_kept(people: Cast, cluster: LocalCluster) -> None:
    made = make_house(cluster, quota={"cpu": "8", "pods": 10})
    try:

        def used() -> Any:
            observe_cluster(made.cluster.pk)
            return Environment.objects.get(pk=made.environment.pk).quota_used

        until(lambda: used() == {"cpu": "0", "pods": "0"}, what="the quota's numbers")
        version = made.environment.row_version
        assert Environment.objects.get(pk=made.environment.pk).row_version == version
    finally:
        remove_namespace(cluster, made.environment.namespace)


def test_a_cluster_that_does_not_answer_leaves_the_rows_as_they_are(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    before = status(app)
    Cluster.objects.filter(pk=house.cluster.pk).update(endpoint="https://127.0.0.1:1")
    with pytest.raises(Unreachable):
        observe_cluster(house.cluster.pk)
    Cluster.objects.filter(pk=house.cluster.pk).update(health="unreachable")
    observe_cluster(house.cluster.pk)
    after = ApplicationStatus.objects.get(application=app)
    assert (after.state, after.observed_at) == (before.state, before.observed_at)


def test_looking_costs_the_same_queries_for_one_and_for_many(
    house: House, loop: Loop, django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        app = make_app(house, f"app-{number}")
        done(begin(house, app, [part("web")]))
    observe_cluster(house.cluster.pk)
    with django_assert_max_num_queries(10):
        observe_cluster(house.cluster.pk)
    assert ApplicationStatus.objects.count() == 4


def test_registering_twice_is_harmless() -> None:
    register()
