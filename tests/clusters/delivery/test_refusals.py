"""What a cluster would refuse is refused before the first write, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clusters.models import AppliedObject
from deploy.local.cluster import Cluster as LocalCluster
from operations.actions.cancel import cancel
from operations.engine.loop import Loop
from operations.models import Operation
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import House, begin, done, ended, failed, make_app, make_house, part
from tests.waiting import until

DISK = [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}]


@pytest.fixture
def tight(transactional_db: None, cluster: LocalCluster) -> Iterator[House]:
    """An environment with a quota."""
    made = make_house(cluster, quota={"cpu": "1", "memory": "1Gi", "pods": 4})
    yield made
    remove_namespace(cluster, made.environment.namespace)


def untouched(house: House, operation: Operation) -> None:
    """Nothing stands but the record, and nothing but the record was sent."""
    assert operation.changed == "nothing"
    assert house.listed("deployments", "apps") == {}
    assert set(house.listed("configmaps")) <= {"kube-root-ca.crt", "waybill-shop-app"}


def test_a_name_that_belongs_to_a_stranger(house: House, loop: Loop) -> None:
    stranger = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shop-app-web"},
        "spec": {"ports": [{"port": 1}]},
    }
    made = house.real.create(f"{house.path}/services", stranger)
    app = make_app(house)
    web = part("web", ports=[{"name": "http", "number": 8080}])
    operation = failed(begin(house, app, [web]), "object_name_taken", object="Service/shop-app-web")
    untouched(house, operation)
    uid = house.listed("services")["shop-app-web"]["metadata"]["uid"]
    assert uid == made["metadata"]["uid"]
    assert app.revisions.get().state == "failed"


def test_a_frozen_field(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("db", kind="stateful", volumes=DISK), part("web")]))
    bigger = [{"name": "data", "path": "/var/lib/db", "size": "2Gi"}]
    changed = [part("db", kind="stateful", volumes=bigger), part("web", 2)]
    operation = failed(begin(house, app, changed), "immutable_field", object="StatefulSet/shop-app-db")
    assert "volumeClaimTemplates" in operation.outcome_params["field"]
    assert operation.changed == "nothing"
    image = house.listed("deployments", "apps")["shop-app-web"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == part("web")["image"]["pull"]
    app.refresh_from_db()
    assert app.current_revision is not None
    assert app.current_revision.number == 1


def test_more_than_the_quota_leaves(tight: House, loop: Loop) -> None:
    app = make_app(tight)
    big = part("web", replicas={"default": 5, "max": 5}, resources={"limits": {"cpu": "100m", "memory": "64Mi"}})
    operation = failed(begin(tight, app, [big]), "quota_refused")
    assert "pods: 5 > 4" in operation.outcome_params["words"]
    untouched(tight, operation)


def test_a_rolling_upgrade_needs_room_for_one_more_pod(tight: House, loop: Loop) -> None:
    app = make_app(tight)
    fields: dict[str, Any] = {"replicas": {"default": 4, "max": 4}}
    fields["resources"] = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}
    done(begin(tight, app, [part("web", **fields)]))
    operation = failed(begin(tight, app, [part("web", 2, **fields)]), "quota_refused")
    assert "pods: 5 > 4" in operation.outcome_params["words"]


def test_a_pod_that_the_limits_refuse(house: House, loop: Loop) -> None:
    house.real.create(
        f"{house.path}/limitranges",
        {"metadata": {"name": "small"}, "spec": {"limits": [{"type": "Container", "max": {"memory": "32Mi"}}]}},
    )
    app = make_app(house)
    operation = failed(begin(house, app, [part("web")]), "policy_refused", object="Deployment/shop-app-web")
    untouched(house, operation)


def test_a_volume_of_a_former_application(house: House, loop: Loop) -> None:
    claim = {
        "metadata": {"name": "data-shop-app-db-0", "labels": {"app.kubernetes.io/managed-by": "waybill"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    house.real.create(f"{house.path}/persistentvolumeclaims", claim)
    app = make_app(house)
    db = part("db", kind="stateful", volumes=DISK)
    operation = failed(begin(house, app, [db]), "volume_left_behind", claim="data-shop-app-db-0")
    untouched(house, operation)


def test_an_edit_by_hand_needs_a_consent(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web"), part("api")]))
    house.real.patch(
        f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/shop-app-web", {"spec": {"replicas": 3}}
    )
    changed = [part("web", 2), part("api", 2)]
    operation = failed(
        begin(house, app, changed),
        "field_conflict",
        object="Deployment/shop-app-web",
        field=".spec.replicas",
        ours=1,
        theirs=3,
    )
    assert operation.changed == "nothing"
    assert house.listed("deployments", "apps")["shop-app-web"]["spec"]["replicas"] == 3
    done(begin(house, app, changed, consents=["overwrite_changes"]))
    assert house.listed("deployments", "apps")["shop-app-web"]["spec"]["replicas"] == 1


def test_a_field_that_a_hand_took_away_is_found_too(house: House, loop: Loop) -> None:
    app = make_app(house)
    web = part("web", args=["serve", "--safe"])
    done(begin(house, app, [web]))
    path = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/shop-app-web"
    containers = house.listed("deployments", "apps")["shop-app-web"]["spec"]["template"]["spec"]["containers"]
    del containers[0]["args"]
    house.real.patch(path, {"spec": {"template": {"spec": {"containers": containers}}}})
    operation = failed(begin(house, app, [web]), "field_conflict", object="Deployment/shop-app-web")
    assert operation.outcome_params["field"].endswith(".args")


def test_nobody_elses_objects_are_removed(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web"), part("report")]))
    labels = house.listed("deployments", "apps")["shop-app-report"]["metadata"]["labels"]
    decoys: dict[str, Any] = {
        "looks-alike": labels,
        "shop-app-report-env-12345678": labels,
        "shop-app-other": {"app.kubernetes.io/managed-by": "waybill", "app.kubernetes.io/instance": "shop-app"},
    }
    for name, own in decoys.items():
        house.real.create(f"{house.path}/secrets", {"metadata": {"name": name, "labels": own}, "data": {}})
    done(begin(house, app, [part("web")]))
    assert set(decoys) <= set(house.listed("secrets"))
    assert "shop-app-report" not in house.listed("deployments", "apps")


def test_an_object_made_anew_by_a_hand_is_not_removed(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web"), part("report", ports=[{"name": "http", "number": 80}])]))
    old = house.listed("services")["shop-app-report"]
    house.real.api("DELETE", f"{house.path}/services/shop-app-report")
    body = {
        "metadata": {"name": "shop-app-report", "labels": old["metadata"]["labels"]},
        "spec": {"ports": [{"port": 1}]},
    }
    fresh = house.real.create(f"{house.path}/services", body)
    done(begin(house, app, [part("web")]))
    assert house.listed("services")["shop-app-report"]["metadata"]["uid"] == fresh["metadata"]["uid"]
    assert not AppliedObject.objects.filter(application=app, name="shop-app-report").exists()


def test_a_record_of_another_console(house: House, loop: Loop) -> None:
    record = {"metadata": {"name": "waybill-shop-app"}, "data": {"operation": "op-1"}}
    house.real.create(f"{house.path}/configmaps", record)
    app = make_app(house)
    operation = begin(house, app, [part("web")])
    failed(operation, "object_name_taken", object="ConfigMap/waybill-shop-app")
    assert house.listed("configmaps")["waybill-shop-app"]["data"] == {"operation": "op-1"}


def test_a_record_that_a_hand_wrote_into_is_taken_back(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    house.real.patch(f"{house.path}/configmaps/waybill-shop-app", {"data": {"operation": "mine"}})
    operation = done(begin(house, app, [part("web")]))
    assert house.listed("configmaps")["waybill-shop-app"]["data"]["operation"] == operation.name


def test_another_cluster_at_the_address(house: House, loop: Loop) -> None:
    house.cluster.uid = "another"
    house.cluster.save()
    failed(begin(house, make_app(house), [part("web")]), "cluster_replaced", cluster="Here")
    assert house.listed("configmaps").keys() <= {"kube-root-ca.crt"}


def test_a_cancel_between_two_levels_leaves_what_the_inventory_says(house: House, loop: Loop) -> None:
    app = make_app(house)
    slow = [{"name": "PLAY", "value": "slow"}, {"name": "PLAY_DELAY", "value": "10m"}]
    parts = [part("db", variables=slow), part("web", depends_on=["db"])]
    operation = begin(house, app, parts)
    until(
        lambda: operation.steps.filter(key="component:db", message_code__isnull=False).exists(), what="the first level"
    )
    cancel(operation=operation, acting_user=house.user)
    ended(operation)
    assert operation.state == "cancelled"
    assert operation.changed == "part"
    assert app.revisions.get().state == "failed"
    rows = set(AppliedObject.objects.filter(application=app).values_list("kind", "name"))
    assert (
        {name for kind, name in rows if kind == "Deployment"}
        == set(house.listed("deployments", "apps"))
        == {"shop-app-db"}
    )
