"""REST: applications of an environment, and what may be asked of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from clusters.actions import applications as actions
from clusters.actions.deploy import deploy, plan_deploy
from clusters.actions.desired_state import set_desired_state
from clusters.actions.uninstall import uninstall
from clusters.api.finding import application_of, environment_of
from clusters.models import Application
from clusters.present import applications as present
from console.kit.api import TRUE_OR_FALSE, Body, Either, Endpoint, OneOf, operation
from operations.doors import StartsWork
from operations.examples import OPERATION, PLAN_OPERATION

if TYPE_CHECKING:
    from operations.models import Operation

EXAMPLE: Any = SimpleLazyObject(present.application_example)
EVENT = {
    "at": "2026-03-02T14:02:03Z",
    "type": "Warning",
    "reason": "Unhealthy",
    "object": "Pod/admin-console-web-7d9c",
    "words": "Readiness probe failed: HTTP probe failed with statuscode: 503",
    "count": 4,
}


class ApplicationBody(Body):
    """A new application; without a slug it gets one from its name."""

    slug = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=30)
    name = serializers.CharField(max_length=200)


class NameBody(Body):
    """Another name."""

    name = serializers.CharField(max_length=200)


class DeploymentBody(Body):
    """What was agreed to, and the plan a run holds to."""

    consents = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=10)
    refresh_images = serializers.BooleanField(required=False)
    plan_id = serializers.CharField(required=False, allow_null=True, max_length=24)


class DesiredStateBody(Body):
    """Whether it shall run."""

    state = serializers.ChoiceField(choices=Application.Desired.values)


class ApplicationList(Endpoint):
    """The applications of an environment."""

    @operation("view_team", _("List the applications of an environment"), listed=True, answers={200: EXAMPLE})
    def get(self, request: Request, environment: str) -> HttpResponse:
        """List them by slug."""
        place = environment_of(self, environment)
        rows = present.with_parts(Application.objects.present().filter(environment=place))
        return self.paginated(
            rows, order=("slug",), present_all=lambda page: present.applications_json(page, self.user)
        )

    @operation(
        "edit_application",
        _("Make an empty application"),
        body=ApplicationBody,
        example={"slug": "admin-console", "name": "Admin console"},
        answers={201: EXAMPLE},
        refuses=("made_not_accepted", "slug_taken", "name_taken"),
    )
    def post(self, request: Request, environment: str) -> HttpResponse:
        """Make it."""
        place = environment_of(self, environment)
        made = actions.add_application(environment=place, acting_user=self.user, **self.body())
        row = application_of(self, environment, made.slug)
        location = f"/api/v1/environments/{environment}/apps/{made.slug}"
        return self.created(present.application_json(row, self.user), location=location, version=row.row_version)


class ApplicationPage(StartsWork):
    """One application."""

    @operation("view_team", _("Show an application"), answers={200: EXAMPLE})
    def get(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Show it."""
        row = application_of(self, environment, app)
        return self.resource(present.application_json(row, self.user), version=row.row_version)

    @operation(
        "edit_application",
        _("Rename an application"),
        body=NameBody,
        partial=True,
        example={"name": "Admin console"},
        answers={200: EXAMPLE},
        refuses=("name_taken", "etag_mismatch"),
        about=_("One from the market is renamed by who may deliver to its environment."),
    )
    def patch(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Rename it."""
        row = application_of(self, environment, app)
        body = self.body()
        if "name" in body:
            actions.rename_application(
                application=row,
                name=body["name"],
                acting_user=self.user,
                expected_version=self.expected_version(),
            )
            row = application_of(self, environment, app)
        return self.resource(present.application_json(row, self.user), version=row.row_version)

    @operation(
        "edit_application",
        _("Uninstall an application"),
        query={
            "volumes": OneOf(_("`keep` (if not given) or `delete`: what becomes of its volumes"), ("keep", "delete")),
            "confirm_name": _("Its slug, typed once more: needed to delete volumes"),
        },
        answers={202: OPERATION, 204: None},
        refuses=("confirmation_required", "operation_in_progress", "environment_not_ready", "cluster_unreachable"),
        about=_(
            "One from the market is uninstalled by who may deliver to its environment. 204 if nothing was deployed."
        ),
    )
    def delete(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Uninstall it."""
        asked = self.query("volumes", "confirm_name")
        started = uninstall(
            application=application_of(self, environment, app),
            delete_volumes=asked["volumes"] == "delete",
            confirm_name=asked["confirm_name"],
            acting_user=self.user,
        )
        return self.nothing() if started is None else self.accepted(started)


class Deployments(StartsWork):
    """Deploys of an application made by hand."""

    @operation(
        "edit_application",
        _("Deploy the draft of an application"),
        body=DeploymentBody,
        example={"consents": []},
        query={"dry_run": OneOf(_("`true`: make a plan of it, and change nothing"), TRUE_OR_FALSE)},
        answers={202: Either((OPERATION, PLAN_OPERATION))},
        starts_work=True,
        refuses=(
            "nothing_changed",
            "market_application",
            "made_not_accepted",
            "environment_not_ready",
            "cluster_unreachable",
            "operation_in_progress",
            "confirmation_required",
            "plan_stale",
        ),
        about=_("`refresh_images` deploys an unchanged draft too: its tags are looked up anew."),
    )
    def post(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Start it, or its plan."""
        row = application_of(self, environment, app)
        body = self.body()
        dry_run = self.query("dry_run")["dry_run"] == "true"

        def begin() -> Operation:
            if dry_run:
                return plan_deploy(application=row, acting_user=self.user)
            return deploy(application=row, acting_user=self.user, **body)

        return self.start(begin)


class DesiredState(StartsWork):
    """Whether an application shall run."""

    @operation(
        "operate_application",
        _("Start or stop an application"),
        body=DesiredStateBody,
        example={"state": "stopped"},
        answers={202: OPERATION},
        refuses=(
            "nothing_deployed",
            "nothing_changed",
            "environment_not_ready",
            "cluster_unreachable",
            "operation_in_progress",
        ),
    )
    def put(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Start or stop it."""
        row = application_of(self, environment, app)
        return self.accepted(set_desired_state(application=row, acting_user=self.user, **self.body()))


class ApplicationEvents(Endpoint):
    """What the cluster says about an application."""

    @operation(
        "view_team",
        _("List what the cluster warns of, newest first"),
        answers={200: {"items": [EVENT], "next": None, "previous": None}},
        about=_("The last 50, as last seen; the cluster forgets them after an hour."),
    )
    def get(self, request: Request, environment: str, app: str) -> HttpResponse:
        """List them."""
        status = getattr(application_of(self, environment, app), "status", None)
        return self.answer({"items": list(status.events) if status else [], "next": None, "previous": None})
