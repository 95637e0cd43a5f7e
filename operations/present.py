"""The JSON of operations, the same in answers, lists and event streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from console.kit import messages
from operations import registry, words
from operations.models import Operation, OperationEvent, OperationQuerySet, Step
from operations.registry import PlaceNames

if TYPE_CHECKING:
    from teams.access import Person

API = "/api/v1/operations"


def with_parts(rows: OperationQuerySet) -> OperationQuerySet:
    """Read along what the JSON shows, with as many queries for one row as for fifty."""
    return rows.select_related("initiator", "token", "parent", "retry_of").prefetch_related("steps", "children")


def operation_json(operation: Operation, user: Person) -> dict[str, Any]:
    """Give the operation's JSON for `user`, in the active language."""
    return operations_json([operation], user)[0]


def operations_json(operations: Iterable[Operation], user: Person) -> list[dict[str, Any]]:
    """Give the JSON of several operations; environments and clusters are named with one query each."""
    rows = list(operations)
    places = registry.place_names(
        {row.environment_id for row in rows if row.environment_id}, {row.cluster_id for row in rows if row.cluster_id}
    )
    _look_up(rows)
    return [_json(row, places) for row in rows]


def _look_up(rows: Sequence[Operation]) -> None:
    """Let each kind read what its operations are shown with, once for all of them."""
    kinds: dict[str, list[Operation]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    for kind, found in kinds.items():
        if runner := registry.find(kind):
            runner.look_up(found)


def location(operation: Operation) -> str:
    """Give the operation's API path."""
    return f"{API}/{operation.name}"


def _json(operation: Operation, places: PlaceNames) -> dict[str, Any]:
    parent, retry_of, token, person = operation.parent, operation.retry_of, operation.token, operation.initiator
    data = {
        "id": operation.name,
        "kind": operation.kind,
        "state": operation.state,
        "waiting_for": _waiting_for(operation),
        "cancel_requested": operation.cancel_requested_at is not None,
        "cancellable": cancellable(operation),
        "changed": operation.changed,
        "progress": {
            "done": operation.done,
            "total": operation.total,
            "unit": operation.unit,
            "percent": operation.percent,
        },
        "steps": [step_json(step) for step in sorted(operation.steps.all(), key=lambda step: step.seq)],
        "subject": operation.subject,
        "environment": places.environments.get(operation.environment_id) if operation.environment_id else None,
        "cluster": places.clusters.get(operation.cluster_id) if operation.cluster_id else None,
        "parent": parent.name if parent else None,
        "children": [child.name for child in sorted(operation.children.all(), key=lambda child: child.number)],
        "retry_of": retry_of.name if retry_of else None,
        "created_by": {"login": person.login, "name": person.name} if person else None,
        "token": token.prefix if token else None,
        "created_at": operation.created_at,
        "started_at": operation.started_at,
        "finished_at": operation.finished_at,
        "deadline": operation.deadline,
        "outcome": _outcome(operation),
        "result": _result(operation),
        "links": _links(operation),
    }
    if operation.kind == "plan":
        data["plan"] = operation.plan
    return data


def step_json(step: Step) -> dict[str, Any]:
    """Give a step's JSON."""
    message = None
    if step.message_code:
        message = {"code": step.message_code, "params": step.message_params, "text": words.step_message(step)}
    return {"key": step.key, "state": step.state, "seconds": _seconds(step), "message": message}


def event_json(event: OperationEvent) -> dict[str, Any]:
    """Give a log line's JSON."""
    return {
        "id": event.pk,
        "at": event.at,
        "level": event.level,
        "component": event.component,
        "code": event.code,
        "params": event.params,
        "text": words.line(event),
    }


def cancellable(operation: Operation) -> bool:
    """Whether a cancel would be accepted now."""
    if not operation.is_active or operation.cancel_requested_at is not None:
        return False
    if operation.is_batch:
        return any(cancellable(child) for child in operation.children.all())
    runner = registry.find(operation.kind)
    return runner is not None and runner.can_cancel(operation)


def _seconds(step: Step) -> int | None:
    if step.started_at is None:
        return None
    until: datetime = step.finished_at or timezone.now()
    return max(0, round((until - step.started_at).total_seconds()))


def _waiting_for(operation: Operation) -> dict[str, Any] | None:
    awaited = operation.waiting_for
    return {name: awaited[name] for name in ("kind", "name", "since")} if awaited else None


def _outcome(operation: Operation) -> dict[str, Any] | None:
    code, params = operation.outcome_code, operation.outcome_params
    if code is None:
        return None
    runner = registry.find(operation.kind)
    return {
        "code": code,
        "params": params,
        "title": messages.title(code, params),
        "detail": messages.detail(code, params),
        "next": runner.next_steps(operation) if runner else [],
    }


def _result(operation: Operation) -> dict[str, Any] | None:
    if operation.state != "succeeded":
        return None
    runner = registry.find(operation.kind)
    return runner.result(operation) if runner else {"href": operation.subject_href()}


def _links(operation: Operation) -> dict[str, str]:
    base = location(operation)
    return {
        "self": base,
        "html": f"/operations/{operation.name}",
        "events": f"/events/operations/{operation.name}",
        "log": f"{base}/log",
        "cancel": f"{base}/cancel",
        "retries": f"{base}/retries",
    }
