"""The documents of the seeded rows, each made once by the console's own code: drafts, versions, manifests."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any, cast

from clusters.manifests import Request, render
from clusters.spec import Component, check_component
from console.kit.secrets import fingerprint
from marketplace import snapshot
from marketplace.snapshot import Origin

TEMPLATE = "shop-000005"
SECRET = "db.variables.PASSWORD"
QUOTA = {"cpu": "40", "memory": "64Gi", "storage": "1Ti", "pods": "200"}
USED = {"cpu": "7", "memory": "12Gi", "storage": "100Gi", "pods": "31"}
CAPACITY = {
    "nodes_ready": 3,
    "nodes_total": 3,
    "cpu": {"allocatable": "24", "requested": "9250m", "used": None},
    "memory": {"allocatable": "96Gi", "requested": "31Gi", "used": None},
    "node_address": "203.0.113.5",
    "platforms": ["linux/amd64"],
    "at": "2026-03-02T14:02:05Z",
}
_COMMON = {"run_as": {"user": 10001, "group": 10001}}
PARTS: tuple[dict[str, Any], ...] = (
    {
        "key": "web",
        "name": "Pages",
        "ports": [{"name": "http", "number": 8080, "outside": "node_port"}],
        "variables": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "LANGUAGE", "value": "en"}],
        "files": [{"path": "/etc/web/site.conf", "content": "listen 8080;\nupstream ${API_HOST};\n"}],
        "depends_on": ["api"],
    },
    {
        "key": "api",
        "name": "Interface",
        "ports": [{"name": "http", "number": 8081, "alias": "API"}],
        "variables": [{"name": "WORKERS", "value": "4"}],
        "depends_on": ["db"],
    },
    {
        "key": "db",
        "name": "Database",
        "kind": "stateful",
        "ports": [{"name": "sql", "number": 5432, "alias": "DB"}],
        "variables": [
            {
                "name": "PASSWORD",
                "secret": True,
                "offered": True,
                "generate": {"length": 32, "alphabet": "alphanumeric"},
            }
        ],
        "volumes": [{"name": "data", "path": "/data", "size": "10Gi"}],
    },
)
PARAMETERS = [
    {
        "address": "web.variables.LOG_LEVEL",
        "label": "Log level",
        "type": "choice",
        "choices": ["debug", "info", "error"],
    }
]


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Documents:
    """All of them."""

    @cached_property
    def draft(self) -> list[Component]:
        """The components as a person typed them."""
        return [
            check_component({**_COMMON, "image": {"reference": f"registry.example.com/dev/{part['key']}:1"}, **part})
            for part in PARTS
        ]

    @cached_property
    def deployed(self) -> list[Component]:
        """The same with their images made exact."""
        found = []
        for component in self.draft:
            source, exact = component["image"]["reference"], _digest(component["key"])
            platform = {"os": "linux", "architecture": "amd64", "digest": exact, "config": _digest("config")}
            image = component["image"] | {
                "source": source,
                "digest": exact,
                "media_type": "application/vnd.oci.image.manifest.v1+json",
                "bytes": 100_000,
                "platforms": [platform],
                "pull": f"{source.rpartition(':')[0]}@{exact}",
            }
            found.append(cast("Component", {**component, "image": image}))
        return found

    @cached_property
    def version(self) -> dict[str, Any]:
        """What was published of them."""
        choice = snapshot.choose(self.deployed, None, PARAMETERS)
        return snapshot.document(TEMPLATE, "1.0", Origin("env-000001", "made", 1, "0" * 64), choice)

    @cached_property
    def delivered(self) -> list[dict[str, Any]]:
        """What an environment was told to run of the version."""
        return [
            {
                **part,
                "image": {
                    **part["image"],
                    "pull": f"registry.example.com/{part['image']['path']}@{part['image']['digest']}",
                },
            }
            for part in self.version["components"]
        ]

    def all(self) -> dict[str, Any]:
        """Each by the name the statements use."""
        seen = [self._seen(cast("dict[str, Any]", component)) for component in self.deployed]
        access = {"component": "web", "port": "http", "kind": "node_port", "node_port": 30233, "confirmed": None}
        event = {"at": "2026-03-02T14:02:03Z", "type": "Warning", "reason": "Unhealthy", "object": "Pod/web-7d9c"}
        return {
            "capacity": CAPACITY,
            "quota": QUOTA,
            "used": USED,
            "draft": self.draft,
            "deployed": {"schema": 1, "components": self.deployed},
            "delivered": {"schema": 1, "components": self.delivered},
            "version": self.version,
            "values": {SECRET: {"secret": "4f1c92aa", "origin": "generated"}},
            "objects": [
                {"kind": "Deployment", "name": key, "hash": "139d544b821b13eb"} for key in ("api", "db", "web")
            ],
            "seen": seen,
            "access": [{**access, "url": "http://203.0.113.5:30233"}],
            "events": [
                {**event, "words": "HTTP probe failed with statuscode: 503", "count": number} for number in (4, 5)
            ],
        }

    @staticmethod
    def _seen(component: dict[str, Any]) -> dict[str, Any]:
        return {
            "key": component["key"],
            "name": component["name"],
            "kind": component["kind"],
            "state": "running",
            "ready": 1,
            "desired": 1,
            "image": component["image"]["source"],
            "digest": component["image"]["digest"],
            "digests_match": True,
            "restarts": 0,
            "cause": None,
        }

    def content(self, application: str, salt: bytes, delivered: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Give what the revision of an application has sealed, and its inventory in the open."""
        components = cast("list[Component]", self.delivered) if delivered else self.deployed
        values = {SECRET: fingerprint(salt, application) * 4}
        bundle = render(
            Request(
                app="app-1" if delivered else "made",
                application_id=application,
                part_of=TEMPLATE,
                namespace="env-1",
                components=components,
                salt=salt,
                secrets=values,
            )
        )
        return {"values": values, "manifests": bundle.stored()}, bundle.inventory()
