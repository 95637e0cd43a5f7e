"""Every name an object of ours may have. Names never change while an application lives."""

from __future__ import annotations

import hashlib
from typing import Any

from clusters.spec.application import service_name
from console.kit.canonical import canonical

SYSTEM_NAMESPACE = "waybill-system"
REGISTRY_SECRET = "waybill-registry"  # noqa: S105 — the name of an object, not a secret
DEFAULT_POLICY = "waybill-default"
QUOTA = "waybill"
LIMITS = "waybill"
PREPARE = "waybill-prepare"
DEPLOY = "waybill-deploy"


def workload(app: str, component: str) -> str:
    """The Deployment or StatefulSet; its inside Service and its Ingress are called the same."""
    return service_name(app, component)


def headless(app: str, component: str) -> str:
    """The headless Service of a stateful component."""
    return f"{app}-{component}-pods"


def outside(app: str, component: str) -> str:
    """The NodePort Service, and the NetworkPolicy that opens it."""
    return f"{app}-{component}-outside"


def claim(app: str, component: str, volume: str) -> str:
    """The volume claim of a stateless component."""
    return f"{app}-{component}-{volume}"


def claim_of_pod(app: str, component: str, volume: str, ordinal: int) -> str:
    """The volume claim a StatefulSet makes for its pod of that ordinal."""
    return f"{volume}-{app}-{component}-{ordinal}"


def content_named(app: str, component: str, what: str, data: Any, salt: bytes) -> str:
    """A name that follows from content: other data, other name, so pods roll and a rollback finds its own again.

    The salt keeps the eight characters from telling anything about a secret to one who guesses.
    """
    suffix = hashlib.sha256(salt + canonical(data)).hexdigest()[:8]
    return f"{app}-{component}-{what}-{suffix}"


def record(app: str) -> str:
    """The ConfigMap that tells people and other consoles who delivers this application."""
    return f"waybill-{app}"


def key(environment: str, generation: int) -> str:
    """The ServiceAccount that is an environment's key of that generation; a name is used once."""
    return f"{environment}-{generation}"
