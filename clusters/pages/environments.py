"""Pages of environments: those of a team, a new one, and one with its applications, its rule and its quota."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.actions.environments import add_environment, change_environment, remove_environment
from clusters.forms.teams import QUOTA, EnvironmentChangeForm, EnvironmentForm
from clusters.models import Application, Cluster, Environment
from clusters.pages.finding import SHOWN, environment_of, sentences, team_of, why_not
from clusters.pages.lines import app_lines, gauges, latest_of, places
from clusters.present.applications import with_parts
from console.kit.pages import SignedIn, page
from console.kit.paging import Paged, paged
from operations.actions.retry import retry
from operations.models import Operation
from operations.starting import new_key, start_once
from teams import access


@require_GET
@page
def team_environments(request: SignedIn, team: str) -> HttpResponse:
    """List the environments of a team: how far they are made, why one failed, what they accept, how full they are."""
    row = team_of(request, team)
    rows = Environment.objects.present().filter(team=row).select_related("team", "cluster").order_by("position", "slug")
    shown = [(place, gauges(place.row)) for place in places(list(rows))]
    context = {
        "team": row,
        "tab": "environments",
        "places": shown,
        "may": access.holds(request.user, "manage_teams", row),
        "trail": access.holds(request.user, "manage_members", row),
        "why": why_not(request.user, "manage_teams", row),
        "key": new_key(),
    }
    return render(request, "teams/environments.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def environment_new(request: SignedIn, team: str) -> HttpResponse:
    """Show the form of a new environment of a team, or make it and start to prepare it on its cluster."""
    row = team_of(request, team)
    if not access.holds(request.user, "manage_teams", row):
        raise Http404
    clusters = Cluster.objects.permitted(request.user).order_by("slug")
    form = EnvironmentForm(request.POST or None, clusters=clusters)
    if request.method == "POST" and form.is_valid():

        def make() -> Operation:
            made = add_environment(team=row, acting_user=request.user, **form.environment())
            return Operation.objects.get(subject_type="environment", subject_id=made.pk)

        try:
            started = start_once(request, make)
        except SHOWN as error:
            form.refuse(error)
        else:
            return redirect("operation_page", started.name)
    context = {"team": row, "form": form, "key": request.POST.get("key") or new_key()}
    return render(request, "teams/environment_new.html", context, status=form.status)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def environment_page(request: SignedIn, environment: str) -> HttpResponse:
    """Show an environment with its applications, or change its name, its rule and its quota."""
    row = environment_of(request, environment)
    form = EnvironmentChangeForm(request.POST or None, initial=_present(row))
    if request.method == "POST" and form.is_valid():
        changes = {name: form.cleaned_data[name] for name in ("name", "accepts")} | {"quota": form.quota()}
        version = request.POST.get("version", "")
        try:
            change_environment(
                environment=row,
                changes=changes,
                acting_user=request.user,
                expected_version=int(version) if version.isdecimal() and len(version) < 10 else None,
            )
        except SHOWN as error:
            form.refuse(error)
            row.refresh_from_db()
        else:
            messages.success(request, _("Saved."))
            return redirect("environment_page", row.slug)
    context = {**_context(request, row), "form": form}
    return render(request, "clusters/environment.html", context, status=form.status)


def _present(row: Environment) -> dict[str, Any]:
    quota: dict[str, Any] = row.quota or {}
    return {"name": row.name, "accepts": row.accepts} | {f"quota_{name}": quota.get(name) for name in QUOTA}


def _context(request: SignedIn, row: Environment) -> dict[str, Any]:
    apps = with_parts(Application.objects.present().filter(environment=row))
    shown: Paged[Application] = paged(request, apps.order_by("slug"))
    place = places([row])[0]
    place.apps = app_lines(shown.rows, request.user)
    return {
        "environment": row,
        "team": row.team,
        "place": place,
        "page": shown,
        "gauges": gauges(row),
        "may_manage": access.holds(request.user, "manage_teams", row.team),
        "why_manage": why_not(request.user, "manage_teams", row.team),
        "why_edit": why_not(request.user, "edit_application", row.team),
        "key": new_key(),
    }


@require_POST
@page
def environment_retry(request: SignedIn, environment: str) -> HttpResponse:
    """Prepare an environment again whose preparation failed."""
    row = environment_of(request, environment)
    last = latest_of(row)
    if last is None:
        raise Http404
    try:
        fresh = start_once(request, lambda: retry(operation=last, acting_user=request.user))
    except SHOWN as error:
        messages.error(request, sentences(error))
        return redirect("team_environments", row.team.slug)
    return redirect("operation_page", fresh.name)


@require_POST
@page
def environment_remove(request: SignedIn, environment: str) -> HttpResponse:
    """Let go of an environment whose preparation failed; nothing of it is on the cluster."""
    row = environment_of(request, environment)
    try:
        remove_environment(environment=row, acting_user=request.user)
    except SHOWN as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, _("The environment %(name)s is removed.") % {"name": row.name})
    return redirect("team_environments", row.team.slug)
