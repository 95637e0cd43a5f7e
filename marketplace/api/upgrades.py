"""REST: upgrading installed applications."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from clusters.models import Application
from console.kit.api import Body, Either, Endpoint, operation
from marketplace.actions.delivering import CONSENTS
from marketplace.actions.upgrade import Change, plan_upgrade, upgrade
from marketplace.api.dry_run import DRY_RUN, wants_plan
from marketplace.api.examples import UPGRADE
from operations.doors import StartsWork
from operations.examples import OPERATION, PLAN_OPERATION


class UpgradeBody(Body):
    """The version, and what changes of the values of this environment."""

    version = serializers.CharField(max_length=60, required=False, allow_null=True)
    values = serializers.DictField(required=False)
    reset = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=500)
    consents = serializers.ListField(child=serializers.ChoiceField(choices=CONSENTS), required=False)
    plan_id = serializers.CharField(max_length=40, required=False, allow_null=True)


def found_application(door: Endpoint, environment: str, app: str) -> Application:
    """Find an application the person sees, or raise NotFound."""
    rows = Application.objects.permitted(door.user).select_related("environment__team", "environment__cluster")
    return door.found(rows, environment__slug=environment, slug=app)


class Upgrades(StartsWork):
    """Upgrading an installed application."""

    @operation(
        "deliver_test",
        _("Upgrade an application to another version, or change its values"),
        body=UpgradeBody,
        example=UPGRADE,
        query=DRY_RUN,
        answers={202: Either((OPERATION, PLAN_OPERATION))},
        starts_work=True,
        refuses=(
            *("version_not_accepted", "version_not_published", "environment_not_ready", "cluster_unreachable"),
            *("application_stopped", "operation_in_progress", "nothing_changed", "confirmation_required", "plan_stale"),
        ),
        about=_("In an environment of stage production the right deliver_production is needed."),
    )
    def post(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Start it."""
        application = found_application(self, environment, app)
        change = Change(**self.body())
        act = plan_upgrade if wants_plan(self) else upgrade
        return self.start(lambda: act(acting_user=self.user, application=application, change=change))
