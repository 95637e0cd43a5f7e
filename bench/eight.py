"""The application that is applied: eight components of seven kinds of objects each, in two versions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.local.cluster import Cluster as LocalCluster

if TYPE_CHECKING:
    from clusters.spec import Component

APP = "shop"
COMPONENTS = 8
OBJECTS = 7 * COMPONENTS
INGRESS_CLASS = "bench"
NETWORKING = "/apis/networking.k8s.io/v1"
SETTLED_WITHIN = 120.0


@dataclass(frozen=True)
class Cost:
    """What one doing took: seconds on the wall, and of the processor."""

    wall: float
    processor: float


def components(version: int) -> list[Component]:
    """Give the components of a version (1 or 2); the image of the first is all they differ in."""
    from tests.clusters.delivery.house import part

    return [part(f"part{number}", version if number == 0 else 1, **_fields(number)) for number in range(COMPONENTS)]


def _fields(number: int) -> dict[str, Any]:
    """Give what makes a claim, a ConfigMap, a Secret, a Service, a policy and an Ingress beside the Deployment."""
    generated = {"length": 24, "alphabet": "alphanumeric"}
    return {
        "ports": [{"number": 8080, "name": "http", "outside": "http_route"}],
        "variables": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "PART", "value": str(number)},
            {"name": "TOKEN", "secret": True, "generate": generated},
        ],
        "files": [{"path": "/etc/app/app.conf", "content": f"part = {number}\nthreads = 4\ncache = /data/cache\n"}],
        "volumes": [{"name": "data", "path": "/data", "size": "1Gi"}],
    }


def furnish(cluster: LocalCluster) -> None:
    """Give the cluster the class of the application's routes."""
    body = {"metadata": {"name": INGRESS_CLASS}, "spec": {"controller": "waybill.internal/bench"}}
    cluster.create(f"{NETWORKING}/ingressclasses", body)


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until it is so. Raises TimeoutError after two minutes."""
    end = time.monotonic() + SETTLED_WITHIN
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.3)


def stands(cluster: LocalCluster, namespace: str) -> bool:
    """Whether every Deployment runs as it was asked to, and no pod of before is there any more."""
    there = cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    pods = cluster.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    ready = all(
        one["status"].get("observedGeneration") == one["metadata"]["generation"]
        and one["status"].get("updatedReplicas") == one["status"].get("availableReplicas") == 1
        for one in there
    )
    return ready and len(there) == len(pods) == COMPONENTS


def is_empty(cluster: LocalCluster, namespace: str) -> bool:
    """Whether neither pods nor claims are left in a namespace."""
    kinds = ("pods", "persistentvolumeclaims")
    return not any(cluster.get(f"/api/v1/namespaces/{namespace}/{kind}")["items"] for kind in kinds)
