"""A template: its versions with their marks, where it runs, its introduction, and the history of its marks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Func, JSONField, QuerySet, Value
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters import platforms
from clusters.pages.finding import SHOWN, address, sentences
from console.kit.pages import SignedIn, page
from console.kit.paging import Paged, paged
from marketplace.actions.mark import mark_version
from marketplace.actions.templates import change_template
from marketplace.forms.template import TemplateForm
from marketplace.models import MarkEvent, Version
from marketplace.pages.finding import template_of, version_of, why_not_on
from marketplace.pages.market import why_no_delivery
from marketplace.present.installed import installed
from marketplace.present.market import installations, versions_of
from teams import access
from teams.models import User

JUST_NOW = timedelta(minutes=15)
"""How long the row of a version offers to undo the mark, or to say why."""


@require_GET
@page
def template_page(request: SignedIn, template: str) -> HttpResponse:
    """List the versions, newest first. `open` shows what one is made of, `marked` the one just marked."""
    row = template_of(request, template)
    shown: Paged[Any] = paged(request, _counted(versions_of(row)).order_by("-sort_key"))
    lines = [_line(version, request) for version in shown.rows]
    _put_places(lines, request.user)
    opened = request.GET.get("open")
    for line in lines:
        line["open"] = line["version"].number == opened
        if line["open"]:
            line["detail"] = detail_of(line["version"])
    # One button of the page is filled: the mark of the newest version that waits for it.
    first = next((line for line in lines if line["version"].mark == Version.Mark.TEST), None)
    context = _context(request, row, "versions") | {"page": shown, "lines": lines, "first": first}
    return render(request, "marketplace/template.html", context)


@require_GET
@page
def version_page(request: SignedIn, template: str, number: str) -> HttpResponse:
    """Show one version: what it is made of, its marks, where it runs."""
    row = template_of(request, template)
    found = version_of(row, number)
    version = _counted(versions_of(row)).get(pk=found.pk)
    line = _line(version, request)
    _put_places([line], request.user)
    context = _context(request, row, "versions") | {
        "line": line,
        "version": version,
        "detail": detail_of(version),
        "marks": version.mark_events.all(),
        "in_production": [place for place in line["places"] if place["stage"] == "production"],
    }
    return render(request, "marketplace/version.html", context)


@require_POST
@page
def version_mark(request: SignedIn, template: str, number: str) -> HttpResponse:
    """Set the mark of a version, take it back, or say why it was set."""
    row = template_of(request, template)
    version = version_of(row, number)
    mark, reason = request.POST.get("mark", ""), request.POST.get("reason", "").strip() or None
    if mark not in Version.Mark.values:
        mark = Version.Mark.TEST
    try:
        mark_version(acting_user=request.user, version=version, mark=mark, reason=reason)
    except SHOWN as error:
        messages.error(request, sentences(error))
        return redirect("template_page", row.slug)
    if mark == Version.Mark.RELEASE:
        query = urlencode({"marked": version.number})
        return redirect(f"{reverse('template_page', args=[row.slug])}?{query}#v-{version.number}")
    taken = _("%(number)s is Test again. Its history keeps both marks.") % {"number": version.number}
    messages.success(request, taken)
    return redirect("template_page", row.slug)


@require_GET
@page
def template_environments(request: SignedIn, template: str) -> HttpResponse:
    """List where the template runs, as far as the person may look, and what could come next there."""
    row = template_of(request, template)
    rows = (
        installations(request.user)
        .filter(template=row)
        .select_related(
            "version", "application__environment__cluster", "application__environment__team", "application__status"
        )
    )
    ordered = rows.defer("version__document").order_by(
        "application__environment__stage", "application__environment__position", "application__slug"
    )
    shown: Paged[Any] = paged(request, ordered)
    held = installed([one.application for one in shown.rows], request.user)
    places = [_place(one, held.get(one.application_id)) for one in shown.rows]
    context = _context(request, row, "environments") | {"page": shown, "places": places}
    return render(request, "marketplace/template_environments.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def template_intro(request: SignedIn, template: str) -> HttpResponse:
    """Show what a template is for, or change it: intro and tags by its publishers, name and scope by market admins."""
    row = template_of(request, template)
    whole = access.holds(request.user, "manage_market")
    why = "" if whole else why_not_on(row, request.user, "publish_application")
    present = {"name": row.name, "scope": row.scope, "intro": row.intro, "tags": ", ".join(row.tags)}
    form = TemplateForm(request.POST or None, initial=present, whole=whole)
    if request.method == "POST" and form.is_valid():
        version = request.POST.get("version", "")
        expected = int(version) if version.isdecimal() and len(version) < 10 else None
        try:
            change_template(acting_user=request.user, template=row, expected_version=expected, **form.changes())
        except SHOWN as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("template_intro", row.slug)
    context = _context(request, row, "intro") | {"form": form, "why": why, "may": not why}
    return render(request, "marketplace/template_intro.html", context, status=422 if form.errors else 200)


@require_GET
@page
def template_marks(request: SignedIn, template: str) -> HttpResponse:
    """List every act on the marks of a template's versions, newest first."""
    row = template_of(request, template)
    rows = MarkEvent.objects.filter(version__template=row).select_related(
        "version", "by", "verified_on__application__environment"
    )
    shown: Paged[Any] = paged(request, rows.defer("version__document").order_by("-at", "-id"))
    context = _context(request, row, "marks") | {"page": shown, "marks": shown.rows}
    return render(request, "marketplace/template_marks.html", context)


# --- Parts -----------------------------------------------------------------------------------------------------------


def _context(request: SignedIn, row: Any, tab: str) -> dict[str, Any]:
    return {
        "template": row,
        "tab": tab,
        "count": versions_of(row).count(),
        "why_install": why_no_delivery(request.user),
        "why_mark": why_not_on(row, request.user, "mark_version"),
    }


def _counted(rows: QuerySet[Version]) -> QuerySet[Version]:
    """Read along the digests of the images without the rest of the documents, which may be large."""
    found = Func(
        "document", Value("$.components[*].image.digest"), function="jsonb_path_query_array", output_field=JSONField()
    )
    return rows.annotate(digests=found)


def _line(version: Any, request: SignedIn) -> dict[str, Any]:
    newest = next(iter(version.mark_events.all()), None)
    fresh = newest is not None and newest.by_id == request.user.pk and timezone.now() - newest.at < JUST_NOW
    return {
        "version": version,
        "event": newest if version.mark == Version.Mark.RELEASE else None,
        "components": len(version.digests or []),
        "images": len(set(version.digests or [])),
        "just_marked": fresh and version.mark == Version.Mark.RELEASE and request.GET.get("marked") == version.number,
        "places": [],
    }


def _put_places(lines: list[dict[str, Any]], user: User) -> None:
    """Say of each version where it runs, with one query for all."""
    by_version = {line["version"].pk: line["places"] for line in lines}
    rows = installations(user).filter(version__in=list(by_version)).order_by("application__environment__position")
    fields = ("slug", "name", "environment__slug", "environment__name", "environment__stage")
    for version, *found in rows.values_list("version_id", *(f"application__{name}" for name in fields)):
        slug, name, place, place_name, stage = found
        where = {"name": place_name, "app": name, "href": address("app_page", place, slug), "stage": stage}
        if version is not None:
            by_version[version].append(where)


def detail_of(version: Version) -> dict[str, Any]:
    """Give what a version is made of, image by image, and what an installer may set."""
    document: dict[str, Any] = version.document or {}
    return {
        "images": [
            {
                "key": component["key"],
                "path": component["image"]["path"],
                "digest": component["image"]["digest"],
                "platforms": platforms.words(component["image"]["platforms"]),
                "bytes": component["image"]["bytes"],
            }
            for component in document.get("components", [])
        ],
        "parameters": document.get("parameters", []),
    }


def _place(row: Any, held: dict[str, Any] | None) -> dict[str, Any]:
    application = row.application
    environment = application.environment
    upgrade = address("app_upgrade", environment.slug, application.slug)
    newer = held["newer"] if held else None
    status = getattr(application, "status", None)
    return {
        "environment": environment,
        "app": application,
        "href": address("app_page", environment.slug, application.slug),
        "version": row.version,
        "status": status,
        "newer": newer,
        "upgrade": f"{upgrade}?{urlencode({'to': newer})}" if upgrade and newer else None,
    }
