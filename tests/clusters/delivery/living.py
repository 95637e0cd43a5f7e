"""What an application has on its cluster, read as its administrator: for proofs that hold one state against another."""

from __future__ import annotations

from typing import Any

from clusters.manifests import labels
from clusters.models import Application, AppliedObject
from tests.clusters.delivery.house import House

KINDS = {
    "deployments": "apps",
    "statefulsets": "apps",
    "services": "",
    "configmaps": "",
    "secrets": "",
    "networkpolicies": "networking.k8s.io",
    "persistentvolumeclaims": "",
}
GIVEN_BY_CLUSTER = ("clusterIP", "clusterIPs", "nodePort", "volumeName", "healthCheckNodePort")


def everything(house: House) -> dict[str, dict[str, Any]]:
    """Every object of these kinds in the namespace, by `Kind/name`."""
    found: dict[str, dict[str, Any]] = {}
    for plural, group in KINDS.items():
        root = f"/apis/{group}/v1" if group else "/api/v1"
        answer = house.real.get(f"{root}/namespaces/{house.environment.namespace}/{plural}")
        kind = answer["kind"].removesuffix("List")
        found |= {f"{kind}/{item['metadata']['name']}": item for item in answer["items"]}
    return found


def owned(house: House, app: Application) -> dict[str, dict[str, Any]]:
    """Those that carry the application's label."""
    return {name: item for name, item in everything(house).items() if is_owned(item, app)}


def is_owned(item: dict[str, Any], app: Application) -> bool:
    return (item["metadata"].get("labels") or {}).get(labels.APPLICATION) == str(app.pk)


def meant(house: House, app: Application) -> dict[str, dict[str, Any]]:
    """What its owned objects say, without what a cluster gives and without volume claims and the record, which stay."""
    kept = (f"ConfigMap/waybill-{app.slug}", "PersistentVolumeClaim/")
    return {
        name: {
            "labels": item["metadata"]["labels"],
            "spec": without_given(item.get("spec")),
            "data": item.get("data"),
        }
        for name, item in owned(house, app).items()
        if not name.startswith(kept)
    }


def without_given(value: Any) -> Any:
    """Leave out what the cluster fills in."""
    if isinstance(value, dict):
        return {key: without_given(inner) for key, inner in value.items() if key not in GIVEN_BY_CLUSTER}
    return [without_given(inner) for inner in value] if isinstance(value, list) else value


def inventory(app: Application) -> dict[str, str | None]:
    """What the rows say is there: uids by `Kind/name`."""
    return {f"{row.kind}/{row.name}": row.uid for row in AppliedObject.objects.filter(application=app)}


def assert_inventory_is_live(house: House, app: Application) -> None:
    """Hold the rows against the cluster, by uid; claims that a controller made belong to their workload."""
    live = {name: item["metadata"]["uid"] for name, item in owned(house, app).items()}
    rows = inventory(app)
    made_by_controllers = {name for name in live if name.startswith("PersistentVolumeClaim/") and name not in rows}
    assert rows == {name: uid for name, uid in live.items() if name not in made_by_controllers}
