"""REST: a team may be made together with its first environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from clusters.actions.environments import add_environment
from clusters.api.environments import EnvironmentBody
from clusters.errors import under
from console.kit.api import operation
from teams.api.bodies import TeamBody
from teams.api.teams import REFUSES, TEAM, TEAM_BODY
from teams.api.teams import TeamList as Teams
from teams.models import Team


class TeamWithEnvironmentBody(TeamBody):
    """A new team, with the environment it starts with."""

    environment = EnvironmentBody(required=False, allow_null=True)


class TeamList(Teams):
    """Teams, as the app below has them; a new one may come with an environment."""

    @operation(
        "manage_teams",
        _("Create a team, with its first environment if wanted"),
        body=TeamWithEnvironmentBody,
        example=TEAM_BODY | {"environment": {"cluster": "aliyun-qingdao", "stage": "production"}},
        answers={201: TEAM},
        refuses=(*REFUSES, "cluster_unreachable"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Make the team; the environment is prepared by the operation its JSON names."""
        return self.create()

    def made(self, team: Team, body: Mapping[str, Any]) -> None:
        """Make the environment in the team's own transaction."""
        if body.get("environment"):
            with under("/environment"):
                add_environment(team=team, acting_user=self.user, **body["environment"])
