"""Whole bodies: one thing of everything that a body may hold, so that each field has its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.access.rows_clusters import component
from tests.cast import Cast
from tests.security.doors import Door, Path

Made = Callable[[Cast, Any], Any]

OTHERWISE: Mapping[str, tuple[str, ...]] = {
    # Told by a code of its own, without a place.
    "/kubeconfig": ("yaml_refused", "kubeconfig_refused"),
    "/endpoint": ("kubeconfig_refused", "address_denied"),
    "/token": ("kubeconfig_refused",),
    "/ca_pem": ("kubeconfig_refused",),
    "/plan_id": ("plan_stale",),
    "/check": ("check_expired", "check_failed"),
}

WITHIN: Mapping[str, str] = {
    # Three words that name one thing: it is told of their whole that there is no such thing.
    "/verified_on/environment": "/verified_on",
    "/verified_on/app": "/verified_on",
}
NAMED: Mapping[Path, Path] = {
    # What an object with free names has to name.
    ("values_by_environment", "key", "key"): ("values_by_environment", "shop-test", "key"),
}


def _component(cast: Cast, body: Any) -> Any:
    probe = {"kind": "http", "port": "http", "path": "/health"}
    return {
        **component(str(body.get("key", "api"))),
        "command": ["run"],
        "args": ["all"],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
        "ports": [{"name": "http", "number": 8080, "alias": "WEB", "outside": "http_route", "host": "a.example.com",
                   "path": "/"}],
        "variables": [{"name": "TITLE", "value": "v"}],
        "files": [{"path": "/etc/web/app.conf", "mode": "0444", "content": "a"}],
        "volumes": [{"name": "data", "path": "/data", "size": "1Gi", "storage_class": "standard"}],
        "image": {"reference": "registry.example.com/dev/web:1", "user": "ci", "password": "p"},
        "probes": dict.fromkeys(("startup", "readiness", "liveness"), probe),
        "depends_on": [],
    }  # fmt: skip


def _publication(cast: Cast, body: Any) -> Any:
    template = {"name": "Fresh", "slug": "fresh", "scope": "team", "intro": "i", "tags": ["t"]}
    parameter = {"address": "web.variables.TITLE", "type": "text", "label": "Title"}
    return {**body, "template": template, "alias": "a", "notes": "n", "components": ["web"], "parameters": [parameter]}


def _installation(cast: Cast, body: Any) -> Any:
    return {**body, "values": {}, "values_by_environment": {"shop-test": {}}, "plan_id": None, "consents": []}


_WHOLE: dict[str, Made] = {
    "components": _component,
    "components/<slug:key>": _component,
    "publications": _publication,
    "installations": _installation,
    "teams": lambda cast, body: {
        **body,
        "members": [{"login": "loner", "roles": ["viewer"]}],
        "environment": {"cluster": "shop-cluster", "stage": "test", "quota": {}},
    },
    "teams/<slug:team>/environments": lambda cast, body: {**body, "name": "N", "namespace": "another", "quota": {}},
    "settings/registry": lambda cast, body: {**body, "pull_user": "u", "pull_password": "p"},
    "settings/registry/tests": lambda cast, body: {**body, "pull_user": "u", "pull_password": "p"},
}


def whole(door: Door, cast: Cast, path: Path) -> Any:
    """Give the body of a door with one of everything beside `path`, but for what cannot stand beside it."""
    body, route = door.body(cast), door.row.route
    if path[0] in _ALONE:
        return dict(_ALONE[str(path[0])])
    if path[0] == "verified_on":
        return {**body, "verified_on": {"environment": "shop-test", "app": "bought", "revision": 1}}
    endings = (end for end in sorted(_WHOLE, key=len, reverse=True) if route == end or route.endswith(f"/{end}"))
    if door.row.method == "PATCH" or not (ending := next(endings, "")):
        return body
    body = _WHOLE[ending](cast, body)
    if path[0] == "probes" and path[-2:] == ("command", 0):
        body["probes"][path[1]] = {"kind": "command", "command": ["true"]}
    return body


_ALONE: Mapping[str, dict[str, Any]] = {"kubeconfig": {}, "test": {}}
"""What is given instead of everything else: a file for its fields, a test for what was tested."""
