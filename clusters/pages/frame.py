"""What every page of one application stands in: its name and state, where it is reached, what runs, and its tabs.

Pages of other apps about an application use it too: `frame(request, row, "upgrade")` gives the context of
`clusters/_app.html`, which they extend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import pgettext

from clusters.models import Application
from clusters.pages.finding import address
from clusters.present.applications import application_json, is_awaited
from console.kit.pages import SignedIn
from operations import words
from operations.models import Operation
from teams.access import rights_on

if TYPE_CHECKING:
    from django.utils.functional import Promise

LOOKED_BACK = 30
"""How many records are looked through for the way back."""


@dataclass(frozen=True)
class Tab:
    """One tab of an application."""

    name: str
    label: str | Promise
    href: str
    current: bool


@dataclass(frozen=True)
class Running:
    """The operation that changes the application right now."""

    name: str
    word: str
    by: str
    percent: int


def frame(request: SignedIn, row: Application, tab: str) -> dict[str, Any]:
    """Give the context of an application's page; `row` comes from `application_of`, `tab` is the open one."""
    team = row.environment.team
    held = rights_on(request.user, team)
    data = application_json(row, request.user)
    seen = data["status"]["observed_at"]
    return {
        "app": row,
        "data": data,
        "status": data["status"],
        "seen_at": parse_datetime(seen) if seen else None,
        "looking": is_awaited(row),
        "environment": row.environment,
        "team": team,
        "cluster": row.environment.cluster,
        "made": row.origin == Application.Origin.MADE,
        "market": _market(data),
        "running": _running(data["running_operation"]),
        "back": _way_back(row),
        "tabs": tabs(row, tab),
        "tab": tab,
        "held": held,
        "can": {right: right in held for right in ("edit_application", "operate_application", "publish_application")}
        | {"deliver": row.environment.deliver_right in held},
    }


def tabs(row: Application, current: str) -> list[Tab]:
    """Give the tabs of an application; pages that this console does not have are left out."""
    place, slug = row.environment.slug, row.slug
    made = row.origin == Application.Origin.MADE
    known = [
        ("overview", pgettext("tab", "Overview"), "app_page", True),
        ("components", pgettext("tab", "Components"), "app_components", made),
        ("events", pgettext("tab", "Events and logs"), "app_events", True),
        ("publish", pgettext("tab", "Publish"), "app_publish", made),
        ("upgrade", pgettext("tab", "Upgrade"), "app_upgrade", not made),
        ("records", pgettext("tab", "Records"), "app_revisions", True),
        ("settings", pgettext("tab", "Settings"), "app_settings", True),
    ]
    found = [(name, label, address(url, place, slug)) for name, label, url, shown in known if shown]
    return [Tab(name, label, href, name == current) for name, label, href in found if href]


def _market(data: dict[str, Any]) -> dict[str, Any] | None:
    """Give what is installed from the market, with the page that reviews the newer version."""
    installed: dict[str, Any] | None = data.get("installed")
    if not installed:
        return None
    upgrade = address("app_upgrade", data["environment"], data["slug"])
    newer = installed["newer"]
    return {
        **installed,
        "page": address("template_page", installed["template"]),
        "upgrade": f"{upgrade}?to={newer}" if upgrade and newer else None,
    }


def _way_back(row: Application) -> dict[str, Any] | None:
    """Give the revision to go back to: the one before, or the one that stands when a later attempt failed."""
    page = address("app_rollback", row.environment.slug, row.slug, 0)
    if row.current_revision_id is None or page is None:
        return None
    rows = list(row.revisions.order_by("-number").values("pk", "number", "state", "kind", "source")[:LOOKED_BACK])
    stands = bool(rows) and rows[0]["pk"] == row.current_revision_id
    once = [one for one in rows if one["state"] in ("deployed", "superseded") and one["kind"] != "uninstall"]
    found = next((one for one in once if (one["pk"] != row.current_revision_id) == stands), None)
    if found is None:
        return None
    href = address("app_rollback", row.environment.slug, row.slug, found["number"])
    return {"href": href, "revision": found["number"], "version": (found["source"] or {}).get("number")}


def _running(name: str | None) -> Running | None:
    if name is None:
        return None
    row = Operation.objects.select_related("initiator").get(number=int(name.removeprefix("op-")))
    return Running(row.name, words.headline(row), row.initiator.name if row.initiator else "", row.percent)


def page_of(row: Application) -> str:
    """Give the address of an application's page."""
    return reverse("app_page", args=[row.environment.slug, row.slug])
