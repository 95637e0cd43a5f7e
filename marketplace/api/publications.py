"""REST: publishing an application."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from clusters.models import Application
from console.kit.api import Body, Endpoint, operation
from marketplace.actions.confirm import confirm
from marketplace.actions.publish import TemplateWish, VersionWish, give_up, publish
from marketplace.api.examples import PUBLICATION, PUBLISH, VERSION
from marketplace.models import Publication, Template
from marketplace.present.market import versions_json, versions_of
from marketplace.present.publication import publication_json
from operations.doors import StartsWork
from operations.examples import OPERATION
from operations.models import Operation

RIGHT = "publish_application"


class TemplateBody(Body):
    """The template of a version: the slug of one that exists, or a new one, which has a name."""

    slug = serializers.CharField(max_length=30, required=False)
    name = serializers.CharField(max_length=200, required=False)
    scope = serializers.ChoiceField(choices=Template.Scope.values, required=False)
    intro = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=100), required=False)


class PublishBody(Body):
    """What to publish, under which number, and what installers may set."""

    template = TemplateBody()
    number = serializers.CharField(max_length=60)
    alias = serializers.CharField(max_length=200, required=False, allow_null=True)
    notes = serializers.CharField(max_length=100_000, required=False, allow_null=True, allow_blank=True)
    components = serializers.ListField(child=serializers.CharField(max_length=60), required=False, allow_null=True)
    parameters = serializers.ListField(child=serializers.JSONField(), required=False)
    confirm_by_itself = serializers.BooleanField(required=False, default=False)


class NoBody(Body):
    """A body without fields."""


def _application(door: Endpoint, environment: str, app: str) -> Application:
    rows = Application.objects.permitted(door.user).select_related("environment__team__enterprise")
    return door.found(rows, environment__slug=environment, slug=app)


def _publications(door: Endpoint, environment: str, app: str) -> QuerySet[Publication]:
    application = _application(door, environment, app)
    related = ("application__environment__team__enterprise", "revision", "operation", "version")
    return Publication.objects.filter(application=application).select_related(*related).prefetch_related("images")


class Publications(StartsWork):
    """The publications of an application."""

    @operation(
        RIGHT,
        _("Publish an application: copy its images by digest and make a version"),
        body=PublishBody,
        example=PUBLISH,
        answers={202: OPERATION},
        starts_work=True,
        refuses=("number_taken", "slug_taken", "name_taken", "nothing_deployed", "registry_not_set"),
    )
    def post(self, request: Request, environment: str, app: str) -> HttpResponse:
        """Start it; the publication's address is the operation's subject."""
        application = _application(self, environment, app)
        self.require(application.environment.team)
        body = self.body()
        template = TemplateWish(**body.pop("template"))
        by_itself = body.pop("confirm_by_itself")

        def start() -> Operation:
            publication = publish(
                acting_user=self.user,
                application=application,
                template=template,
                version=VersionWish(**body),
                confirm_by_itself=by_itself,
            )
            return publication.operation

        return self.start(start)


class PublicationPage(Endpoint):
    """One publication."""

    @operation("view_team", _("Show a publication, image by image"), answers={200: PUBLICATION})
    def get(self, request: Request, environment: str, app: str, number: int) -> HttpResponse:
        """Show it."""
        row = self.found(_publications(self, environment, app), number=number)
        return self.resource(publication_json(row), version=row.row_version)

    @operation(
        RIGHT,
        _("Give a publication up; nothing of it stays visible"),
        answers={204: None},
        refuses=("publication_not_ready", "not_cancellable"),
    )
    def delete(self, request: Request, environment: str, app: str, number: int) -> HttpResponse:
        """Give it up."""
        row = self.found(_publications(self, environment, app), number=number)
        give_up(acting_user=self.user, publication=row)
        return self.nothing()


class PublicationConfirmation(Endpoint):
    """The confirmation of a publication."""

    @operation(
        RIGHT,
        _("Confirm a publication: its version can be installed from now on"),
        body=NoBody,
        example={},
        answers={200: VERSION},
        refuses=("publication_not_ready",),
    )
    def put(self, request: Request, environment: str, app: str, number: int) -> HttpResponse:
        """Confirm it."""
        self.body()
        row = self.found(_publications(self, environment, app), number=number)
        version = confirm(acting_user=self.user, publication=row)
        shown: list[dict[str, Any]] = versions_json(
            list(versions_of(version.template).filter(pk=version.pk)), self.user
        )
        return self.answer(shown[0])
