"""Teams and their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Endpoint, operation
from teams import present
from teams.actions.members import remove_member, set_member_roles
from teams.actions.teams import create_team, rename_team
from teams.api.bodies import RolesBody, TeamBody, TeamChangeBody
from teams.models import Team

TEAM = present.team_example()
MEMBER = {"login": "zhaomin", "name": "Zhao Min", "roles": ["developer", "tester"]}
TEAM_BODY = {
    "slug": "prod-qingdao",
    "name": "Production Qingdao",
    "members": [{"login": "zhaomin", "roles": ["delivery"]}],
}
REFUSES = ("slug_taken", "name_taken", "cannot_grant")


class TeamList(Endpoint):
    """Teams. An app above takes this address over with a body of its own and `made`."""

    @operation(SIGNED_IN, _("List teams"), listed=True, query={"q": _("Part of a slug or name.")}, answers={200: TEAM})
    def get(self, request: Request) -> HttpResponse:
        """Give the teams one is a member of, or all to an enterprise admin, by slug."""
        rows = Team.objects.permitted(self.user)
        if text := self.query("q")["q"]:
            rows = rows.filter(Q(slug__icontains=text) | Q(name__icontains=text))
        return self.paginated(rows, order=("slug",), present_all=lambda teams: present.teams_json(teams, self.user))

    @operation(
        "manage_teams", _("Create a team"), body=TeamBody, example=TEAM_BODY, answers={201: TEAM}, refuses=REFUSES
    )
    def post(self, request: Request) -> HttpResponse:
        """Make a team with its first members."""
        return self.create()

    def create(self) -> HttpResponse:
        """Make the team and whatever `made` adds, in one transaction: all of it or nothing."""
        body = self.body()
        own = {name: value for name, value in body.items() if name in TeamBody().fields}
        with transaction.atomic():
            team = create_team(acting_user=self.user, **own)
            self.made(team, body)
        location = f"{present.API}/teams/{team.slug}"
        return self.created(present.team_json(team, self.user), location=location, version=team.row_version)

    def made(self, team: Team, body: Mapping[str, Any]) -> None:
        """Do what an app above adds to a new team, inside its transaction."""


class TeamPage(Endpoint):
    """One team."""

    @operation("view_team", _("Show a team"), answers={200: TEAM})
    def get(self, request: Request, team: str) -> HttpResponse:
        """Give it with members and environments."""
        row = self.found(Team.objects.permitted(self.user), slug=team)
        return self.resource(present.team_json(row, self.user), version=row.row_version)

    @operation(
        "manage_teams",
        _("Rename a team"),
        body=TeamChangeBody,
        partial=True,
        example={"name": "Production Qingdao"},
        answers={200: TEAM},
        refuses=("name_taken", "etag_mismatch"),
    )
    def patch(self, request: Request, team: str) -> HttpResponse:
        """Give it another display name."""
        row = self.found(Team.objects.permitted(self.user), slug=team)
        body, version = self.body(), self.expected_version()
        row = rename_team(team=row, name=body.get("name", row.name), acting_user=self.user, expected_version=version)
        return self.resource(present.team_json(row, self.user), version=row.row_version)


class MemberPage(Endpoint):
    """One member of a team."""

    @operation(
        "manage_members",
        _("Give a person roles in a team"),
        body=RolesBody,
        example={"roles": ["tester", "developer"]},
        answers={200: MEMBER, 201: MEMBER},
        refuses=("unknown_user", "cannot_grant", "last_admin", "etag_mismatch"),
        about=_("Replaces the roles the person has there. If-Match takes the ETag of the team."),
    )
    def put(self, request: Request, team: str, login: str) -> HttpResponse:
        """Set exactly these roles; 201 for a new member."""
        row = self.found(Team.objects.permitted(self.user), slug=team)
        self.require(row)
        user, new = set_member_roles(
            team=row,
            login=login,
            roles=self.body()["roles"],
            acting_user=self.user,
            expected_version=self.expected_version(),
        )
        data = present.member_json(row, user)
        if new:
            return self.created(data, location=f"{present.API}/teams/{row.slug}")
        return self.answer(data)

    @operation(
        "manage_members",
        _("Remove a person from a team"),
        answers={204: None},
        refuses=("cannot_grant", "last_admin", "etag_mismatch"),
        about=_("If-Match takes the ETag of the team."),
    )
    def delete(self, request: Request, team: str, login: str) -> HttpResponse:
        """Take all roles away."""
        row = self.found(Team.objects.permitted(self.user), slug=team)
        self.require(row)
        remove_member(team=row, login=login, acting_user=self.user, expected_version=self.expected_version())
        return self.nothing()
