"""Whole values the pure tests start from."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from clusters.manifests import Request
from clusters.spec import Component, check_component

GOLDEN = Path(__file__).parent / "golden"
SALT = bytes(range(16))
APPLICATION = "0195a3c1-7d2e-7c41-9a50-3f1be0c2d9a4"
PREFIX = "registry.example.com/library"

SECRETS = {
    "api.variables.SESSION_KEY": "session",
    "api.variables.SMTP_PASSWORD": "smtp",
    "db.variables.DB_PASSWORD": "database",
}


def golden(name: str) -> Any:
    """Read one golden file."""
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


def version() -> dict[str, Any]:
    """Give the document of a published version with three components."""
    document: dict[str, Any] = golden("version.json")
    return document


def components() -> list[Component]:
    """Give its components, normalised."""
    return [check_component(item, form="version") for item in version()["components"]]


def component(**changes: Any) -> Component:
    """Give a small valid component as a draft, with some fields different."""
    return check_component(draft(**changes))


def draft(**changes: Any) -> dict[str, Any]:
    """Give the smallest valid draft, with some fields different."""
    data: dict[str, Any] = {"key": "web", "image": {"reference": "registry.example.com/dev/web:2.0"}}
    data.update(copy.deepcopy(changes))
    return data


def request(parts: list[Component] | None = None, **changes: Any) -> Request:
    """Give a rendering request for the sample application."""
    values: dict[str, Any] = {
        "app": "admin-console",
        "application_id": APPLICATION,
        "part_of": "admin-console",
        "namespace": "prod-qingdao",
        "components": components() if parts is None else parts,
        "salt": SALT,
        "secrets": SECRETS,
        "pull_prefix": PREFIX,
    }
    return Request(**(values | changes))
