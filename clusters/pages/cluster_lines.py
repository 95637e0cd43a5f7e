"""Clusters as tables and headers show them: how they are, since when, and how full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import pgettext_lazy

from clusters import quantities
from clusters.models import Cluster, Environment
from console.kit import messages

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from django.utils.functional import Promise

    from teams.models import User

GIB = 1 << 30
_LABELS = {"cpu": pgettext_lazy("capacity", "CPU"), "memory": pgettext_lazy("capacity", "Memory")}


@dataclass(frozen=True)
class Gauge:
    """How much of a resource pods have asked for, in cores or GiB, and of how much."""

    name: str
    label: Promise
    requested: str
    allocatable: str
    percent: int


@dataclass(frozen=True)
class ClusterLine:
    """One cluster in a table."""

    row: Cluster
    why: str
    gauges: dict[str, Gauge]
    capacity_at: datetime | None
    environments: list[Environment]


def cluster_lines(rows: Iterable[Cluster]) -> list[ClusterLine]:
    """Give the lines of clusters, with one query for the environments on all of them."""
    clusters = list(rows)
    placed: dict[uuid.UUID, list[Environment]] = {}
    found = Environment.objects.present().filter(cluster__in=clusters).select_related("team")
    for environment in found.order_by("position", "slug"):
        placed.setdefault(environment.cluster_id, []).append(environment)
    return [ClusterLine(row, why(row), gauges(row), capacity_at(row), placed.get(row.pk, [])) for row in clusters]


def why(row: Cluster) -> str:
    """Say what the last look at a cluster that did not answer came to; empty while it answers."""
    if not row.health_code:
        return ""
    try:
        return messages.title(row.health_code, row.health_params)
    except KeyError:
        # Written by a console of another version.
        return row.health_code


def what_to_do(row: Cluster) -> str:
    """Say what to do about it; empty while it answers."""
    if not row.health_code:
        return ""
    try:
        return messages.detail(row.health_code, row.health_params)
    except KeyError:
        return ""


def capacity_at(row: Cluster) -> datetime | None:
    """Give when the capacity was read."""
    text = (row.capacity or {}).get("at")
    return parse_datetime(text) if text else None


def gauges(row: Cluster) -> dict[str, Gauge]:
    """Give CPU and memory as bars; nothing for what was never seen."""
    found: dict[str, Gauge] = {}
    for name, label in _LABELS.items():
        amounts: dict[str, Any] = (row.capacity or {}).get(name) or {}
        try:
            requested = quantities.parse(str(amounts["requested"]))
            allocatable = quantities.parse(str(amounts["allocatable"]))
        except (KeyError, quantities.NotAQuantity):
            continue
        percent = min(100, round(requested * 100 / allocatable)) if allocatable else 0
        found[name] = Gauge(name, label, written(name, requested), written(name, allocatable), percent)
    return found


def written(name: str, amount: Fraction) -> str:
    """Write an amount as people read it: cores, or GiB, with one decimal where there is one."""
    whole = float(amount / (GIB if name == "memory" else 1))
    return f"{whole:.1f}".removesuffix(".0")


def searched(user: User, text: str, state: str) -> QuerySet[Cluster]:
    """Give the clusters one may manage, narrowed by a part of the name and by state."""
    rows = Cluster.objects.permitted(user).order_by("slug")
    if text:
        rows = rows.filter(slug__icontains=text) | rows.filter(name__icontains=text)
    return rows.filter(health=state) if state in Cluster.Health.values else rows
