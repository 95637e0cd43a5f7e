"""REST: the components of an application's draft."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from clusters.actions import components as actions
from clusters.api.finding import application_of, component_of
from clusters.models import Component
from clusters.present.components import EXAMPLE, component_json
from clusters.spec import shape
from console.kit.api import Body, Endpoint, SecretField, bodies, operation

BODY_EXAMPLE = {
    "key": "web",
    "name": "Pages",
    "image": {"reference": "registry.example.com/dev/web:2.0", "from": "registry", "user": None, "password": None},
    "args": ["web"],
    "replicas": {"default": 2, "max": 5},
    "ports": [{"name": "http", "number": 8080, "outside": "node_port"}],
    "variables": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "API_KEY", "secret": True, "value": "k3y"}],
    "probes": {"readiness": {"kind": "http", "port": "http", "path": "/health", "period": 2}},
    "run_as": {"user": 10001},
    "depends_on": ["api"],
}
_REFUSES = ("market_application", "unknown_field", "invalid")


class _Part(Body):
    """A component or a part of one: null stands for absent, as the check reads it."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Let what may be absent be null."""
        fields = super().get_fields()
        for field in fields.values():
            field.allow_null = not field.required
        return fields


class ImageBody(_Part):
    """Where the image comes from: a registry, or the Docker engine of the console, where one is set. Without a password
    the one already kept stays."""

    reference = serializers.CharField(max_length=512)
    user = serializers.CharField(required=False, allow_blank=True, max_length=255)
    password = SecretField(required=False, allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the field whose name is a word of Python's own."""
        origin = serializers.ChoiceField(choices=shape.IMAGE_FROM, required=False, allow_null=True)
        return {**super().get_fields(), "from": origin}


class ReplicasBody(_Part):
    """How many pods, and between which bounds an installer may choose."""

    default = serializers.IntegerField(required=False, min_value=1, max_value=shape.MAX_REPLICAS)
    min = serializers.IntegerField(required=False, min_value=1, max_value=shape.MAX_REPLICAS)
    max = serializers.IntegerField(required=False, min_value=1, max_value=shape.MAX_REPLICAS)
    step = serializers.IntegerField(required=False, min_value=1, max_value=shape.MAX_REPLICAS)


class AmountsBody(_Part):
    """Kubernetes quantities."""

    cpu = serializers.CharField(required=False, max_length=32)
    memory = serializers.CharField(required=False, max_length=32)


class ResourcesBody(_Part):
    """What a container is promised, and what it may not exceed."""

    requests = AmountsBody(required=False)
    limits = AmountsBody(required=False)


class PortBody(_Part):
    """A port."""

    name = serializers.CharField(required=False, max_length=15)
    number = serializers.IntegerField(min_value=1, max_value=65535)
    protocol = serializers.ChoiceField(choices=shape.PROTOCOLS, required=False)
    alias = serializers.CharField(required=False, max_length=64)
    inside = serializers.BooleanField(required=False)
    outside = serializers.ChoiceField(choices=shape.OUTSIDE, required=False)
    host = serializers.CharField(required=False, max_length=253)
    path = serializers.CharField(required=False, max_length=255)


class GenerateBody(_Part):
    """How a secret is made when nobody gives one."""

    length = serializers.IntegerField(required=False, min_value=8, max_value=128)
    alphabet = serializers.ChoiceField(choices=shape.ALPHABETS, required=False)


class VariableBody(_Part):
    """A variable. The value of a secret one is never shown again; null keeps it, an empty text takes it away."""

    name = serializers.CharField(max_length=64)
    value = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    secret = serializers.BooleanField(required=False)
    offered = serializers.BooleanField(required=False)
    generate = GenerateBody(required=False)


class FileBody(_Part):
    """A configuration file; `${NAME}` is replaced, `$${` stands for `${`."""

    path = serializers.CharField(max_length=1024)
    mode = serializers.CharField(required=False, max_length=4)
    content = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)


class VolumeBody(_Part):
    """A volume that outlives its pods."""

    name = serializers.CharField(max_length=15)
    path = serializers.CharField(max_length=1024)
    kind = serializers.ChoiceField(choices=["persistent"], required=False)
    size = serializers.CharField(required=False, max_length=32)
    storage_class = serializers.CharField(required=False, max_length=253)
    access = serializers.ChoiceField(choices=shape.ACCESS_MODES, required=False)


class ProbeBody(_Part):
    """A check the node makes; `port` and `path` for http, `port` for tcp, `command` for command. Times in seconds."""

    kind = serializers.ChoiceField(choices=shape.PROBE_KINDS)
    port = serializers.CharField(required=False, max_length=15)
    path = serializers.CharField(required=False, max_length=1024)
    command = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    initial_delay = serializers.IntegerField(required=False, min_value=0, max_value=3600)
    period = serializers.IntegerField(required=False, min_value=1, max_value=3600)
    timeout = serializers.IntegerField(required=False, min_value=1, max_value=600)
    failures = serializers.IntegerField(required=False, min_value=1, max_value=100)


class ProbesBody(_Part):
    """The probes."""

    startup = ProbeBody(required=False)
    readiness = ProbeBody(required=False)
    liveness = ProbeBody(required=False)


class RunAsBody(_Part):
    """The ids a container runs with; never root."""

    user = serializers.IntegerField(min_value=1)
    group = serializers.IntegerField(required=False, min_value=0)


class ComponentBody(_Part):
    """A component. This says the types; bounds, names and references are checked together, all at once."""

    key = serializers.CharField(required=False, allow_blank=True, max_length=20)
    name = serializers.CharField(required=False, max_length=200)
    kind = serializers.ChoiceField(choices=shape.KINDS, required=False)
    image = ImageBody()
    command = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    args = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    replicas = ReplicasBody(required=False)
    resources = ResourcesBody(required=False)
    ports = PortBody(many=True, required=False)
    variables = VariableBody(many=True, required=False)
    files = FileBody(many=True, required=False)
    volumes = VolumeBody(many=True, required=False)
    probes = ProbesBody(required=False)
    run_as = RunAsBody(required=False)
    depends_on = serializers.ListField(child=serializers.CharField(max_length=20), required=False)
    start_timeout = serializers.IntegerField(required=False, min_value=10, max_value=3600)
    secrets_set = serializers.JSONField(required=False, help_text="Part of answers; means nothing when sent back.")


class _Draft(Endpoint):
    """Bodies of components are read as they were sent: their check names every problem at once, in one order."""

    def sent(self) -> Any:
        """Give the JSON body."""
        return bodies.read(self.request._request)


class ComponentList(_Draft):
    """The components of a draft."""

    @operation("view_team", _("List the components of a draft"), listed=True, answers={200: EXAMPLE})
    def get(self, request: Request, environment: str, app: str) -> HttpResponse:
        """List them in their order."""
        rows = Component.objects.filter(application=application_of(self, environment, app))
        return self.paginated(rows, order=("position", "key"), present=component_json)

    @operation(
        "edit_application",
        _("Add a component to the draft"),
        body=ComponentBody,
        example=BODY_EXAMPLE,
        answers={201: EXAMPLE},
        refuses=_REFUSES,
        about=_(
            "Nothing runs until the application is deployed. Without a key it gets one from its name. An image “from” "
            "“docker” is taken from the Docker engine of the console's settings when it is deployed, and needs an "
            "image registry to be set by then."
        ),
    )
    def post(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Add it."""
        row = application_of(self, environment, app)
        made = actions.add_component(application=row, data=self.sent(), acting_user=self.user)
        location = f"/api/v1/environments/{environment}/apps/{app}/components/{made.key}"
        return self.created(component_json(made), location=location, version=made.row_version)


class ComponentPage(_Draft):
    """One component of a draft."""

    @operation("view_team", _("Show a component of the draft"), answers={200: EXAMPLE})
    def get(self, request: Request, environment: str, app: str, key: str) -> HttpResponse:
        """Show it."""
        row = component_of(self, environment, app, key)
        return self.resource(component_json(row), version=row.row_version)

    @operation(
        "edit_application",
        _("Replace a component of the draft"),
        body=ComponentBody,
        example=BODY_EXAMPLE,
        answers={200: EXAMPLE},
        refuses=(*_REFUSES, "etag_mismatch"),
        about=_("What is absent gets its default; secret values that are absent or null stay as they are."),
    )
    def put(self, request: Request, environment: str, app: str, key: str) -> HttpResponse:
        """Replace it."""
        changed = actions.change_component(
            component=component_of(self, environment, app, key),
            data=self.sent(),
            acting_user=self.user,
            expected_version=self.expected_version(),
        )
        return self.resource(component_json(changed), version=changed.row_version)

    @operation(
        "edit_application",
        _("Delete a component of the draft"),
        answers={204: None},
        refuses=("market_application", "in_use", "etag_mismatch"),
        about=_("It runs on until the draft is deployed."),
    )
    def delete(self, request: Request, environment: str, app: str, key: str) -> HttpResponse:
        """Delete it."""
        actions.delete_component(
            component=component_of(self, environment, app, key),
            acting_user=self.user,
            expected_version=self.expected_version(),
        )
        return self.nothing()
