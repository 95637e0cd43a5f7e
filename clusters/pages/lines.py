"""Lines of lists: applications and environments as their tables show them, one query for all rows alike."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from clusters import quantities
from clusters.models import Application, ApplicationStatus, Environment
from clusters.present.applications import applications_json
from clusters.present.places import environments_json
from console.kit import messages
from operations import words
from operations.models import Operation

if TYPE_CHECKING:
    from datetime import datetime

    from teams.models import User


@dataclass(frozen=True)
class AppLine:
    """One application in a table."""

    href: str
    name: str
    slug: str
    data: dict[str, Any]
    seen_at: datetime | None

    @property
    def ready(self) -> tuple[int, int]:
        """How many components run as they should, and how many there are."""
        parts = self.data["components"]
        return sum(part["desired"] > 0 and part["ready"] >= part["desired"] for part in parts), len(parts)


@dataclass(frozen=True)
class Gauge:
    """One resource of a quota: what is in use (None: never seen) and the limit, in one unit, and how full that is."""

    name: str
    used: str | None
    hard: str
    percent: int


@dataclass
class Place:
    """One environment with its applications."""

    row: Environment
    operation: str | None = None
    cause: str = ""
    retryable: bool = False
    apps: list[AppLine] = field(default_factory=list)


def app_lines(rows: Iterable[Application], user: User) -> list[AppLine]:
    """Give the lines of applications read `with_parts`."""
    applications = list(rows)
    return [
        AppLine(
            reverse("app_page", args=[row.environment.slug, row.slug]),
            row.name,
            row.slug,
            data,
            _moment(data["status"]["observed_at"]),
        )
        for row, data in zip(applications, applications_json(applications, user), strict=True)
    ]


def places(rows: Sequence[Environment]) -> list[Place]:
    """Give environments (read with team and cluster) with their last operation, and why a failed one failed."""
    found = [
        Place(row, data["operation"], retryable=row.state == Environment.State.FAILED)
        for row, data in zip(rows, environments_json(rows), strict=True)
    ]
    numbers = [int(place.operation.removeprefix("op-")) for place in found if place.operation and place.retryable]
    causes = {row.name: _cause(row) for row in Operation.objects.filter(number__in=numbers)} if numbers else {}
    for place in found:
        place.cause = causes.get(place.operation or "", "")
    return found


def gauges(environment: Environment) -> list[Gauge]:
    """Give the quota of an environment as bars; none where it has no limits."""
    quota: dict[str, Any] = environment.quota or {}
    used: dict[str, Any] = environment.quota_used or {}
    return [
        Gauge(name, used.get(name), str(hard), _percent(used.get(name), str(hard)))
        for name, hard in quota.items()
        if hard is not None
    ]


def team_counts(teams: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Give team id → its applications that run, and all of them, with one query."""
    rows = Application.objects.present().filter(environment__team__in=list(teams)).order_by()
    runs = Count("pk", filter=Q(status__state=ApplicationStatus.State.RUNNING))
    found = rows.values("environment__team").annotate(running=runs, total=Count("pk"))
    return {
        team: (running, total) for team, running, total in found.values_list("environment__team", "running", "total")
    }


def latest_of(environment: Environment) -> Operation | None:
    """Give the last operation on the environment itself."""
    rows = Operation.objects.filter(subject_type="environment", subject_id=environment.pk)
    return rows.order_by("-number").first()


def _cause(operation: Operation) -> str:
    code, params = operation.outcome_code, operation.outcome_params
    if operation.state == "cancelled" or code is None:
        return str(words.headline(operation))
    return messages.said(code, params)


def _percent(used: str | None, hard: str) -> int:
    try:
        limit = quantities.parse(hard)
        return min(100, int(quantities.parse(str(used or "0")) * 100 / limit)) if limit > Fraction(0) else 0
    except quantities.NotAQuantity:
        return 0


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
