"""REST: the templates of the market."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Body, Endpoint, OneOf, operation
from marketplace.actions.templates import change_template
from marketplace.api.examples import TEMPLATE
from marketplace.models import Template, Version
from marketplace.present.market import market, searched, templates_json


class TemplateChangeBody(Body):
    """What may be changed of a template: all by market admins, intro and tags by the team that owns it."""

    name = serializers.CharField(max_length=200, required=False)
    scope = serializers.ChoiceField(choices=Template.Scope.values, required=False)
    intro = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=100), required=False)


class Templates(Endpoint):
    """The market."""

    @operation(
        SIGNED_IN,
        _("List the templates of the market"),
        listed=True,
        query={
            "q": _("Part of a name, slug or intro, or a whole tag"),
            "scope": OneOf(_("`team` or `enterprise`"), tuple(Template.Scope.values)),
            "mark": OneOf(
                _("`release`: only those with a Release version; `test`: with one that is still Test"),
                tuple(Version.Mark.values),
            ),
        },
        answers={200: TEMPLATE},
    )
    def get(self, request: Request) -> HttpResponse:
        """List what one may see."""
        wanted = self.query("q", "scope", "mark")
        rows = searched(market(self.user), wanted["q"], wanted["scope"], wanted["mark"])
        return self.paginated(rows, order=("slug",), present_all=lambda page: templates_json(page, self.user))


class TemplatePage(Endpoint):
    """One template."""

    @operation(SIGNED_IN, _("Show a template"), answers={200: TEMPLATE})
    def get(self, request: Request, template: str) -> HttpResponse:
        """Show it."""
        row = self.found(market(self.user), slug=template)
        return self.resource(templates_json([row], self.user)[0], version=row.row_version)

    @operation(
        "publish_application",
        _("Change a template's texts; name and scope need a market admin"),
        body=TemplateChangeBody,
        partial=True,
        example={"intro": "Admin back office", "tags": ["Java"]},
        answers={200: TEMPLATE},
        refuses=("role_required", "name_taken", "etag_mismatch"),
    )
    def patch(self, request: Request, template: str) -> HttpResponse:
        """Change it."""
        row = self.found(market(self.user), slug=template)
        change_template(acting_user=self.user, template=row, expected_version=self.expected_version(), **self.body())
        changed = self.found(market(self.user), pk=row.pk)
        return self.resource(templates_json([changed], self.user)[0], version=changed.row_version)
