"""Installing, upgrading and rolling back as requests of the API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from clusters.models import Application
from console.kit.calls import HIDDEN, curl
from marketplace.actions.install import Order
from marketplace.actions.upgrade import Change
from marketplace.models import Version


def install_call(order: Order, version: Version, plan: str) -> str:
    """Give the request that installs; of secrets only that there is one."""
    secret = _secrets(version)
    return curl(
        "POST",
        "/installations",
        {
            "template": order.template,
            "version": version.number,
            "environments": list(order.environments),
            "app": {"slug": order.slug, "name": order.name} if order.slug else None,
            "values": _shown(order.values, secret),
            "values_by_environment": {
                place: _shown(values, secret) for place, values in order.values_by_environment.items()
            },
            "plan_id": plan,
        },
    )


def upgrade_call(application: Application, change: Change, version: Version, plan: str) -> str:
    """Give the request that upgrades."""
    values = _shown(change.values, _secrets(version))
    body = {"version": version.number, "values": values, "reset": list(change.reset), "plan_id": plan}
    return curl("POST", f"{_address(application)}/upgrades", body)


def rollback_call(application: Application, revision: int, plan: str) -> str:
    """Give the request that rolls back."""
    return curl("POST", f"{_address(application)}/rollbacks", {"revision": revision, "plan_id": plan})


def _address(application: Application) -> str:
    return f"/environments/{application.environment.slug}/apps/{application.slug}"


def _secrets(version: Version) -> set[str]:
    document: dict[str, Any] = version.document or {}
    return {each["address"] for each in document.get("parameters", []) if each["type"] == "secret"}


def _shown(values: Mapping[str, Any], secret: Collection[str]) -> dict[str, Any]:
    return {address: HIDDEN if address in secret else value for address, value in values.items()}
