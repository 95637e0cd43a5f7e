"""Pages that refuse, for the tests of what surrounds pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from console.kit.errors import NotFound, Refused
from console.urls import handler403, handler404, handler500, urlpatterns
from teams.access import require
from teams.models import Team, User


def _team(request: HttpRequest) -> Team:
    assert isinstance(request.user, User)
    team = Team.objects.permitted(request.user).filter(slug="shop").first()
    if team is None:
        raise NotFound()
    return team


def _members(request: HttpRequest) -> HttpResponse:
    team = _team(request)
    assert isinstance(request.user, User)
    require(request.user, "manage_members", team)
    raise Refused("last_admin")


urlpatterns = [*urlpatterns, path("test/members", _members)]

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]
