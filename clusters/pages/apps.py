"""Pages of one application: making it, how it is, starting and stopping, its events and logs, its name and its end."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.actions.applications import add_application, refuse_made, rename_application
from clusters.actions.desired_state import set_desired_state
from clusters.actions.uninstall import right_of, uninstall
from clusters.forms.apps import AppForm, AppNameForm, RemovalForm
from clusters.log_lines import TAIL, TAIL_MOST
from clusters.models import Application, AppliedObject, Revision
from clusters.pages.finding import SHOWN, address, application_of, environment_of, sentences, why_not
from clusters.pages.frame import frame, page_of
from clusters.present import revisions
from clusters.topology import draw
from console.kit import messages as catalogue
from console.kit.errors import FieldError, Refused
from console.kit.pages import SignedIn, page
from operations.models import Operation
from operations.starting import new_key, start_once


@require_http_methods(["GET", "HEAD", "POST"])
@page
def app_new(request: SignedIn, environment: str) -> HttpResponse:
    """Show the form of a new application, or make it and go on to its first component."""
    place = environment_of(request, environment)
    form = AppForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, slug = form.cleaned_data["name"], form.cleaned_data["slug"] or None
        try:
            made = add_application(environment=place, name=name, slug=slug, acting_user=request.user)
        except SHOWN as error:
            form.refuse(error)
        else:
            return redirect("component_new", place.slug, made.slug)
    context = {"environment": place, "team": place.team, "form": form, "refused": _made_refused(place)}
    context["why"] = why_not(request.user, "edit_application", place.team)
    return render(request, "clusters/app_new.html", context, status=form.status)


def _made_refused(place: Any) -> str:
    try:
        refuse_made(place)
    except Refused as error:
        return sentences(error)
    return ""


@never_cache
@require_GET
@page
def app_page(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show an application: state with cause and age, where it is reached, its components, how they hang together."""
    return render(request, "clusters/app_page.html", _overview(request, environment, app))


@never_cache
@require_GET
@page
def app_parts(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Give the parts of the overview that change."""
    return render(request, "clusters/_app_parts.html", _overview(request, environment, app))


def _overview(request: SignedIn, environment: str, app: str) -> dict[str, Any]:
    row = application_of(request, environment, app)
    context = frame(request, row, "overview")
    operate = why_not(request.user, "operate_application", context["team"], held=context["held"])
    edit = why_not(request.user, "edit_application", context["team"], held=context["held"])
    deliver = why_not(request.user, row.environment.deliver_right, context["team"], held=context["held"])
    last = revisions.with_parts(Revision.objects.filter(application=row)).order_by("-number").first()
    parts = _parts(row)
    return {
        **context,
        "why": {"operate": operate, "edit": edit, "deliver": deliver},
        "action": _action(context),
        "publish": address("app_publish", row.environment.slug, row.slug),
        "last": {"row": last, "record": revisions.revision_json(last), "problem": _outcome(last)} if last else None,
        "drawing": _drawn(parts, context["data"]["components"]),
        "needs": [(part["key"], part.get("depends_on") or []) for part in parts],
        "key": new_key(),
    }


def _action(context: dict[str, Any]) -> str:
    """Name the one thing to do next on this page: it alone gets the filled button."""
    data, market = context["data"], context["market"]
    if context["running"]:
        return ""
    if context["made"] and not data["components"]:
        return "component"
    if context["made"] and data["undeployed_changes"]:
        return "deploy"
    if data["revision"] and data["desired"] == "stopped":
        return "start"
    if market and market["upgrade"]:
        return "upgrade"
    return "publish" if context["made"] and data["revision"] else ""


def _outcome(revision: Revision) -> str:
    """Say why an attempt did not succeed; empty for one that did or still runs."""
    operation = revision.operation
    if operation.outcome_code is None or operation.is_active:
        return ""
    return catalogue.title(operation.outcome_code, operation.outcome_params)


def _parts(row: Application) -> list[dict[str, Any]]:
    """Give the components as deployed, or as drafted while nothing is."""
    if row.current_revision is not None:
        return list(row.current_revision.document["components"])
    return [component.definition for component in row.components.all()]


def _drawn(parts: list[dict[str, Any]], seen: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Give the topology with what was seen of each component; None where there is nothing to connect."""
    if len(parts) < 2:
        return None
    known = {component["key"]: component for component in seen}
    drawing = draw({part["key"]: part.get("depends_on") or [] for part in parts})
    return {"drawing": drawing, "nodes": [(node, known.get(node.key)) for node in drawing.nodes]}


@require_POST
@page
def app_state(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Start or stop an application and go to the operation."""
    row = application_of(request, environment, app)
    wanted = request.POST.get("state", "")
    if wanted not in Application.Desired.values:
        raise Http404

    def begin() -> Operation:
        return set_desired_state(application=row, state=wanted, acting_user=request.user)

    try:
        started = start_once(request, begin)
    except SHOWN as error:
        messages.error(request, sentences(error))
        return redirect(page_of(row))
    return redirect("operation_page", started.name)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def app_settings(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show and save the name of an application, and show how it is removed."""
    row = application_of(request, environment, app)
    form = AppNameForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_application(application=row, name=form.cleaned_data["name"], acting_user=request.user)
        except SHOWN as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("app_settings", environment, row.slug)
    return _settings(request, row, form, RemovalForm(), form.status)


@require_POST
@page
def app_remove(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Start to remove an application from its cluster; one of which nothing is there is gone at once."""
    row = application_of(request, environment, app)
    form = RemovalForm(request.POST)
    if form.is_valid():
        delete = form.cleaned_data["volumes"] == "delete"
        name = form.cleaned_data["confirm_name"]
        try:
            started = uninstall(application=row, delete_volumes=delete, confirm_name=name, acting_user=request.user)
        except SHOWN as error:
            form.refuse(_at_the_name(error))
        else:
            if started is None:
                messages.success(request, _("The app %(name)s is removed.") % {"name": row.name})
                return redirect("environment_page", environment)
            return redirect("operation_page", started.name)
    return _settings(request, row, AppNameForm(initial={"name": row.name}), form, form.status)


def _at_the_name(error: Any) -> Any:
    """A missing confirmation is told where it is typed."""
    if error.code == "confirmation_required":
        error.errors = (FieldError("/confirm_name", error.code, error.params),)
    return error


def _settings(request: SignedIn, row: Application, form: Any, removal: Any, status: int) -> HttpResponse:
    context = frame(request, row, "settings")
    claims = AppliedObject.objects.filter(application=row, kind="PersistentVolumeClaim").order_by("name")
    context |= {
        "form": form,
        "removal": removal,
        "claims": list(claims.values_list("name", flat=True)),
        "why": why_not(request.user, right_of(row), row.environment.team, held=context["held"]),
    }
    return render(request, "clusters/app_settings.html", context, status=status)


@never_cache
@require_GET
@page
def app_events(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show what the cluster warns of, newest first, and where the logs are."""
    row = application_of(request, environment, app)
    context = frame(request, row, "events")
    status = getattr(row, "status", None)
    events = [{**event, "at": _moment(event["at"])} for event in (status.events if status else [])]
    return render(request, "clusters/app_events.html", {**context, "events": events})


@never_cache
@require_GET
@page
def component_log(request: SignedIn, environment: str, app: str, key: str) -> HttpResponse:
    """Show the log of a component's newest pod, or of its container before the last restart; a script follows it."""
    row = application_of(request, environment, app)
    context = frame(request, row, "events")
    if key not in {component["key"] for component in context["data"]["components"]}:
        raise Http404
    previous = request.GET.get("previous") == "true"
    text = f"{reverse('component_log_text', args=[environment, app, key])}?previous={'true' if previous else 'false'}"
    context |= {"component": key, "text": text, "previous": previous, "tail": TAIL, "most": TAIL_MOST}
    return render(request, "clusters/component_log.html", context)


def _moment(text: str | None) -> Any:
    return parse_datetime(text) if text else None
