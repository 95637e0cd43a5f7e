"""REST: environments of teams."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from clusters.actions import environments as actions
from clusters.models import Environment
from clusters.present import environment_json, environments_json
from console.kit.api import Body, Endpoint, operation
from operations.doors import StartsWork
from operations.examples import OPERATION
from operations.models import Operation
from teams.models import Team

EXAMPLE = {
    "slug": "prod-qingdao",
    "name": "Production Qingdao",
    "team": "prod-qingdao",
    "cluster": "aliyun-qingdao",
    "cluster_health": "online",
    "namespace": "prod-qingdao",
    "stage": "production",
    "accepts": "release",
    "position": 2,
    "state": "ready",
    "quota": {"cpu": "8", "memory": "16Gi", "storage": "100Gi", "pods": 100},
    "operation": "op-12",
}


class QuotaBody(Body):
    """The limits of an environment; what is absent is not limited."""

    cpu = serializers.CharField(required=False, allow_null=True, max_length=20)
    memory = serializers.CharField(required=False, allow_null=True, max_length=20)
    storage = serializers.CharField(required=False, allow_null=True, max_length=20)
    pods = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=100_000)


class EnvironmentBody(Body):
    """A new environment; slug, name and namespace default to the team's."""

    cluster = serializers.CharField(max_length=30)
    slug = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=30)
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=200)
    namespace = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=63)
    stage = serializers.ChoiceField(choices=Environment.Stage.values)
    accepts = serializers.ChoiceField(choices=Environment.Accepts.values, required=False, allow_null=True)
    quota = QuotaBody(required=False, allow_null=True)


class EnvironmentChangeBody(Body):
    """What may be changed of an environment."""

    name = serializers.CharField(required=False, max_length=200)
    accepts = serializers.ChoiceField(choices=Environment.Accepts.values, required=False)
    position = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    quota = QuotaBody(required=False, allow_null=True)


class EnvironmentList(Endpoint):
    """The environments of one's teams."""

    @operation("view_team", _("List environments"), listed=True, answers={200: EXAMPLE})
    def get(self, request: Request) -> HttpResponse:
        """List them in their order."""
        rows = Environment.objects.permitted(self.user).select_related("team", "cluster")
        return self.paginated(rows, order=("position", "slug"), present_all=environments_json)


class TeamEnvironments(StartsWork):
    """The environments of one team."""

    @operation(
        "manage_teams",
        _("Make an environment for a team"),
        body=EnvironmentBody,
        example={
            "cluster": "aliyun-qingdao",
            "slug": "prod-qingdao",
            "name": "Production Qingdao",
            "namespace": "prod-qingdao",
            "stage": "production",
            "accepts": "release",
            "quota": None,
        },
        answers={202: OPERATION},
        starts_work=True,
        refuses=("slug_taken", "name_taken", "cluster_unreachable"),
    )
    def post(self, request: Request, team: str) -> HttpResponse:
        """Make it, and prepare it on its cluster."""
        row = self.found(Team.objects.permitted(self.user), slug=team)
        body = self.body()

        def add() -> Operation:
            environment = actions.add_environment(team=row, acting_user=self.user, **body)
            return Operation.objects.get(subject_type="environment", subject_id=environment.pk)

        return self.start(add)


class EnvironmentPage(Endpoint):
    """One environment."""

    @operation("view_team", _("Show an environment"), answers={200: EXAMPLE})
    def get(self, request: Request, environment: str) -> HttpResponse:
        """Show it."""
        row = self._row(environment)
        return self.resource(environment_json(row), version=row.row_version)

    @operation(
        "manage_teams",
        _("Change an environment"),
        body=EnvironmentChangeBody,
        partial=True,
        example={"name": "Production Qingdao", "accepts": "any", "position": 3},
        answers={200: EXAMPLE},
        refuses=(
            *("name_taken", "environment_not_ready", "operation_in_progress", "cluster_unreachable"),
            "etag_mismatch",
        ),
    )
    def patch(self, request: Request, environment: str) -> HttpResponse:
        """Change name, rule, position or quota."""
        changed = actions.change_environment(
            environment=self._row(environment),
            changes=self.body(),
            acting_user=self.user,
            expected_version=self.expected_version(),
        )
        return self.resource(environment_json(changed), version=changed.row_version)

    @operation(
        "manage_teams",
        _("Remove an environment whose preparation failed"),
        answers={204: None},
        refuses=("in_use", "etag_mismatch"),
    )
    def delete(self, request: Request, environment: str) -> HttpResponse:
        """Let go of it."""
        actions.remove_environment(
            environment=self._row(environment), acting_user=self.user, expected_version=self.expected_version()
        )
        return self.nothing()

    def _row(self, slug: str) -> Environment:
        return self.found(Environment.objects.permitted(self.user).select_related("team", "cluster"), slug=slug)
