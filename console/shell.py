"""The frame around every page: navigation, theme, and what runs right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from operations.models import Operation
from teams.models import User

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "waybill_theme"


class Item(NamedTuple):
    """One line of the navigation; `number` is left out when zero."""

    label: str | _StrPromise
    href: str
    icon: str
    current: bool
    number: int = 0


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
        running = (
            Operation.objects.permitted(user).filter(state__in=("queued", "running", "waiting"), parent=None).count()
        )
        frame |= {"running": running, "items": _items(request.path, running), "platform": []}
    return {"shell": frame}


def _items(path: str, running: int) -> list[Item]:
    home, operations = reverse("home"), reverse("operation_list")
    return [
        Item(_("Overview"), home, "layout-grid", path == home),
        Item(_("Operations"), operations, "list-checks", path.startswith(operations), running),
    ]
