"""REST: rolling applications back."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from console.kit.api import Body, Either, operation
from marketplace.actions.delivering import CONSENTS
from marketplace.actions.rollback import Return, plan_rollback, roll_back
from marketplace.api.dry_run import DRY_RUN, wants_plan
from marketplace.api.examples import ROLLBACK
from marketplace.api.upgrades import found_application
from operations.doors import StartsWork
from operations.examples import OPERATION, PLAN_OPERATION


class RollbackBody(Body):
    """Where to go back to: the number of a revision that was deployed once; without it the one before."""

    revision = serializers.IntegerField(min_value=1, max_value=10**9, required=False, allow_null=True)
    consents = serializers.ListField(child=serializers.ChoiceField(choices=CONSENTS), required=False)
    confirm_name = serializers.CharField(max_length=60, required=False, allow_null=True)
    plan_id = serializers.CharField(max_length=40, required=False, allow_null=True)


class Rollbacks(StartsWork):
    """Rolling an application back."""

    @operation(
        "deliver_test",
        _("Roll an application back to an earlier revision"),
        body=RollbackBody,
        example=ROLLBACK,
        query=DRY_RUN,
        answers={202: Either((OPERATION, PLAN_OPERATION))},
        starts_work=True,
        refuses=(
            *("nothing_deployed", "nothing_changed", "application_stopped", "environment_not_ready"),
            *("cluster_unreachable", "operation_in_progress", "confirmation_required", "plan_stale"),
        ),
        about=_("In an environment of stage production the right deliver_production is needed."),
    )
    def post(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Start it."""
        application = found_application(self, environment, app)
        wish = Return(**self.body())
        act = plan_rollback if wants_plan(self) else roll_back
        return self.start(lambda: act(acting_user=self.user, application=application, wish=wish))
