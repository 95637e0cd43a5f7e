"""HTTP routes: from what a port says and what its cluster has to where it answers. Pure.

A port may say a host and a path. Without a host it gets one under the cluster's ingress domain, which no two components
of a cluster share; without a path it answers at all of them. The class is the cluster's. What follows stands in the
revision's document, so that rendering, plans, records and a way back need no cluster row.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clusters.spec.application import service_name
from clusters.spec.routes import ROOT
from clusters.spec.shape import Component, Port, Route

HTTP_ROUTE = "http_route"


@dataclass(frozen=True)
class Place:
    """Where an application is: its slug, its environment's, and what its cluster has for routes."""

    app: str
    environment: str
    cluster: str
    ingress_class: str | None
    domain: str | None


@dataclass(frozen=True)
class Fault:
    """Why a route cannot be made; `field` is what of the port it is about."""

    component: str
    port: str
    index: int
    field: str
    code: str
    params: dict[str, Any]

    @property
    def notice(self) -> dict[str, Any]:
        """As a preview or a plan tells it."""
        return {"code": self.code, "params": self.params}

    @property
    def in_document(self) -> str:
        """The place in a draft."""
        return f"/components/{self.component}/ports/{self.index}/{self.field}"

    @property
    def in_values(self) -> str:
        """The place among an environment's values."""
        return f"/values/{self.component}.ports.{self.port}.{self.field}"


@dataclass(frozen=True)
class Located:
    """One route of an application, and the port it leads to."""

    component: str
    port: str
    index: int
    route: Route

    @property
    def at(self) -> tuple[str, str]:
        """Host and path: what no two routes of a cluster share."""
        return self.route["host"], self.route["path"]


def routed(components: Iterable[Component], place: Place) -> tuple[list[Component], list[Fault]]:
    """Give copies of the components, every route settled that can be, and why others cannot."""
    found = [copy.deepcopy(component) for component in components]
    faults: list[Fault] = []
    for component in found:
        for index, port in enumerate(component["ports"]):
            port.pop("route", None)
            if port["outside"] == HTTP_ROUTE:
                _settle(component["key"], index, port, place, faults)
    return found, [*faults, *_twice(found)]


def routes_of(components: Iterable[Component]) -> list[Located]:
    """Give the settled routes, in order."""
    return [
        Located(component["key"], port["name"], index, port["route"])
        for component in components
        for index, port in enumerate(component["ports"])
        if "route" in port
    ]


def taken(components: Sequence[Component], others: Collection[tuple[str, str]], cluster: str) -> list[Fault]:
    """Give a fault for each route whose host and path are among `others`."""
    return [
        Fault(
            *(own.component, own.port, own.index, "host"),
            "route_taken",
            {"cluster": cluster, "host": own.route["host"], "path": own.route["path"]},
        )
        for own in routes_of(components)
        if own.at in others
    ]


def url_of(route: Route) -> str:
    """Give the address a browser opens."""
    return f"http://{route['host']}{route['path']}"


def _settle(key: str, index: int, port: Port, place: Place, faults: list[Fault]) -> None:
    where = (key, port["name"], index)
    host = port.get("host") or (f"{service_name(place.app, key)}.{place.environment}.{place.domain}")
    if place.ingress_class is None:
        faults.append(Fault(*where, "outside", "ingress_class_missing", {"cluster": place.cluster}))
    elif "host" not in port and place.domain is None:
        params = {"cluster": place.cluster, "component": key, "port": port["name"]}
        faults.append(Fault(*where, "host", "route_host_missing", params))
    else:
        port["route"] = Route(host=host, path=port.get("path", ROOT), ingress_class=place.ingress_class)


def _twice(components: Sequence[Component]) -> list[Fault]:
    seen: set[tuple[str, str]] = set()
    faults = []
    for own in routes_of(components):
        if own.at in seen:
            where = (own.component, own.port, own.index)
            faults.append(Fault(*where, "host", "duplicate", {"value": "".join(own.at)}))
        seen.add(own.at)
    return faults
