"""Two versions of a template side by side: what differs, component by component, and in what an installer may set."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from clusters.diff.components import component_changes
from clusters.spec.shape import Component
from console.kit.pages import SignedIn, page
from marketplace.models import Template, Version
from marketplace.pages.diff import diff_shown
from marketplace.pages.finding import template_of, version_of
from marketplace.pages.market import why_no_delivery
from marketplace.pages.versions import Choice, choices


@require_GET
@page
def template_compare(request: SignedIn, template: str) -> HttpResponse:
    """Compare the versions that `from` and `to` name; without them the newest one with the one before it."""
    row = template_of(request, template)
    found = choices(row)
    newer, older = _pair(row, found, request.GET.get("from", ""), request.GET.get("to", ""))
    context = {
        "template": row,
        "tab": "versions",
        "count": len(found),
        "why_install": why_no_delivery(request.user),
        "versions": found,
        "older": older,
        "newer": newer,
        "diff": _differences(older, newer),
        "offers": _offers(older, newer),
    }
    return render(request, "marketplace/compare.html", context)


def _pair(row: Template, found: list[Choice], older: str, newer: str) -> tuple[Version, Version]:
    """Give the newer and the older one. Raises Http404 for a number that is none of the template's."""
    numbers = [choice.number for choice in found]
    to = version_of(row, newer or numbers[0])
    following = numbers[numbers.index(to.number) + 1 :] if to.number in numbers else []
    return to, version_of(row, older or (following or numbers)[0])


def _components(version: Version) -> list[Component]:
    return cast("list[Component]", (version.document or {}).get("components", []))


def _differences(older: Version, newer: Version) -> dict[str, Any]:
    new = _components(newer)
    found = component_changes(_components(older), new)
    return diff_shown({"components": found}, {component["key"]: component for component in new})


def _offers(older: Version, newer: Version) -> dict[str, list[str]]:
    """Give the parameters that only one of them has, by their addresses."""
    before, after = (
        {parameter["address"] for parameter in (version.document or {}).get("parameters", [])}
        for version in (older, newer)
    )
    return {"new": sorted(after - before), "gone": sorted(before - after)}
