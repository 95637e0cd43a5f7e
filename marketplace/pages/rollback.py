"""Rolling an application back: what returns, what goes, what stays as it is."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from clusters.models import Application, Revision
from clusters.pages.finding import SHOWN, application_of, revision_of, sentences, why_not
from clusters.pages.frame import frame
from console.kit.pages import SignedIn, page
from marketplace.actions.delivering import CONSENTS, was_deployed
from marketplace.actions.rollback import Return, plan_rollback, preview_rollback, roll_back
from marketplace.models import Delivery
from marketplace.pages.blocks import blocked
from marketplace.pages.calls import rollback_call
from marketplace.pages.diff import diff_shown
from marketplace.pages.install import SEE
from marketplace.pages.plans import plan_of, preview_shown
from operations.starting import new_key, start_once


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def app_rollback(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Show what going back to a revision would do; `do` says what a posted form wants: a plan, or the way back."""
    row = application_of(request, environment, app)
    target = revision_of(row, number)
    if row.current_revision is None or not row.revisions.filter(was_deployed(), pk=target.pk).exists():
        raise Http404
    wish = request.POST.get("do", "rollback") if request.method == "POST" else "look"
    if wish == "look" or wish.startswith(SEE):
        return _shown(request, row, target, plan=wish.partition(SEE)[2])
    asked = Return(
        revision=target.number,
        consents=[consent for consent in request.POST.getlist("consents") if consent in CONSENTS],
        plan_id=request.POST.get("plan_id") or None,
    )
    try:
        if wish == "plan":
            planned = plan_rollback(acting_user=request.user, application=row, wish=asked)
            return _shown(request, row, target, plan=planned.name)
        started = start_once(request, lambda: roll_back(acting_user=request.user, application=row, wish=asked))
    except SHOWN as error:
        return _shown(request, row, target, problem=sentences(error), status=error.status)
    return redirect("operation_page", started.name)


def _shown(
    request: SignedIn, row: Application, target: Revision, *, plan: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    preview = preview_rollback(row, target)
    delivery = Delivery.objects.filter(revision=target).select_related("version").first()
    current = row.current_revision
    new = {component["key"]: component for component in target.document["components"]}
    context = frame(request, row, "records") | {
        "target": target,
        "version": delivery.version if delivery else None,
        "current": current,
        "current_source": (current.source if current else None) or {},
        "diff": diff_shown(preview, new),
        "values": _values(target),
        "previews": [preview_shown(preview)],
        "volumes": preview["volumes"]["keep"],
        "plan": plan_of(request.user, plan) if plan else None,
        "problem": problem,
        "call": rollback_call(row, target.number, plan),
        "problems": [problem] if problem else [],
        "why": why_not(request.user, row.environment.deliver_right, row.environment.team) or blocked(row),
        "key": request.POST.get("key") or new_key(),
    }
    if request.POST.get("do") == "plan" and request.headers.get("X-Requested-With") == "fetch":
        return render(request, "marketplace/_plan_box.html", context | {"alone": True})
    return render(request, "marketplace/rollback.html", context, status=status)


def _values(target: Revision) -> list[dict[str, Any]]:
    """Give the values the environment had then: they come back with it."""
    return [
        {"address": address, "value": value.get("value"), "secret": "secret" in value}
        for address, value in sorted(target.values.items())
        if value.get("origin") == "given"
    ]
