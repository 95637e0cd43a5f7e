"""The frame around every page: navigation, theme, and what runs right now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from operations.models import Operation
from teams.models import Team, User

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

TEAMS_AT_MOST = 8
THEMES = ("auto", "light", "dark")
THEME_COOKIE = "waybill_theme"


class Item(NamedTuple):
    """One line of the navigation; `number` is left out when zero; `key` is its letter."""

    label: str | _StrPromise
    href: str
    icon: str
    current: bool
    number: int = 0
    key: str = ""


Place = tuple[str, "_StrPromise", str]

MAIN: tuple[Place, ...] = (
    ("home", _("Overview"), "layout-grid"),
    ("market", _("Local component library"), "package"),
    ("operation_list", _("Operations"), "list-checks"),
)
KEYS = {"home": "h", "market": "m", "operation_list": "o"}
"""Place → the letter that leads there after `g`."""
PLATFORM: tuple[Place, ...] = (
    ("cluster_list", _("Clusters"), "server"),
    ("team_list", _("Teams"), "users"),
    ("user_list", _("Users"), "user"),
    ("registry_settings", _("Image registry"), "settings"),
    ("audit_list", _("Audit log"), "scroll-text"),
)


def theme_of(request: HttpRequest) -> str:
    """Give the theme chosen: the profile's, else the cookie's, else the system's (`auto`)."""
    user = getattr(request, "user", None)
    chosen = user.theme if isinstance(user, User) else request.COOKIES.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give templates the frame. Signed out there is a theme and nothing else."""
    choice = theme_of(request)
    frame: dict[str, Any] = {"theme": "dark" if choice == "dark" else "light", "theme_choice": choice}
    user = getattr(request, "user", None)
    if isinstance(user, User):
        running = Operation.objects.permitted(user).listed().active().count()
        frame |= {
            "running": running,
            "items": _items(_main(user), request.path, {"operation_list": running}),
            "teams": _teams(user, request.path),
            "platform": _items(PLATFORM, request.path) if user.is_enterprise_admin else [],
        }
    return {"shell": frame}


def _main(user: User) -> tuple[Place, ...]:
    """Give what everybody works with; the overview is the enterprise admin's, others begin where their work is."""
    return MAIN if user.is_enterprise_admin else tuple(place for place in MAIN if place[0] != "home")


def _items(places: tuple[Place, ...], path: str, numbers: Mapping[str, int] | None = None) -> list[Item]:
    """Give the lines of a group; a page that a console without it does not have is left out."""
    items = []
    for name, label, icon in places:
        try:
            href = reverse(name)
        except NoReverseMatch:
            continue
        current = path == href if href == "/" else path == href or path.startswith(f"{href}/")
        items.append(Item(label, href, icon, current, (numbers or {}).get(name, 0), KEYS.get(name, "")))
    return items


def _teams(user: User, path: str) -> list[Item]:
    """Give the person's teams, for an enterprise admin the first ones of all."""
    rows = Team.objects.permitted(user, "view_team").order_by("slug")[:TEAMS_AT_MOST]
    items = []
    for team in rows:
        try:
            href = reverse("team_page", args=[team.slug])
        except NoReverseMatch:
            return []
        items.append(Item(team.name, href, "users", path == href or path.startswith(f"{href}/")))
    return items
