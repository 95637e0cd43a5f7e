"""What a fresh cluster is given before anyone uses it: nodes, a storage class and volumes."""

from __future__ import annotations

import time

from deploy.local.cluster import Cluster
from deploy.local.plan import PlatformError

VOLUMES = 20
"""Volumes per cluster; one whose claim is deleted becomes free again."""
VOLUME_SIZE = "20Gi"
STORAGE_CLASS = "local"


def furnish(cluster: Cluster, *, nodes: int) -> None:
    """Create what is missing; harmless on a cluster that has it all."""
    for number in range(1, nodes + 1):
        name = f"node-{number}"
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        cluster.create("/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})
    cluster.create(
        "/apis/storage.k8s.io/v1/storageclasses",
        {
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
    )
    for number in range(1, VOLUMES + 1):
        make_volume(cluster, f"volume-{number:02}")


def make_volume(cluster: Cluster, name: str, *, size: str = VOLUME_SIZE) -> None:
    """Make one more volume that a claim of the storage class can bind."""
    cluster.create(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": size},
                "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": STORAGE_CLASS,
                "hostPath": {"path": f"/var/lib/played/{name}", "type": "DirectoryOrCreate"},
            },
        },
    )


def wait_usable(cluster: Cluster, *, nodes: int, within: float = 60) -> None:
    """Wait until all nodes are ready and pods can be admitted; PlatformError after ``within`` seconds."""
    end = time.monotonic() + within
    while not (_nodes_ready(cluster) >= nodes and _admits(cluster)):
        if time.monotonic() > end:
            raise PlatformError(f"the nodes of {cluster.slug} are not ready after {within:.0f} s")
        time.sleep(0.1)


def _nodes_ready(cluster: Cluster) -> int:
    items = cluster.get("/api/v1/nodes")["items"]
    return sum(
        any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))
        for node in items
    )


def _admits(cluster: Cluster) -> bool:
    """The controllers run once the default service account is there; without it no pod is admitted."""
    status, _ = cluster.api("GET", "/api/v1/namespaces/default/serviceaccounts/default")
    return status == 200
