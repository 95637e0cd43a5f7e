"""Upgrading an application: from which version to which, what changes, what of this environment stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clusters.errors import moved_places
from clusters.models import Application
from clusters.pages.finding import SHOWN, application_of, sentences, why_not
from clusters.pages.frame import frame
from console.kit.errors import Invalid, WaybillError
from console.kit.pages import SignedIn, page
from marketplace.actions.delivering import Wish, installation_of, propose
from marketplace.actions.returned import rolled_back_from
from marketplace.actions.upgrade import KIND, Change, plan_upgrade, upgrade
from marketplace.forms.upgrade import UpgradeForm
from marketplace.models import Installation, Version
from marketplace.pages.blocks import blocked
from marketplace.pages.calls import upgrade_call
from marketplace.pages.diff import diff_shown
from marketplace.pages.finding import version_of
from marketplace.pages.install import SEE
from marketplace.pages.places import refusal_of
from marketplace.pages.plans import AGREED, plan_of, preview_shown, told
from marketplace.pages.versions import Choice, choices, marked
from operations.starting import new_key, start_once

AGAIN = "again"
"""What a person ticks who goes to a version that was rolled back from here."""


@dataclass
class Review:
    """What the page is filled with."""

    application: Application
    installation: Installation
    version: Version
    versions: list[Choice]
    form: UpgradeForm
    change: Change
    plan: str = ""
    problems: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    """What is no longer as the plan said that was confirmed."""


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@page
def app_upgrade(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show what an upgrade would change; `do` says what a posted form wants: a look, a plan, or the upgrade."""
    row = application_of(request, environment, app)
    installation = installation_of(row)
    if installation is None:
        raise Http404
    review = _review(request, row, installation)
    wish = request.POST.get("do", "upgrade") if request.method == "POST" else "look"
    if wish.startswith(SEE):
        review.plan = wish.removeprefix(SEE)
    if wish == "look" or review.plan or not review.form.is_valid():
        return _shown(request, review, wish)
    if wish == "upgrade" and AGAIN not in request.POST.getlist("consents") and rolled_back_from(row, review.version):
        review.problems.append(_("Agree below to go there again."))
        return _shown(request, review, wish, status=409)
    try:
        if wish == "plan":
            review.plan = plan_upgrade(acting_user=request.user, application=row, change=review.change).name
            return _shown(request, review, wish)
        started = start_once(request, lambda: upgrade(acting_user=request.user, application=row, change=review.change))
    except SHOWN as error:
        _refuse(review, error)
        return _shown(request, review, wish, status=error.status)
    return redirect("operation_page", started.name)


def _review(request: SignedIn, row: Application, installation: Installation) -> Review:
    current = installation.version.number if installation.version else None
    found = choices(installation.template, [row.environment.accepts], current)
    wanted = request.POST.get("to") or request.GET.get("to") or ""
    known = {choice.number for choice in found}
    # Without a wish: the newest that is accepted here, which may be the one that runs.
    accepted = next((choice.number for choice in found if choice.accepted), found[0].number)
    version = version_of(installation.template, wanted if wanted in known else accepted)
    document: dict[str, Any] = version.document or {}
    present = row.current_revision.values if row.current_revision else {}
    form = UpgradeForm(request.POST if request.method == "POST" else None, document=document, present=present)
    change = Change(version=version.number)
    if form.is_bound and form.is_valid():
        change = form.change(
            version.number,
            reset=[address for address in request.POST.getlist("reset") if address in present],
            consents=request.POST.getlist("consents"),
            plan=request.POST.get("plan_id", ""),
        )
    return Review(row, installation, version, found, form, change)


def _refuse(review: Review, error: WaybillError) -> None:
    """Put what concerns a parameter at its field, and all else above the page."""
    if isinstance(error, Invalid) and error.errors:
        review.form.refuse(error)
    else:
        review.problems.append(sentences(error))
        review.moved = moved_places(error)


def _shown(request: SignedIn, review: Review, wish: str, status: int = 200) -> HttpResponse:
    row, version = review.application, review.version
    preview = _preview(review)
    document: dict[str, Any] = version.document or {}
    new = {component["key"]: component for component in document.get("components", [])}
    diff = diff_shown(preview, new) if preview else None
    right = why_not(request.user, row.environment.deliver_right, row.environment.team)
    context = frame(request, row, "upgrade") | {
        "template": review.installation.template,
        "current": review.installation.version,
        "version": version,
        "marked": marked(version),
        "versions": review.versions,
        "same": review.installation.version is not None and review.installation.version.pk == version.pk,
        "form": review.form,
        "problems": review.problems,
        "moved": review.moved,
        "diff": diff,
        "kept": _kept(review, preview, diff),
        "reset": review.change.reset,
        "previews": [preview_shown(preview)] if preview else [],
        "preview": preview,
        "again": _again(preview),
        "agreed": AGAIN in request.POST.getlist("consents"),
        "call": upgrade_call(row, review.change, version, review.plan) if preview else "",
        "plan": plan_of(request.user, review.plan) if review.plan else None,
        "why": right or blocked(row) or refusal_of(version, row.environment),
        "key": request.POST.get("key") or new_key(),
    }
    if wish == "plan" and request.headers.get("X-Requested-With") == "fetch":
        return render(request, "marketplace/_plan_box.html", context | {"alone": True})
    status = status if status != 200 else 422 if review.form.errors else 200
    return render(request, "marketplace/upgrade.html", context, status=status)


def _preview(review: Review) -> dict[str, Any] | None:
    """Work out from rows what would change; a value this version no longer takes is told."""
    wish = Wish(review.version, review.change.values, review.change.reset)
    try:
        return propose(KIND, review.application, wish, complete=False).preview()
    except Invalid as error:
        if not review.form.errors:
            review.problems.append(sentences(error))
        return None


def _again(preview: dict[str, Any] | None) -> str:
    """Say who rolled back from this version here, and when; empty when nobody did since it ran."""
    found = [notice for notice in (preview or {}).get("warnings", ()) if notice["code"] == AGREED]
    return told(found)[0] if found else ""


def _kept(review: Review, preview: dict[str, Any] | None, diff: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Give the values of this environment that stay and that the table of changes does not show."""
    current = review.application.current_revision
    if preview is None or current is None:
        return []
    shown = diff["addresses"] if diff else set()
    own = [address for address in preview["values"]["kept"] if address not in shown]
    given = [(address, current.values.get(address, {})) for address in own]
    return [
        {"address": address, "value": value.get("value"), "secret": "secret" in value}
        for address, value in given
        if value.get("origin") == "given"
    ]
