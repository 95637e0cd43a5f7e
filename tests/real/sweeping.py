"""What a console made on the clusters it shared with others is taken away by the names of its environments."""

from __future__ import annotations

from clusters.manifests.names import SYSTEM_NAMESPACE
from deploy.local.cluster import Cluster

SYSTEM = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}"
"""Where a console keeps the accounts with which it works in its environments."""


def sweep(cluster: Cluster, environment: str) -> None:
    """Let an environment's namespace go, pods that are played to hang with it, and the accounts made for it."""
    pods = f"/api/v1/namespaces/{environment}/pods"
    for pod in cluster.get(pods)["items"]:
        cluster.api("DELETE", f"{pods}/{pod['metadata']['name']}?gracePeriodSeconds=0")
    cluster.api("DELETE", f"/api/v1/namespaces/{environment}")
    for account in cluster.get(f"{SYSTEM}/serviceaccounts")["items"]:
        if account["metadata"]["name"].startswith(f"{environment}-"):
            cluster.api("DELETE", f"{SYSTEM}/serviceaccounts/{account['metadata']['name']}")
