"""Capacity: what a cluster's nodes have, and what the pods on them ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from clusters import platforms, quantities

Object = dict[str, Any]


def capacity_of(nodes: Sequence[Object], pods: Sequence[Object], *, at: str) -> dict[str, Any]:
    """Add up what nodes have and what the pods on them (those that are not over) ask for; `at` says when."""
    ready = [node for node in nodes if _node_ready(node)]
    return {
        "nodes_ready": len(ready),
        "nodes_total": len(nodes),
        "cpu": _amounts("cpu", nodes, pods),
        "memory": _amounts("memory", nodes, pods),
        "node_address": _address(ready or nodes),
        "platforms": platforms.of_nodes(nodes),
        "at": at,
    }


def _node_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def _amounts(resource: str, nodes: Iterable[Object], pods: Iterable[Object]) -> dict[str, Any]:
    allocatable = (node.get("status", {}).get("allocatable", {}).get(resource) for node in nodes)
    requested = (requested_by(pod, resource) for pod in pods if pod.get("spec", {}).get("nodeName"))
    return {
        "allocatable": _text(resource, quantities.total(map(_amount, allocatable))),
        "requested": _text(resource, quantities.total(requested)),
        "used": None,
    }


def requested_by(pod: Object, resource: str) -> Fraction:
    """Give what a pod counts for with the scheduler: its containers together, or its largest init container."""
    spec = pod.get("spec", {})
    together = quantities.total(_request(one, resource) for one in spec.get("containers") or [])
    sidecars, largest = Fraction(0), Fraction(0)
    for one in spec.get("initContainers") or []:
        if one.get("restartPolicy") == "Always":
            sidecars += _request(one, resource)
        else:
            largest = max(largest, sidecars + _request(one, resource))
    overhead = _amount((spec.get("overhead") or {}).get(resource))
    return max(together + sidecars, largest) + overhead


def _request(container: Object, resource: str) -> Fraction:
    return _amount(((container.get("resources") or {}).get("requests") or {}).get(resource))


def _amount(text: Any) -> Fraction:
    try:
        return quantities.parse(str(text)) if text is not None else Fraction(0)
    except quantities.NotAQuantity:
        return Fraction(0)


def _text(resource: str, amount: Fraction) -> str:
    return quantities.write(amount) if resource == "cpu" else quantities.write(_whole_mebibytes(amount), binary=True)


def _whole_mebibytes(amount: Fraction) -> Fraction:
    """Round memory down to what people read."""
    return Fraction(int(amount) >> 20 << 20)


def _address(nodes: Iterable[Object]) -> str | None:
    """Give the address under which node ports are most likely reached: an external one before an internal one."""
    found: dict[str, str] = {}
    for node in nodes:
        for item in node.get("status", {}).get("addresses") or []:
            found.setdefault(item.get("type", ""), item.get("address", ""))
    return found.get("ExternalIP") or found.get("InternalIP") or found.get("ExternalDNS") or found.get("Hostname")
