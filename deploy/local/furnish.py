"""What a fresh cluster is given before anyone uses it: nodes, a storage class and volumes."""

from __future__ import annotations

import time

from deploy.local.cluster import Cluster
from deploy.local.node.commands import INGRESS_CLASS
from deploy.local.node.machine import INSIDE
from deploy.local.node.volumes import FOLDER, folder_of, make_folder
from deploy.local.plan import KUBELET_CLIENT, NODE, PlatformError

VOLUMES = 20
"""Volumes per cluster; one whose claim is deleted becomes free again."""
VOLUME_SIZE = "20Gi"
STORAGE_CLASS = "local"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
READ = ("get", "list", "watch")


def furnish(cluster: Cluster) -> None:
    """Create what is missing; harmless on a cluster that has it all."""
    if cluster.facts.real:
        _permit(cluster)
        if cluster.facts.ingress_domain:
            _lead_in(cluster)
    else:
        _play_nodes(cluster)
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


def _play_nodes(cluster: Cluster) -> None:
    for number in range(1, int(cluster.facts.nodes) + 1):
        name = f"node-{number}"
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        cluster.create("/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})


def _permit(cluster: Cluster) -> None:
    """Let the API server ask the kubelet, and the name server read what it gives names to."""
    rules = [
        {"apiGroups": [""], "resources": ["namespaces", "pods", "services"], "verbs": READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
    ]
    cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": "names"}, "rules": rules})
    for user, role in (("names", "names"), (KUBELET_CLIENT, "system:kubelet-api-admin")):
        _bind(cluster, user, role)


def _lead_in(cluster: Cluster) -> None:
    """Give the ingress controller its class, and the right to read where Services lead and to say where it answers."""
    net = "networking.k8s.io"
    body = {"metadata": {"name": INGRESS_CLASS}, "spec": {"controller": "local.platform/routes"}}
    cluster.create(f"/apis/{net}/v1/ingressclasses", body)
    rules = [
        {"apiGroups": [""], "resources": ["services", "endpoints"], "verbs": READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": READ},
        {"apiGroups": [net], "resources": ["ingresses"], "verbs": READ},
        {"apiGroups": [net], "resources": ["ingresses/status"], "verbs": ["patch"]},
    ]
    cluster.create(f"{RBAC}/clusterroles", {"metadata": {"name": "routes"}, "rules": rules})
    _bind(cluster, "routes", "routes")


def _bind(cluster: Cluster, user: str, role: str) -> None:
    cluster.create(
        f"{RBAC}/clusterrolebindings",
        {
            "metadata": {"name": user},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        },
    )


def make_volume(cluster: Cluster, name: str, *, size: str = VOLUME_SIZE) -> None:
    """Make one more volume that a claim of the storage class can bind."""
    place = {"path": f"/var/lib/played/{name}", "type": "DirectoryOrCreate"}
    if cluster.facts.real:
        make_folder(folder_of(cluster, name))
        place = {"path": f"{INSIDE / FOLDER / name}", "type": "Directory"}
    cluster.create(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": size},
                "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": STORAGE_CLASS,
                "hostPath": place,
            },
        },
    )


def wait_usable(cluster: Cluster, *, since: float, within: float = 60) -> None:
    """Wait until all nodes are ready and pods can be admitted; PlatformError after ``within`` seconds.

    What a real node said before ``since`` (seconds since 1970) was said in an earlier run.
    """
    wanted = {NODE} if cluster.facts.real else {f"node-{number + 1}" for number in range(int(cluster.facts.nodes))}
    end = time.monotonic() + within
    earliest = _stamp(since) if cluster.facts.real else ""
    while not (wanted <= _nodes_ready(cluster, earliest) and _admits(cluster)):
        if time.monotonic() > end:
            raise PlatformError(f"the nodes of {cluster.slug} are not ready after {within:.0f} s")
        time.sleep(0.1)


def _stamp(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def _nodes_ready(cluster: Cluster, earliest: str) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in cluster.get("/api/v1/nodes")["items"]
        for said in node.get("status", {}).get("conditions", [])
        if said["type"] == "Ready" and said["status"] == "True" and said["lastHeartbeatTime"] >= earliest
    }


def _admits(cluster: Cluster) -> bool:
    """The controllers run once the default service account is there; without it no pod is admitted."""
    status, _ = cluster.api("GET", "/api/v1/namespaces/default/serviceaccounts/default")
    return status == 200
