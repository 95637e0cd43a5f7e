"""The JSON of a draft's components: the shape a request takes, with nulls where secrets are."""

from __future__ import annotations

from typing import Any

from clusters.models import Component
from console.kit.api import Either, MapOf


def component_json(row: Component) -> dict[str, Any]:
    """Give a component of the draft. Secrets are never in it; `secrets_set` tells which are there. What is read may be
    sent back as it is."""
    definition = row.definition
    image = definition["image"]
    secret = [variable for variable in definition["variables"] if variable.get("secret")]
    return {
        **definition,
        "image": {
            "reference": image["reference"],
            "from": image.get("from", "registry"),
            "user": image.get("user"),
            "password": None,
        },
        "variables": [
            {
                "name": variable["name"],
                "value": variable.get("value"),
                "secret": bool(variable.get("secret")),
                "offered": bool(variable.get("offered")),
                "generate": variable.get("generate"),
            }
            for variable in definition["variables"]
        ],
        "secrets_set": {
            "variables": [variable["name"] for variable in secret if "fingerprint" in variable],
            "password": "credential" in image,
        },
    }


_TIMES = {"initial_delay": 0, "period": 2, "timeout": 1, "failures": 3}

EXAMPLE: dict[str, Any] = {
    "key": "web",
    "name": "Pages",
    "kind": "stateless",
    "image": {
        "reference": "registry.example.com/dev/web:2.0",
        "from": "registry",
        "user": None,
        "password": None,
    },
    "command": [],
    "args": ["web"],
    "replicas": {"default": 2, "min": 1, "max": 5, "step": 1},
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
    "ports": [
        {"name": "http", "number": 8080, "protocol": "TCP", "alias": "WEB", "inside": True, "outside": "node_port"}
    ],
    "variables": [
        {"name": "LOG_LEVEL", "value": "info", "secret": False, "offered": False, "generate": None},
        {
            "name": "SESSION_KEY",
            "value": None,
            "secret": True,
            "offered": False,
            "generate": {"length": 32, "alphabet": "alphanumeric"},
        },
    ],
    "files": [{"path": "/etc/web/app.conf", "mode": "0444", "content": "api = http://${API_HOST}:${API_PORT}\n"}],
    "volumes": [
        {
            "name": "data",
            "path": "/var/lib/web",
            "kind": "persistent",
            "size": "10Gi",
            "storage_class": None,
            "access": "ReadWriteMany",
        }
    ],
    "probes": MapOf(
        {
            "readiness": Either(
                (
                    {"kind": "http", "port": "http", "path": "/health", **_TIMES},
                    {"kind": "tcp", "port": "http", **_TIMES},
                    {"kind": "command", "command": ["web", "ping"], **_TIMES},
                )
            )
        }
    ),
    "run_as": {"user": 10001, "group": 10001},
    "depends_on": ["api"],
    "start_timeout": 300,
    "secrets_set": {"variables": ["SESSION_KEY"], "password": False},
}
