"""Volume claims. They are made here and never removed as a side effect of anything."""

from __future__ import annotations

from typing import Any

from clusters.manifests import labels, names
from clusters.manifests.scope import Manifest, Request
from clusters.spec.shape import Component, Volume


def claims(request: Request, component: Component) -> list[Manifest]:
    """The claims of a stateless component, one a volume; a stateful one makes its own from `claim_templates`."""
    if component["kind"] == "stateful":
        return []
    key = component["key"]
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": request.metadata(names.claim(request.app, key, volume["name"]), key),
            "spec": _spec(volume),
        }
        for volume in component["volumes"]
    ]


def claim_templates(request: Request, component: Component) -> list[dict[str, Any]]:
    """The claim templates of a stateful component."""
    own = labels.common(request.app, request.application_id, request.part_of, component["key"])
    return [
        {"metadata": {"name": volume["name"], "labels": dict(own)}, "spec": _spec(volume)}
        for volume in component["volumes"]
    ]


def claim_names(app: str, component: Component) -> list[str]:
    """The names of every claim a component has while it runs with its replicas."""
    key = component["key"]
    if component["kind"] == "stateless":
        return [names.claim(app, key, volume["name"]) for volume in component["volumes"]]
    return [
        names.claim_of_pod(app, key, volume["name"], ordinal)
        for volume in component["volumes"]
        for ordinal in range(component["replicas"]["default"])
    ]


def _spec(volume: Volume) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": [volume["access"]],
        "resources": {"requests": {"storage": volume["size"]}},
    }
    if volume["storage_class"] is not None:
        spec["storageClassName"] = volume["storage_class"]
    return spec
