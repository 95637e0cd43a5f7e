"""REST: installing versions."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Body, Either, operation
from marketplace.actions.delivering import CONSENTS
from marketplace.actions.install import Order, install, plan_install
from marketplace.api.dry_run import DRY_RUN, wants_plan
from marketplace.api.examples import INSTALL
from operations.doors import StartsWork
from operations.examples import OPERATION, PLAN_OPERATION


class AppBody(Body):
    """What the new application is called; both default to the template's."""

    slug = serializers.CharField(max_length=60, required=False, allow_null=True)
    name = serializers.CharField(max_length=200, required=False, allow_null=True)


class InstallBody(Body):
    """What to install, where, with which values."""

    template = serializers.CharField(max_length=60)
    version = serializers.CharField(max_length=60, required=False, allow_null=True)
    environments = serializers.ListField(child=serializers.CharField(max_length=60))
    app = AppBody(required=False, allow_null=True)
    values = serializers.DictField(required=False)
    values_by_environment = serializers.DictField(child=serializers.DictField(), required=False)
    plan_id = serializers.CharField(max_length=40, required=False, allow_null=True)
    consents = serializers.ListField(child=serializers.ChoiceField(choices=CONSENTS), required=False)


class Installations(StartsWork):
    """Installing a version."""

    @operation(
        SIGNED_IN,
        _("Install a version into one environment or several"),
        body=InstallBody,
        example=INSTALL,
        query=DRY_RUN,
        answers={202: Either((OPERATION, PLAN_OPERATION))},
        starts_work=True,
        refuses=(
            *("version_not_accepted", "version_not_published", "environment_not_ready", "cluster_unreachable"),
            *("slug_taken", "confirmation_required", "plan_stale"),
        ),
        about=_("Needs the right to deliver in each environment. All are accepted or none."),
    )
    def post(self, request: Request) -> HttpResponse:
        """Start it: an operation for one environment, a batch for several."""
        order = _order(self.body())
        act = plan_install if wants_plan(self) else install
        return self.start(lambda: act(acting_user=self.user, order=order))


def _order(body: dict[str, Any]) -> Order:
    app: dict[str, Any] = body.pop("app", None) or {}
    return Order(**body, slug=app.get("slug") or None, name=app.get("name") or None)
