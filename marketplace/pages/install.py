"""Installing a version: into one environment or several, looked at first, then started once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clusters.models import Application
from clusters.pages.finding import SHOWN
from console.kit import text
from console.kit.errors import Invalid
from console.kit.pages import SignedIn, page
from marketplace.actions.install import Order, install, plan_install, preview_install
from marketplace.forms.install import OWN, InstallForm
from marketplace.forms.parameters import PREFIX
from marketplace.models import Template, Version
from marketplace.pages.calls import install_call
from marketplace.pages.finding import template_of, version_of
from marketplace.pages.market import why_no_delivery
from marketplace.pages.places import Card, cards
from marketplace.pages.plans import plan_of, preview_shown
from marketplace.pages.versions import Choice, choices, marked, usual
from operations.starting import new_key, start_once

SEE = "see:"
"""What a button says, before the name of a plan that was asked for already, where no script follows it."""
LOOK, OWN_VALUES = "look", "own"
"""What a form wants that is not sent for good: another version's fields, or those for each environment chosen."""


@dataclass
class Sheet:
    """What the page is filled with: the template, the version chosen, the environments, the form."""

    template: Any
    version: Version
    versions: list[Choice]
    cards: list[Card]
    form: InstallForm
    plan: str = ""


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@page
def template_install(request: SignedIn, template: str) -> HttpResponse:
    """Show what an installation would do; `do` says what a posted form wants: another look, a plan, or the thing."""
    row = template_of(request, template)
    sheet = _sheet(request, row)
    wish = request.POST.get("do", "install") if request.method == "POST" else LOOK
    form = sheet.form
    if wish.startswith(SEE):
        sheet.plan = wish.removeprefix(SEE)
    if wish in (LOOK, OWN_VALUES) or sheet.plan or not form.is_valid():
        return _shown(request, sheet, wish)
    plan, consents = request.POST.get("plan_id", ""), request.POST.getlist("consents")
    try:
        if wish == "plan":
            sheet.plan = plan_install(acting_user=request.user, order=form.order(row.slug)).name
            return _shown(request, sheet, wish)
        order = form.order(row.slug, plan=plan, consents=consents)
        started = start_once(request, lambda: install(acting_user=request.user, order=order))
    except SHOWN as error:
        form.refuse(error)
        return _shown(request, sheet, wish, status=error.status)
    return redirect("operation_page", started.name)


def _sheet(request: SignedIn, row: Template) -> Sheet:
    data = request.POST if request.method == "POST" else request.GET
    found = choices(row)
    known = {choice.number for choice in found}
    wanted = data.get("version", "")
    version = version_of(row, wanted if wanted in known else usual(found) or found[0].number)
    posted = request.method == "POST"
    chosen = request.POST.getlist("environments") if posted else request.GET.getlist("env")
    places = cards(request.user, row, version, chosen)
    free = [card for card in places if card.free]
    if not posted and not chosen and len(free) == 1:
        free[0].checked = True
    more: dict[str, Any] = {
        "places": [card.environment.slug for card in free],
        "chosen": {card.environment.slug: card.environment.name for card in free if card.checked},
        "document": version.document or {},
    }
    if posted and request.POST.get("do") not in (LOOK, OWN_VALUES):
        form = InstallForm(request.POST, **more)
    else:
        form = InstallForm(initial=_initial(request, row, version, free), **more)
    return Sheet(row, version, found, places, form)


def _initial(request: SignedIn, row: Template, version: Version, free: Sequence[Card]) -> dict[str, Any]:
    """Fill in name, slug and version; what was typed before another look stays."""
    taken = set(
        Application.objects.present()
        .filter(environment__in=[card.environment.pk for card in free])
        .values_list("slug", flat=True)
    )
    slug = row.slug if row.slug not in taken else text.slug_from_name(row.name, lambda one: one in taken)
    fresh = {"app_name": row.name, "app_slug": slug, "version": version.number}
    typed = {name: value for name, value in request.POST.items() if name.startswith(("app_", PREFIX, OWN))}
    return fresh | typed


def _shown(request: SignedIn, sheet: Sheet, wish: str, status: int = 200) -> HttpResponse:
    """Render the page; a part of it that a script asked for is rendered alone."""
    fetched = request.headers.get("X-Requested-With") == "fetch"
    context = {
        "template": sheet.template,
        "version": sheet.version,
        "marked": marked(sheet.version),
        "versions": sheet.versions,
        "cards": sheet.cards,
        "several": sum(card.checked for card in sheet.cards) > 1,
        "many": sum(card.free for card in sheet.cards) > 1,
        "form": sheet.form,
        "previews": _previews(request, sheet),
        "call": _call(sheet),
        "plan": plan_of(request.user, sheet.plan) if sheet.plan else None,
        "why_install": why_no_delivery(request.user),
        "key": request.POST.get("key") or new_key(),
    }
    if fetched and wish == OWN_VALUES:
        return render(request, "marketplace/_own_values.html", context)
    if fetched and wish == "plan":
        return render(request, "marketplace/_plan_box.html", context | {"alone": True})
    status = status if status != 200 else 422 if sheet.form.errors else 200
    return render(request, "marketplace/install.html", context, status=status)


def _order(sheet: Sheet) -> Order | None:
    """Give what would be asked for: the form's, or what is chosen so far; None while no environment is."""
    chosen = [card.environment.slug for card in sheet.cards if card.checked]
    if not chosen:
        return None
    if sheet.form.is_bound and sheet.form.is_valid():
        return sheet.form.order(sheet.template.slug)
    return Order(template=sheet.template.slug, environments=chosen, version=sheet.version.number)


def _call(sheet: Sheet) -> str:
    order = _order(sheet)
    return install_call(order, sheet.version, sheet.plan) if order else ""


def _previews(request: SignedIn, sheet: Sheet) -> list[dict[str, Any]]:
    """Give what rows say about each environment chosen; nothing while the form cannot be read."""
    order = _order(sheet)
    if order is None:
        return []
    names = {card.environment.slug: card.environment.name for card in sheet.cards if card.checked}
    try:
        found = preview_install(acting_user=request.user, order=order)
    except Invalid:
        return []
    return [preview_shown(document, names[document["environment"]]) for document in found]
