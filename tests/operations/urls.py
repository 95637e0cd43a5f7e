"""The console's addresses, and one that starts toy work."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request

from console.kit.api import Body, operation
from console.urls import handler403, handler404, handler500  # noqa: F401
from console.urls import urlpatterns as console_urls
from operations.api import SHOWN
from operations.doors import StartsWork
from teams.models import Team
from tests.operations import toy


class ToyBody(Body):
    """What a toy is told."""

    world = serializers.CharField(default="", allow_blank=True)
    lock_key = serializers.CharField(required=False)


class Toys(StartsWork):
    """`POST /api/v1/toys`."""

    @operation("view_team", "Start a toy", body=ToyBody, example={}, answers={202: SHOWN}, starts_work=True, refuses=())
    def post(self, request: Request) -> HttpResponse:
        """Start it."""
        body = self.body()
        team = self.found(Team.objects.permitted(self.user), slug="shop")
        return self.start(lambda: toy.begin(self.user.enterprise, self.user, team, **body))


urlpatterns = [path("api/v1/toys", Toys.as_view()), *console_urls]
