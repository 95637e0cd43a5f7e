"""How a component is reached: Services, its HTTP route, and the policy that opens what is published outside."""

from __future__ import annotations

from typing import Any

from clusters.manifests import labels, names
from clusters.manifests.scope import Manifest, Request
from clusters.spec.shape import Component, Port


def services(request: Request, component: Component) -> list[Manifest]:
    """The Services of a component: inside, headless (stateful), outside; only those with something to serve."""
    key, app = component["key"], request.app
    inside = [port for port in component["ports"] if port["inside"]]
    outside = [port for port in component["ports"] if port["outside"] == "node_port"]
    found: list[Manifest] = []
    if inside:
        found.append(_service(request, key, names.workload(app, key), {"type": "ClusterIP", "ports": _ports(inside)}))
    if component["kind"] == "stateful":
        # The address of each pod. Ready or not: members of a cluster must find each other before they are.
        spec: dict[str, Any] = {"type": "ClusterIP", "clusterIP": "None", "publishNotReadyAddresses": True}
        if component["ports"]:
            spec["ports"] = _ports(component["ports"])
        found.append(_service(request, key, names.headless(app, key), spec))
    if outside:
        spec = {"type": "NodePort", "ports": _ports(outside)}
        for sent, port in zip(spec["ports"], outside, strict=True):
            if "node_port" in port:
                sent["nodePort"] = port["node_port"]
        found.append(_service(request, key, names.outside(app, key), spec))
    return found


def ingress(request: Request, component: Component) -> Manifest | None:
    """The Ingress that leads HTTP requests for a host and path to the inside Service; None without a routed port.

    Raises ValueError for a route that was not settled: class and host come from the cluster, not from here.
    """
    port = next((port for port in component["ports"] if port["outside"] == "http_route"), None)
    if port is None:
        return None
    if "route" not in port:
        raise ValueError("the route has no host yet")
    key, route = component["key"], port["route"]
    service = {"name": names.workload(request.app, key), "port": {"name": port["name"]}}
    way = {"path": route["path"], "pathType": "Prefix", "backend": {"service": service}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": request.metadata(names.workload(request.app, key), key),
        "spec": {
            "ingressClassName": route["ingress_class"],
            "rules": [{"host": route["host"], "http": {"paths": [way]}}],
        },
    }


def policy(request: Request, component: Component) -> Manifest | None:
    """The NetworkPolicy that lets any source reach the outside ports; None when there are none.

    Routed ports too: the ingress controller lives in another namespace, and nobody can know which.
    """
    key = component["key"]
    outside = [port for port in component["ports"] if port["outside"] != "none"]
    if not outside:
        return None
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": request.metadata(names.outside(request.app, key), key),
        "spec": {
            "podSelector": {"matchLabels": labels.selector(request.app, key)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": port["number"], "protocol": port["protocol"]} for port in outside]}],
        },
    }


def _ports(ports: list[Port]) -> list[dict[str, Any]]:
    return [
        {"name": port["name"], "port": port["number"], "targetPort": port["number"], "protocol": port["protocol"]}
        for port in ports
    ]


def _service(request: Request, key: str, name: str, spec: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": request.metadata(name, key),
        "spec": {**spec, "selector": labels.selector(request.app, key)},
    }
