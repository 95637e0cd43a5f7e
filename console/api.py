"""The REST API: every app's addresses under /api/v1, its OpenAPI document, and the documentation's pages."""

from __future__ import annotations

import functools
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, re_path
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from clusters import api_urls as clusters
from console.kit import messages
from console.kit.api import ANYONE, Endpoint, MapOf, operation
from console.kit.api.answers import encode
from console.kit.api.problems import not_found
from console.kit.api.schema import problem_schema
from console.kit.codes import CODES
from console.kit.errors import STATUS
from marketplace import api_urls as marketplace
from operations import urls as operations
from teams import api_urls as teams

BASE = "api/v1/"
OPENAPI = "application/vnd.oai.openapi+json"
# From the top of the house down: an upper app may take over an address of a lower one (a team is made with its
# environment), so the first that names an address has it. Beside each, what its addresses lack of the whole path.
MODULES = ((marketplace, BASE), (clusters, BASE), (operations, ""), (teams, BASE))


_PLACE = re.compile(r"%\((\w+)\)s")


class OpenApi(Endpoint):
    """The description of this API."""

    @operation(ANYONE, _("Describe this API"), answers={200: MapOf()}, media=OPENAPI)
    def get(self, request: Request) -> HttpResponse:
        """Give the OpenAPI 3.1 document."""
        return HttpResponse(_bytes(get_language() or "en"), content_type=OPENAPI)


@functools.cache
def _bytes(language: str) -> bytes:
    """The document's bytes; it says the same to everyone who reads `language`, as long as the process runs."""
    return encode(document())


def document() -> dict[str, Any]:
    """Make the OpenAPI document of every address under /api/v1, in the active language."""
    found: dict[str, Any] = SchemaGenerator(patterns=api_patterns()).get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    found["components"]["schemas"]["Problem"] = problem_schema()
    return found


def api_patterns() -> list[URLPattern | URLResolver]:
    """Give every address of the API once, with its whole path."""
    found: dict[str, URLPattern] = {
        f"{BASE}openapi.json": path(f"{BASE}openapi.json", OpenApi.as_view(), name="openapi")
    }
    for module, prefix in MODULES:
        for pattern in module.urlpatterns:
            route = f"{prefix}{pattern.pattern}"
            if isinstance(pattern, URLPattern) and route.startswith(BASE):
                found.setdefault(route, path(route, pattern.callback, name=pattern.name))
    return list(found.values())


class Docs(SpectacularSwaggerSplitView):
    """The documentation's viewer; its script is a request of its own, so that no inline code is needed."""

    url = "/api/v1/openapi.json"
    schema = None  # it describes the API and is no part of it
    title = "Waybill API"
    authentication_classes = ()  # open to everyone, whatever they send along
    template_name = "api/docs.html"  # ours: the packaged one brings inline styles


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a problem's type means: the page its address leads to."""
    known = CODES.get(code)
    if known is None:
        return not_found(request)
    statuses = sorted({STATUS[family] for family in known.families})
    sentence = messages.sentences()[code]
    title, detail = (_PLACE.sub(r"{\1}", str(part)).replace("%%", "%") for part in sentence)
    context = {"code": code, "statuses": statuses, "params": known.params, "title": title, "detail": detail}
    return render(request, "api/problem.html", context)


urlpatterns: list[URLPattern | URLResolver] = [
    *api_patterns(),
    path("api/docs", Docs.as_view(), name="api_docs"),
    path("api/docs/problems/<slug:code>", problem_page, name="api_problem"),
    # No address, no session, nothing to protect: a POST to a wrong address is told so, and not of a missing CSRF token.
    re_path(r"^api/", csrf_exempt(not_found)),
]
