"""At which addresses people reach an application, read from what stands on its cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clusters.manifests import labels, names
from clusters.routing import routes_of, url_of

Object = dict[str, Any]
Ports = Mapping[tuple[str, str], Object]


def access_of(
    slug: str,
    components: Sequence[Object],
    services: Iterable[Object],
    ingresses: Iterable[Object] | None,
    node_address: str | None,
) -> list[Object]:
    """Give the addresses of node ports and of HTTP routes, sorted by component and port.

    `ingresses` None means that the console may not look at them: then routes are told as they were sent. `confirmed`
    says whether an ingress controller has put its own address on the route; a controller need not, so False is no
    proof that nothing answers, and nothing but a controller makes anything answer. None where nobody can confirm.
    """
    ports = {(component["key"], port["name"]): port for component in components for port in component.get("ports", [])}
    found = [entry for service in services for entry in _node_ports(slug, components, ports, service, node_address)]
    if ingresses is None:
        found += [
            _entry(own.component, own.port, "http_route", url=url_of(own.route))
            for own in routes_of(components)  # type: ignore[arg-type]  # documents are components as plain JSON
        ]
    else:
        found += [entry for ingress in ingresses for entry in _routes(slug, ports, ingress)]
    return sorted(found, key=lambda entry: (entry["component"], entry["port"]))


def _entry(component: str, port: str, kind: str, **more: Any) -> Object:
    return {"component": component, "port": port, "kind": kind, "node_port": None, "confirmed": None, **more}


def _node_ports(
    slug: str, components: Sequence[Object], ports: Ports, service: Object, node_address: str | None
) -> list[Object]:
    component = labels.read(service, labels.NAME)
    if service.get("spec", {}).get("type") != "NodePort" or service["metadata"]["name"] != names.outside(
        slug, component
    ):
        return []
    found = []
    for port in service["spec"].get("ports") or []:
        known, number = ports.get((component, port.get("name", ""))), port.get("nodePort")
        if known is None or not number:
            continue
        host = f"[{node_address}]" if node_address and ":" in node_address else node_address
        scheme = "http" if _speaks_http(known, components, component) else known.get("protocol", "TCP").lower()
        url = f"{scheme}://{host}:{number}" if host else None
        found.append(_entry(component, known["name"], "node_port", node_port=number, url=url))
    return found


def _speaks_http(port: Object, components: Sequence[Object], key: str) -> bool:
    """Tell whether a port is for browsers: called so, or asked over HTTP by the component's own probe."""
    if port["name"].startswith("http") or port["number"] in (80, 8000, 8080):
        return True
    component = next(item for item in components if item["key"] == key)
    probes = (component.get("probes") or {}).values()
    return any(probe and probe.get("kind") == "http" and probe.get("port") == port["name"] for probe in probes)


def _routes(slug: str, ports: Ports, ingress: Object) -> list[Object]:
    """Give the routes as they stand: whoever changed one by hand sees what is there."""
    component = labels.read(ingress, labels.NAME)
    if ingress["metadata"]["name"] != names.workload(slug, component):
        return []
    balancer = (ingress.get("status") or {}).get("loadBalancer") or {}
    found = []
    for rule in ingress.get("spec", {}).get("rules") or []:
        for way in (rule.get("http") or {}).get("paths") or []:
            port = ((way["backend"].get("service") or {}).get("port") or {}).get("name", "")
            if rule.get("host") and (component, port) in ports:
                url = f"http://{rule['host']}{way.get('path') or '/'}"
                found.append(_entry(component, port, "http_route", url=url, confirmed=bool(balancer.get("ingress"))))
    return found
