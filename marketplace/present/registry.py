"""How the registry's settings and the outcome of a test are shown. Passwords never are."""

from __future__ import annotations

from typing import Any

from console.kit.among import among
from console.kit.api.lists import COUNT_MAX
from marketplace.models import ImageRegistry, Version
from operations.models import Operation

PULL = "pull:"


def outcome(operation: Operation) -> dict[str, Any]:
    """What a test found: `pass`, `fail`, `played` (by nodes that are not real) or None for what was not tried."""
    found: dict[str, Any] = {"login": None, "push": None, "pull": {}}
    for step in operation.steps.all():
        if step.key.startswith(PULL):
            found["pull"][step.key.removeprefix(PULL)] = _verdict(step.state, step.observed)
        elif step.key in found:
            found[step.key] = _verdict(step.state, step.observed)
    return found


def _verdict(state: str, observed: dict[str, Any]) -> str | None:
    if state == "done":
        return "played" if observed.get("pulled") == "played" else "pass"
    return "fail" if state in {"failed", "warning"} else None


def registry_json(registry: ImageRegistry) -> dict[str, Any]:
    """The settings as an enterprise admin reads them."""
    return {
        "address": registry.address,
        "prefix": registry.prefix,
        "user": registry.user,
        "pull_user": registry.pull_user,
        "password_set": True,
        "ca_pem": registry.ca_pem,
        "plain_http": registry.plain_http,
        "tested": tested_json(registry.test) if registry.test else None,
        "saved_untested": registry.saved_untested,
        "versions_elsewhere": elsewhere(registry),
    }


def tested_json(operation: Operation) -> dict[str, Any]:
    """The test behind the settings."""
    by = operation.initiator.login if operation.initiator else None
    return {"operation": operation.name, "at": operation.finished_at, "by": by, **outcome(operation)}


def elsewhere(registry: ImageRegistry) -> int:
    """How many published versions keep another address than this one; 10,000 stands for that many or more."""
    others = ImageRegistry.objects.filter(enterprise=registry.enterprise_id).exclude(pk=registry.pk)
    kept = Version.objects.filter(among("registry", others)).exclude(state=Version.State.COPYING)
    return kept.order_by()[:COUNT_MAX].count()
