"""The labels and annotations of every object. They never change once a cluster carries them.

`.internal` is reserved for private use, so the prefix claims nobody's domain. No version, revision, operation or time
stands in a label: it would make every upgrade touch and restart everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "waybill.internal/"
APPLICATION = f"{PREFIX}application"
ENVIRONMENT = f"{PREFIX}environment"
EPOCH = f"{PREFIX}epoch"

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"
NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
CONSOLE = "waybill"

POD_SECURITY = "pod-security.kubernetes.io/"

OWNED = f"{MANAGED_BY}={CONSOLE}"
"""A label selector for everything this console made."""


def selector(app: str, component: str) -> dict[str, str]:
    """The labels by which Services and workloads find a component's pods."""
    return {INSTANCE: app, NAME: component}


def common(app: str, application_id: str, part_of: str, component: str | None = None) -> dict[str, str]:
    """The labels of every object of an application; those of the whole application have no component."""
    labels = {MANAGED_BY: CONSOLE, INSTANCE: app, PART_OF: part_of, APPLICATION: application_id}
    if component is not None:
        labels[NAME] = component
    return labels


def of_environment(environment_id: str) -> dict[str, str]:
    """The labels of what belongs to an environment as a whole."""
    return {MANAGED_BY: CONSOLE, ENVIRONMENT: environment_id}


def of_application(application_id: str) -> str:
    """A label selector for the objects of one application."""
    return f"{APPLICATION}={application_id}"


def read(item: Mapping[str, Any], name: str) -> str:
    """Give a label of a live object; empty when it has none."""
    return str((item["metadata"].get("labels") or {}).get(name, ""))
