"""REST: the enterprise's image registry."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from console.kit.api import Body, Endpoint, SecretField, operation
from console.kit.errors import FieldError, Invalid
from marketplace.actions.registry import Saved, Settings, save_tested, save_untested, test_registry
from marketplace.api.examples import REGISTRY, SAVED, SETTINGS
from marketplace.models import ImageRegistry
from marketplace.present.registry import registry_json
from operations.doors import StartsWork
from operations.examples import OPERATION

RIGHT = "manage_registry"


class SettingsBody(Body):
    """Settings of a registry. A password left out is the saved one, as long as address and user are the saved ones."""

    address = serializers.CharField(max_length=253)
    prefix = serializers.CharField(max_length=128, required=False, allow_blank=True, default="")
    user = serializers.CharField(max_length=200)
    password = SecretField(required=False, allow_null=True)
    pull_user = serializers.CharField(max_length=200, required=False, allow_null=True)
    pull_password = SecretField(required=False, allow_null=True)
    ca_pem = serializers.CharField(max_length=65536, required=False, allow_null=True, trim_whitespace=False)
    plain_http = serializers.BooleanField(required=False, default=False)


class SaveBody(SettingsBody):
    """Either the name of a test that succeeded, or settings and the word that they are saved untested."""

    address = serializers.CharField(max_length=253, required=False)
    user = serializers.CharField(max_length=200, required=False)
    test = serializers.CharField(max_length=30, required=False)
    save_untested = serializers.BooleanField(required=False)


class RegistryTests(StartsWork):
    """Trials of settings that are not saved."""

    @operation(
        RIGHT,
        _("Test settings of the image registry: sign in, push, and pull from every cluster"),
        body=SettingsBody,
        example=SETTINGS,
        answers={202: OPERATION},
        starts_work=True,
        refuses=("reference_not_valid", "required", "malformed"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Start the test."""
        body = self.body()
        return self.start(lambda: test_registry(acting_user=self.user, settings=Settings(**body)))


class RegistrySettings(Endpoint):
    """The registry in use."""

    @operation(RIGHT, _("Show the image registry"), answers={200: REGISTRY}, refuses=("not_found",))
    def get(self, request: Request) -> HttpResponse:
        """Show it; not found while none is set."""
        rows = ImageRegistry.objects.select_related("test__initiator", "enterprise")
        row = self.found(rows, enterprise=self.user.enterprise_id, state=ImageRegistry.State.CURRENT)
        return self.resource(registry_json(row), version=row.row_version)

    @operation(
        RIGHT,
        _("Set the image registry, and give every environment its pull secret"),
        body=SaveBody,
        example={"test": "op-31"},
        answers={200: SAVED},
        refuses=("check_failed", "check_expired", "settings_untested", "etag_mismatch"),
    )
    def put(self, request: Request) -> HttpResponse:
        """Save tested settings, or untested ones with the explicit word."""
        saved = self._save(self.body())
        name = saved.operation.name if saved.operation else None
        data = {**registry_json(saved.registry), "operation": name}
        return self.resource(data, version=saved.registry.row_version)

    def _save(self, body: dict[str, Any]) -> Saved:
        expected = self.expected_version()
        test, agreed = body.pop("test", None), body.pop("save_untested", False)
        if test is not None:
            sent = [name for name in body if name not in {"prefix", "plain_http"} or body[name]]
            if sent:
                raise Invalid("invalid", errors=[FieldError(f"/{name}", "not_allowed") for name in sent])
            return save_tested(acting_user=self.user, test=test, expected_version=expected)
        missing = [FieldError(f"/{name}", "required") for name in ("address", "user") if not body.get(name)]
        if missing:
            raise Invalid("invalid", errors=missing)
        return save_untested(acting_user=self.user, settings=Settings(**body), agreed=agreed, expected_version=expected)
