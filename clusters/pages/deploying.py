"""The page of a deploy: what the draft would change, what the cluster says to it, and the button that runs it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from clusters.actions.deploy import changed_components, deploy, plan_deploy, propose
from clusters.errors import moved_places
from clusters.models import Application
from clusters.moved import is_unasked
from clusters.pages.finding import SHOWN, application_of, why_not
from clusters.pages.frame import frame
from clusters.words import CONSENTS
from console.kit import messages as sentences
from console.kit.calls import curl
from console.kit.errors import WaybillError
from console.kit.pages import SignedIn, field_problems, page, problem
from operations import words
from operations.models import Operation
from operations.starting import new_key, start_once


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def app_deploy(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show what deploying the draft changes; POST asks the cluster about it (`check`) or deploys."""
    row = application_of(request, environment, app)
    if row.origin != Application.Origin.MADE:
        raise Http404
    if request.method != "POST":
        return _shown(request, row)
    consents = [name for name in request.POST.getlist("consents") if name in CONSENTS]
    plan = request.POST.get("plan_id") or None
    again = request.POST.get("refresh_images") == "true"

    def run() -> Operation:
        return deploy(application=row, acting_user=request.user, consents=consents, refresh_images=again, plan_id=plan)

    def ask() -> Operation:
        return plan_deploy(application=row, acting_user=request.user)

    asked = "check" in request.POST
    try:
        started = start_once(request, ask if asked else run)
    except SHOWN as error:
        return _shown(request, row, error)
    return redirect(f"{request.path}?plan={started.name}") if asked else redirect("operation_page", started.name)


def _call(row: Application, plan: Operation | None, *, again: bool) -> str:
    """Give the request of the API that deploys just this."""
    body = {"plan_id": plan.name if plan else None, **({"refresh_images": True} if again else {})}
    return curl("POST", f"/environments/{row.environment.slug}/apps/{row.slug}/deployments", body)


def _shown(request: SignedIn, row: Application, error: WaybillError | None = None) -> HttpResponse:
    context = frame(request, row, "components")
    waiting = changed_components(row)
    preview, refused = _preview(row)
    moved = moved_places(error)
    operation = None if moved else _plan_operation(request, row)
    plan: dict[str, Any] | None = (operation.plan or None) if operation is not None else None
    document: dict[str, Any] | None = plan or preview
    context |= {
        "document": document,
        "changed": _flagged(_changed(document, None if plan else waiting), moved),
        "kept": _kept(document, None if plan else waiting),
        "refusals": [_told(item) for item in document["refusals"]] if document else [],
        "warnings": [_told(item) for item in document["warnings"]] if document else [],
        "consents": [{**item, "label": CONSENTS[item["consent"]]} for item in plan["consents"]] if plan else [],
        "plan": plan,
        "checked_at": parse_datetime(plan["checked"]["at"]) if plan else None,
        "stale": plan is not None and _over(plan),
        "operation": operation,
        "plan_word": words.headline(operation) if operation else "",
        "plan_problem": _outcome(operation),
        "problem": {**problem(refused), "fields": _fields(refused)} if refused else None,
        "error": problem(error) if error else None,
        "error_fields": _fields(error) if error else [],
        "why": why_not(request.user, "edit_application", context["team"], held=context["held"]),
        "nothing": document is not None and not waiting,
        "call": _call(row, operation if plan else None, again=document is not None and not waiting),
        "key": new_key(),
    }
    return render(request, "clusters/app_deploy.html", context, status=error.status if error else 200)


def _changed(document: dict[str, Any] | None, waiting: list[str] | None) -> list[dict[str, Any]]:
    """Give what changes. A preview cannot know what a tag names by now, so it shows the `waiting` components alone."""
    parts = [part for part in document["components"] if part["action"] != "keep"] if document else []
    if waiting is None:
        return parts
    return [
        {
            **part,
            "changes": [line for line in part["changes"] if not is_unasked(line["field"], line["from"], line["to"])],
        }
        for part in parts
        if part["key"] in waiting
    ]


def _flagged(parts: list[dict[str, Any]], moved: list[str]) -> list[dict[str, Any]]:
    """Mark the lines that are not as the plan said that was confirmed."""
    return [
        {
            **part,
            "moved": part["key"] in moved,
            "changes": [{**line, "moved": f"{part['key']}.{line['field']}" in moved} for line in part["changes"]],
        }
        for part in parts
    ]


def _kept(document: dict[str, Any] | None, waiting: list[str] | None) -> list[str]:
    changed = {part["key"] for part in _changed(document, waiting)}
    return [part["key"] for part in document["components"] if part["key"] not in changed] if document else []


def _preview(row: Application) -> tuple[dict[str, Any] | None, WaybillError | None]:
    """Work out from rows what would change; a draft that cannot run is told with all that is wrong with it."""
    try:
        return propose(row).preview(), None
    except SHOWN as error:
        return None, error


def _plan_operation(request: SignedIn, row: Application) -> Operation | None:
    """Give the plan the address names, if it is one of this application that the person may see."""
    number = (request.GET.get("plan") or request.POST.get("plan_id") or "").removeprefix("op-")
    if not number.isdecimal() or len(number) > 18:
        return None
    mine = Operation.objects.permitted(request.user).filter(kind="plan", subject_id=row.pk)
    return mine.filter(number=int(number)).first()


def _over(plan: dict[str, Any]) -> bool:
    until = parse_datetime(plan["valid_until"])
    return until is None or until < timezone.now()


def _outcome(operation: Operation | None) -> dict[str, str] | None:
    if operation is None or operation.is_active or operation.outcome_code is None:
        return None
    code, params = operation.outcome_code, operation.outcome_params
    return {"title": sentences.title(code, params), "detail": sentences.detail(code, params)}


def _told(item: dict[str, Any]) -> dict[str, str]:
    code, params = item["code"], item["params"]
    if code in sentences.sentences():
        return {"title": sentences.title(code, params), "detail": sentences.detail(code, params)}
    return {"title": sentences.text(code, params), "detail": ""}


def _fields(error: WaybillError) -> list[tuple[str, str]]:
    """Give place and sentence of each thing that is wrong, places as people read them: `web › variables › 0`."""
    told = field_problems(error)
    return [
        (place.removeprefix("components/").replace("/", " › "), words)
        for place, found in told.items()
        for words in found
    ]
