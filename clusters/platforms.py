"""Whether the nodes of a cluster can run what images are made for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.kit.errors import Rejected


def of_nodes(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give what nodes run, as `linux/amd64`, sorted; a node that does not say is left out."""
    told = ((node.get("status") or {}).get("nodeInfo") or {} for node in nodes)
    pairs = ((one.get("operatingSystem"), one.get("architecture")) for one in told)
    return sorted({f"{system}/{architecture}" for system, architecture in pairs if system and architecture})


def words(platforms: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give what an image is made for, as `linux/amd64`, in its own order."""
    return [f"{one['os']}/{one['architecture']}" for one in platforms]


def hold(components: Sequence[Mapping[str, Any]], nodes: Sequence[str]) -> None:
    """Raise Rejected platform_missing for the first image that no node can run.

    An image or a cluster of which nothing is known passes: its pods will say. One node that fits is enough; where a pod
    goes is the scheduler's choice.
    """
    if not nodes:
        return
    for component in components:
        image = component["image"]
        made_for = words(image.get("platforms") or [])
        if made_for and not set(made_for) & set(nodes):
            name = image.get("reference") or image.get("source") or image.get("path") or component["key"]
            raise Rejected("platform_missing", image=name, needs=", ".join(nodes), has=", ".join(sorted(made_for)))
