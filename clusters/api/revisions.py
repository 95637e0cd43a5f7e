"""REST: the revisions of an application, which are its records."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from clusters.api.finding import application_of, revision_of
from clusters.models import Revision
from clusters.present import revisions as present
from console.kit.api import Endpoint, operation
from console.kit.errors import FieldError, Invalid


class RevisionList(Endpoint):
    """The revisions of an application."""

    @operation("view_team", _("List revisions, newest first"), listed=True, answers={200: present.EXAMPLE})
    def get(self, request: Request, environment: str, app: str) -> HttpResponse:
        """List them."""
        rows = Revision.objects.filter(application=application_of(self, environment, app))
        return self.paginated(present.with_parts(rows), order=("-number",), present=present.revision_json)


class RevisionPage(Endpoint):
    """One revision."""

    @operation("view_team", _("Show a revision"), answers={200: present.WHOLE_EXAMPLE})
    def get(self, request: Request, environment: str, app: str, number: int) -> HttpResponse:
        """Show it with its components and objects."""
        row = revision_of(self, environment, app, number)
        return self.resource(present.revision_whole_json(row), version=row.row_version)


class RevisionManifests(Endpoint):
    """The manifests of a revision."""

    @operation(
        "view_team",
        _("Show the manifests a revision has recorded"),
        answers={200: {"items": [present.MANIFEST_EXAMPLE], "next": None, "previous": None}},
        about=_("In the order in which they are sent; of Secrets only fingerprints."),
    )
    def get(self, request: Request, environment: str, app: str, number: int) -> HttpResponse:
        """Show them."""
        row = revision_of(self, environment, app, number)
        return self.answer({"items": present.manifests_json(row), "next": None, "previous": None})


class RevisionDifferences(Endpoint):
    """What a revision changes."""

    @operation(
        "view_team",
        _("Compare a revision with another"),
        query={"from": _("The number of the other revision; if not given, the one it was based on")},
        answers={200: present.DIFFERENCES_EXAMPLE},
        refuses=("unknown_revision",),
    )
    def get(self, request: Request, environment: str, app: str, number: int) -> HttpResponse:
        """Compare them."""
        row = revision_of(self, environment, app, number)
        return self.answer(present.differences_json(row.application, row, self._former(row)))

    def _former(self, row: Revision) -> Revision | None:
        asked = self.query("from")["from"]
        if asked is None:
            return row.based_on
        known = asked.isascii() and asked.isdigit() and len(asked) < 10
        former = Revision.objects.filter(application=row.application, number=int(asked)).first() if known else None
        if former is None:
            raise Invalid("invalid", errors=[FieldError("?from", "unknown_revision", {"revision": asked})])
        return former
