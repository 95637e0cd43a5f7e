"""The page of the trail: who did what, or was refused it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from console.kit.pages import SignedIn, page
from console.kit.paging import Paged, paged
from teams import access, audit, places
from teams.models import AuditEvent, Team
from teams.narrowing import narrowed
from teams.pages.trail_file import trail_file
from teams.places import Place

FILTERS = ("actor", "action", "team", "object", "result", "since", "until")
LONGEST = 200
"""Characters of one value that a line shows."""

_PAGES = {
    "app": "app_page",
    "cluster": "cluster_page",
    "environment": "environment_page",
    "operation": "operation_page",
    "team": "team_page",
    "user": "user_page",
}
"""Kind of object → the page whose address its label makes, parted at slashes."""

TYPES = {
    "address": pgettext_lazy("object", "Address"),
    "app": pgettext_lazy("object", "App"),
    "cluster": pgettext_lazy("object", "Cluster"),
    "component": pgettext_lazy("object", "Component"),
    "environment": pgettext_lazy("object", "Environment"),
    "key": pgettext_lazy("object", "Encryption key"),
    "operation": pgettext_lazy("object", "Operation"),
    "publication": pgettext_lazy("object", "Publication"),
    "registry": pgettext_lazy("object", "Image registry"),
    "team": pgettext_lazy("object", "Team"),
    "template": pgettext_lazy("object", "App template"),
    "token": pgettext_lazy("object", "Access token"),
    "user": pgettext_lazy("object", "User"),
    "version": pgettext_lazy("object", "Version"),
}


@dataclass(frozen=True)
class Change:
    """One field before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    """One event as the trail shows it."""

    row: AuditEvent
    label: str
    kind: str
    href: str | None
    place: Place | None
    changes: list[Change]


@require_GET
@page
def audit_list(request: SignedIn) -> HttpResponseBase:
    """List what was done and refused, newest first: of the enterprise, or of the teams one is admin of."""
    whole = access.holds(request.user, "view_audit")
    teams = access.teams_with(request.user, "manage_members").order_by("slug")
    if not whole and not teams.exists():
        raise Http404
    given = {name: request.GET.get(name, "").strip() for name in FILTERS}
    rows = _narrowed(AuditEvent.objects.permitted(request.user).select_related("actor", "token", "team"), given)
    if request.GET.get("format") == "csv":
        return trail_file(rows)
    shown: Paged[AuditEvent] = paged(request, rows, filters=FILTERS, sorts={"time": "at"}, sort="-time")
    context = {
        "page": shown,
        "lines": lines(shown.rows),
        "filters": given,
        "file": f"{request.path}?{urlencode(shown.filters | {'format': 'csv'})}",
        "whole": whole,
        "teams": list(teams[:100]),
        "actions": sorted(((name, str(label)) for name, label in audit.actions().items()), key=lambda one: one[1]),
    }
    return render(request, "teams/audit.html", context)


def _narrowed(rows: QuerySet[AuditEvent], given: Mapping[str, str]) -> QuerySet[AuditEvent]:
    """Keep what the filters ask for; a date that is none asks for nothing."""
    rows = narrowed(rows, actor=given["actor"], action=given["action"], team=given["team"])
    if given["object"]:
        rows = rows.filter(object_label__icontains=given["object"])
    if given["result"] in ("done", "refused"):
        rows = rows.filter(result=given["result"])
    if since := _day(given["since"], time.min):
        rows = rows.filter(at__gte=since)
    if until := _day(given["until"], time.max):
        rows = rows.filter(at__lte=until)
    return rows


def _day(text: str, at: time) -> datetime | None:
    """Read a day of the reader's own zone."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return timezone.make_aware(datetime.combine(day, at)) if day else None


def lines(rows: Iterable[AuditEvent]) -> list[Line]:
    """Give the lines of events read with actor, token and team, with one query for the environments."""
    events = list(rows)
    known = places.environments(row.environment_id for row in events if row.environment_id)
    return [
        Line(
            row,
            audit.label(row.action),
            str(TYPES.get(row.object_type, row.object_type)),
            _href(row),
            known.get(row.environment_id) if row.environment_id else None,
            _changes(row),
        )
        for row in events
    ]


def _href(row: AuditEvent) -> str | None:
    if row.object_type == "registry":
        return reverse("registry_settings")
    if row.object_type not in _PAGES:
        return None
    try:
        return reverse(_PAGES[row.object_type], args=row.object_label.split("/"))
    except NoReverseMatch:
        # A check of a cluster is labelled with an address, for instance.
        return None


def _changes(row: AuditEvent) -> list[Change]:
    before, after = row.before or {}, row.after or {}
    return [Change(name, _shown(before, name), _shown(after, name)) for name in dict.fromkeys([*before, *after])]


def _shown(values: Mapping[str, Any], name: str) -> str:
    if name not in values or values[name] is None:
        return "–"
    value = values[name]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def administers(request: SignedIn) -> bool:
    """Whether there is a trail this person may read."""
    return access.holds(request.user, "view_audit") or Team.objects.permitted(request.user, "manage_members").exists()
