"""Pages of an application's draft: its components, and the form of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.actions.components import add_component, change_component, delete_component
from clusters.actions.deploy import changed_components, deploy
from clusters.forms.components import ComponentForm
from clusters.forms.rows import KINDS
from clusters.models import Application, Component
from clusters.pages.finding import SHOWN, application_of, sentences, why_not
from clusters.pages.frame import frame
from clusters.present.components import component_json
from console.kit.pages import SignedIn, page
from operations.models import Operation
from operations.starting import new_key, start_once

MORE = 3


@never_cache
@require_GET
@page
def app_components(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """List the components of the draft, and what of it does not run yet."""
    row = _made(request, environment, app)
    context = frame(request, row, "components")
    waiting = changed_components(row)
    drafted = [component_json(component) for component in row.components.all()]
    keys = [component["key"] for component in drafted]
    context |= {
        "components": [{**component, "waiting": component["key"] in waiting} for component in drafted],
        "waiting": waiting,
        "leaving": [key for key in waiting if key not in keys],
        "why": why_not(request.user, "edit_application", context["team"], held=context["held"]),
    }
    return render(request, "clusters/components.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def component_new(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show the form of a new component, or add it; with `start` the application is deployed right after."""
    row = _made(request, environment, app)
    return _form(request, row, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def component_page(request: SignedIn, environment: str, app: str, key: str) -> HttpResponse:
    """Show a component of the draft in its form, or save it."""
    row = _made(request, environment, app)
    return _form(request, row, _component(row, key))


@require_POST
@page
def component_remove(request: SignedIn, environment: str, app: str, key: str) -> HttpResponse:
    """Take a component out of the draft; it runs on until the draft is deployed."""
    row = _made(request, environment, app)
    component = _component(row, key)
    try:
        delete_component(component=component, acting_user=request.user)
    except SHOWN as error:
        messages.error(request, sentences(error))
        return redirect("component_page", environment, app, key)
    messages.success(request, _("%(key)s is taken out of the draft.") % {"key": key})
    return redirect("app_components", environment, app)


def _made(request: SignedIn, environment: str, app: str) -> Application:
    """Give an application that has a draft; one from the market has none."""
    row = application_of(request, environment, app)
    if row.origin != Application.Origin.MADE:
        raise Http404
    return row


def _component(row: Application, key: str) -> Component:
    found = next((component for component in row.components.all() if component.key == key), None)
    if found is None:
        raise Http404
    return found


def _form(request: SignedIn, row: Application, component: Component | None) -> HttpResponse:
    others = [
        (other.key, other.name) for other in row.components.all() if component is None or other.pk != component.pk
    ]
    former = component_json(component) if component else None
    form = ComponentForm(request.POST or None, former=former, others=others, counts=_counts(request))
    form.growing = "more" in request.POST
    if request.method == "POST" and not form.growing and form.is_valid():
        try:
            return _saved(request, row, component, form)
        except SHOWN as error:
            form.refuse(error)
    if form.is_bound:
        form.forget_secrets()
    context = frame(request, row, "components")
    context |= {
        "form": form,
        "component": component,
        "opened": request.POST.get("more"),
        "version": request.POST.get("version") or (component.row_version if component else ""),
        "why": why_not(request.user, "edit_application", context["team"], held=context["held"]),
        "key": new_key(),
    }
    return render(request, "clusters/component_form.html", context, status=form.status)


def _counts(request: SignedIn) -> dict[str, int]:
    """Give how many rows of each kind the form had, and more where they were asked for."""
    counts: dict[str, int] = {}
    given = request.POST if request.method == "POST" else request.GET
    for kind in KINDS:
        asked = given.get(f"{kind.name}_count", "")
        if asked.isdecimal() and len(asked) < 4:
            counts[kind.name] = int(asked) + (MORE if request.POST.get("more") == kind.name else 0)
    return counts


def _saved(request: SignedIn, row: Application, component: Component | None, form: ComponentForm) -> HttpResponse:
    """Save and go back to the draft; with `start` save and deploy, both or neither."""

    def save() -> Component:
        data: Any = form.component()
        if component is None:
            return add_component(application=row, data=data, acting_user=request.user)
        version = request.POST.get("version", "")
        expected = int(version) if version.isdecimal() and len(version) < 10 else None
        return change_component(component=component, data=data, acting_user=request.user, expected_version=expected)

    def begin() -> Operation:
        save()
        return deploy(application=row, acting_user=request.user)

    if "start" in request.POST:
        return redirect("operation_page", start_once(request, begin).name)
    messages.success(request, _("%(name)s is saved. It runs after a deploy.") % {"name": save().name})
    return redirect("app_components", row.environment.slug, row.slug)
