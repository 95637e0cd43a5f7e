"""Whether anybody serves the HTTP routes that would be sent: the API server takes an Ingress of any class, silently."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clusters.delivery.run import Run
from clusters.delivery.sending import Sending
from clusters.kube import connect
from clusters.kube.errors import Forbidden


def class_warnings(run: Run, sendings: Iterable[Sending], step: str) -> list[dict[str, Any]]:
    """Give a warning for each ingress class that routes to be sent name and the cluster does not have.

    The environment's key sees nothing outside it, so the console's own account is asked; where that may not look,
    nothing is said.
    """
    routes = (sending.item.manifest for sending in sendings if sending.item.kind == "Ingress")
    named = sorted({manifest["spec"]["ingressClassName"] for manifest in routes})
    if not named:
        return []
    kube = connect.for_cluster(run.cluster).bound(run.work, step)
    try:
        missing = [name for name in named if kube.get("IngressClass", name) is None]
    except Forbidden:
        return []
    return [
        {"code": "ingress_class_unknown", "params": {"cluster": run.cluster.name, "ingress_class": name}}
        for name in missing
    ]
