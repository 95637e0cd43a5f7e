"""Pages of operations: the list, and each one's own page, which shows what its rows say and nothing it remembers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from console.kit.errors import WaybillError
from console.kit.middleware import note_refusal
from console.kit.pages import SignedIn, page, problem, sentences
from console.kit.paging import paged
from operations import registry, words
from operations.actions.cancel import cancel, require_rights
from operations.actions.retry import retry, retryable, tried_again
from operations.eta import seconds_left
from operations.log_file import log_file
from operations.models import Operation, Step
from operations.present import operation_json, with_parts
from operations.starting import new_key, start_once
from teams import places
from teams.places import Place

LOG_LINES = 500
FIND_MOST = 64
FILTERS = ("q", "kind", "state", "mine")
API = "/api/v1"
SORTS = {"started": "number", "state": "state"}


class Row:
    """One line of a list of operations."""

    def __init__(self, operation: Operation) -> None:
        self.name = operation.name
        self.state = operation.state
        self.percent = operation.percent
        self.initiator = operation.initiator
        self.created_at = operation.created_at
        self.place: Place | None = None
        self.environment_id = operation.environment_id
        self.seconds = elapsed(operation)
        self.title = title_of(operation)
        self.word = words.headline(operation)


def title_of(operation: Operation) -> str:
    """Name an operation: what is done to what."""
    noun = words.of_kind(operation.kind).noun
    return _("%(what)s: %(subject)s") % {"what": noun, "subject": operation.subject["name"]}


def elapsed(operation: Operation) -> float | None:
    """Give how long it has run, or ran, in seconds; None before a worker took it up."""
    if operation.started_at is None:
        return None
    return ((operation.finished_at or timezone.now()) - operation.started_at).total_seconds()


def page_of(operation: Operation) -> str | None:
    """Give the page of what the operation is about: it has the address of its resource. None where there is none."""
    path = str(operation.subject.get("href") or "").removeprefix(API)
    try:
        resolve(path)
    except Resolver404:
        return None
    return path


@require_GET
@page
def operation_list(request: SignedIn) -> HttpResponse:
    """List the operations the person may see, newest first; filters stand in the address."""
    rows = Operation.objects.permitted(request.user).listed().select_related("initiator").order_by("-number")
    given = {name: request.GET.get(name, "").strip() for name in FILTERS}
    if given["q"]:
        rows = rows.filter(subject__name__icontains=given["q"])
    if given["kind"] in registry.kinds():
        rows = rows.filter(kind=given["kind"])
    if given["state"] in words.STATES:
        rows = rows.filter(state=given["state"])
    elif given["state"] == "active":
        rows = rows.active()
    if given["mine"]:
        rows = rows.filter(initiator=request.user)
    shown = paged(request, rows, show=Row, filters=FILTERS, sorts=SORTS, sort="-started", tie="number")
    known = places.environments(row.environment_id for row in shown.rows if row.environment_id)
    for row in shown.rows:
        row.place = known.get(row.environment_id) if row.environment_id else None
    context = {
        "page": shown,
        "operations": shown.rows,
        "filtered": shown.filtered,
        "states": words.STATES.items(),
        "kinds": words.kinds(),
        "filters": given,
    }
    return render(request, "operations/list.html", context)


@never_cache
@require_GET
@page
def operation_page(request: SignedIn, name: str) -> HttpResponse:
    """Show one operation; afterwards the page's script keeps the parts fresh."""
    return render(request, "operations/page.html", _context(request, _found(request, name)))


@never_cache
@require_GET
@page
def operation_parts(request: SignedIn, name: str) -> HttpResponse:
    """Give the parts of the page that change."""
    return render(request, "operations/_parts.html", _context(request, _found(request, name)))


@never_cache
@require_GET
@page
def operation_log_text(request: SignedIn, name: str) -> StreamingHttpResponse:
    """Give the whole log as a text file."""
    return log_file(_found(request, name))


@require_POST
@page
def operation_cancel(request: SignedIn, name: str) -> HttpResponse:
    """Ask for the end of the operation."""
    operation = _found(request, name)
    try:
        cancel(operation=operation, acting_user=request.user)
    except WaybillError as error:
        note_refusal(request, error)
        messages.error(request, problem(error)["detail"])
    return redirect("operation_page", operation.name)


@require_POST
@page
def operation_retry(request: SignedIn, name: str) -> HttpResponse:
    """Start the work anew and go to the new operation; pressing twice starts it once."""
    operation = _found(request, name)
    try:
        fresh = start_once(request, lambda: retry(operation=operation, acting_user=request.user))
    except WaybillError as error:
        note_refusal(request, error)
        messages.error(request, problem(error)["detail"])
        return redirect("operation_page", operation.name)
    return redirect("operation_page", fresh.name)


def _found(request: SignedIn, name: str) -> Operation:
    number = name.removeprefix("op-")
    rows = with_parts(Operation.objects.permitted(request.user))
    row = rows.filter(number=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if row is None:
        raise Http404
    return row


def _why_not(request: SignedIn, operation: Operation) -> str:
    """Say which role cancelling and retrying need; empty for whoever may."""
    try:
        require_rights(operation, request.user)
    except WaybillError as error:
        return sentences(error)
    return ""


def _context(request: SignedIn, operation: Operation) -> dict[str, Any]:
    why = _why_not(request, operation)
    ended = not operation.is_active
    return {
        "operation": operation,
        "op": operation_json(operation, request.user),
        "title": title_of(operation),
        "word": words.waiting(operation) or words.headline(operation),
        "elapsed": elapsed(operation),
        "left": _left(operation),
        "changed": _changed(operation),
        "about": page_of(operation),
        "place": places.environments([operation.environment_id]).get(operation.environment_id)
        if operation.environment_id
        else None,
        "progress_text": _progress(operation.done, operation.total, operation.unit),
        "steps": [_step(step) for step in sorted(operation.steps.all(), key=lambda step: step.seq)],
        "children": _children(operation),
        **_log(operation, request.GET.get("find", "").strip()[:FIND_MOST]),
        "ended": ended,
        "why": why,
        "retryable": retryable(operation),
        "again": tried_again(operation) if ended else None,
        "key": new_key(),
    }


def _log(operation: Operation, find: str) -> dict[str, Any]:
    """Give the newest lines, oldest first; of them those that hold `find`, where a page without a script asks."""
    found = list(operation.events.order_by("-id")[: LOG_LINES + 1])
    lines = [
        {"at": line.at, "level": line.level, "component": line.component, "text": words.line(line)}
        for line in reversed(found[:LOG_LINES])
    ]
    if find:
        word = find.casefold()
        lines = [line for line in lines if word in f"{line['component'] or ''} {line['text']}".casefold()]
    return {"log": lines, "longer": len(found) > LOG_LINES, "log_lines": LOG_LINES, "find": find}


def _children(operation: Operation) -> list[Row]:
    """Give the parts of a batch, each with its environment: the same work in another place is told apart by it."""
    rows = [Row(child) for child in sorted(operation.children.all(), key=lambda child: child.number)]
    known = places.environments(row.environment_id for row in rows if row.environment_id)
    for row in rows:
        row.place = known.get(row.environment_id) if row.environment_id else None
    return rows


def _left(operation: Operation) -> dict[str, Any] | None:
    """Say coarsely how much longer it takes, with the figure a page compares with the one before."""
    spent = elapsed(operation)
    if operation.state != "running" or spent is None:
        return None
    left = seconds_left(elapsed=spent, done=operation.done, total=operation.total, unit=operation.unit)
    if left is None:
        return None
    minutes = round(left / 60)
    about = ngettext("about %(n)d min left", "about %(n)d min left", minutes) % {"n": minutes}
    return {"seconds": left, "text": about if minutes else _("less than a minute left")}


def _changed(operation: Operation) -> str:
    """Say how much was changed by what did not succeed; empty for what did, and while it runs."""
    if operation.is_active or operation.state == "succeeded" or operation.is_batch:
        return ""
    return str(words.CHANGED.get(operation.changed, ""))


def _progress(done: int, total: int, unit: str) -> str:
    if not total:
        return ""
    if unit == "bytes":
        return _("%(done)s of %(total)s") % {"done": filesizeformat(done), "total": filesizeformat(total)}
    return _("%(done)s of %(total)s done") % {"done": done, "total": total}


def _step(step: Step) -> dict[str, Any]:
    seconds = None
    if step.started_at is not None:
        seconds = ((step.finished_at or timezone.now()) - step.started_at).total_seconds()
    return {
        "state": step.state,
        "title": words.step(step),
        "text": words.step_message(step),
        "seconds": seconds,
        "done": step.done,
        "total": step.total,
        "progress": _progress(step.done, step.total, step.unit),
    }
