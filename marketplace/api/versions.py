"""REST: the versions of a template, their documents and their marks."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Body, Endpoint, operation
from console.kit.errors import Invalid, NotFound
from marketplace import versioning
from marketplace.actions.mark import Place, mark_version
from marketplace.api.examples import DOCUMENT, MARK, PLACE, VERSION
from marketplace.models import Template, Version
from marketplace.present.market import mark_json, market, versions_json, versions_of


class PlaceBody(Body):
    """Where a version was verified."""

    environment = serializers.CharField(max_length=30)
    app = serializers.CharField(max_length=30)
    revision = serializers.IntegerField(min_value=1)


class MarkBody(Body):
    """A mark, why, and where the version was verified (null: the newest place known)."""

    mark = serializers.ChoiceField(choices=Version.Mark.values)
    reason = serializers.CharField(max_length=10_000, required=False, allow_null=True, allow_blank=True)
    verified_on = PlaceBody(required=False, allow_null=True)


def _template(door: Endpoint, slug: str) -> Template:
    return door.found(market(door.user), slug=slug)


def _version(door: Endpoint, slug: str, number: str) -> Version:
    """Find a version by its number; `2`, `2.0` and `2.0.0` are the same one."""
    try:
        key = versioning.read(number).sort_key
    except Invalid as error:
        raise NotFound() from error
    return door.found(versions_of(_template(door, slug)), sort_key=key)


class Versions(Endpoint):
    """The versions of a template."""

    @operation(SIGNED_IN, _("List a template's versions, newest first"), listed=True, answers={200: VERSION})
    def get(self, request: Request, template: str) -> HttpResponse:
        """List those that are published."""
        rows = versions_of(_template(self, template))
        return self.paginated(rows, order=("-sort_key",), present_all=lambda page: versions_json(page, self.user))


class VersionPage(Endpoint):
    """One version."""

    @operation(SIGNED_IN, _("Show a version"), answers={200: VERSION})
    def get(self, request: Request, template: str, number: str) -> HttpResponse:
        """Show it."""
        row = _version(self, template, number)
        return self.resource(versions_json([row], self.user)[0], version=row.row_version)


class VersionDocument(Endpoint):
    """What a version is made of."""

    @operation(SIGNED_IN, _("Read a version's document; it never changes"), answers={200: DOCUMENT})
    def get(self, request: Request, template: str, number: str) -> HttpResponse:
        """Give the document."""
        return self.resource(_version(self, template, number).document, version=1)


class VersionMark(Endpoint):
    """The mark of a version."""

    @operation(
        "mark_version",
        _("Mark a version Release, or take the mark back"),
        body=MarkBody,
        example={"mark": "release", "reason": "412/412, OPS-77", "verified_on": PLACE},
        answers={200: VERSION},
        refuses=("role_required", "version_not_published", "nothing_changed", "unknown_revision"),
    )
    def put(self, request: Request, template: str, number: str) -> HttpResponse:
        """Set it."""
        row = _version(self, template, number)
        body = self.body()
        place = body.get("verified_on")
        mark_version(
            acting_user=self.user,
            version=row,
            mark=body["mark"],
            reason=body.get("reason"),
            verified_on=Place(**place) if place else None,
        )
        changed = _version(self, template, number)
        return self.resource(versions_json([changed], self.user)[0], version=changed.row_version)


class VersionMarks(Endpoint):
    """The history of a version's mark."""

    @operation(SIGNED_IN, _("List every mark a version was given, newest first"), listed=True, answers={200: MARK})
    def get(self, request: Request, template: str, number: str) -> HttpResponse:
        """List them."""
        rows = _version(self, template, number).mark_events.select_related(
            "by", "verified_on__application__environment"
        )
        return self.paginated(rows, order=("-at", "-id"), present=mark_json)
