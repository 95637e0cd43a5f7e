"""How an operation ends: one transaction moves it, frees its lock, tells its runner, its parent and the audit trail."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from console.kit.errors import WaybillError
from operations import states
from operations.engine.lease import bound_idle
from operations.engine.work import Work
from operations.models import Operation, OperationEvent
from teams import audit

_LEVEL = {"succeeded": "info", "cancelled": "warning", "failed": "error", "errored": "error"}


def end(work: Work, state: str, error: WaybillError | None, *, tell: bool = True) -> None:
    """End the operation as `state`. Raises LeaseLost when it is no longer ours, and then changes nothing.

    `tell` False leaves the runner's own part out: it has failed twice, and the operation must not stay for ever.
    """
    operation = work.operation
    with transaction.atomic():
        bound_idle()
        parent = hold_parent(operation)
        with work.record():
            operation.steps.filter(state__in=("pending", "running")).update(state="skipped", finished_at=Now())
            if operation.state == "waiting":
                work.update(state="running", waiting_for=None)
            if state == "errored" and operation.changed == "nothing":
                work.update(changed="unknown")
            close(operation, state, error)
            if tell:
                work.runner.finished(operation, state, error)
            settle(parent)


def close(operation: Operation, state: str, error: WaybillError | None) -> None:
    """Write the terminal row, its last line of log and, for a cancel, the audit event. Inside a transaction."""
    fields: dict[str, Any] = {
        "state": state,
        "outcome_code": error.code if error else None,
        "outcome_params": error.params if error else {},
        "lease_owner": None,
        "lease_until": None,
    }
    OperationEvent.objects.create(
        operation=operation,
        level=_LEVEL[state],
        code=f"operation_{state}",
        params={"code": error.code, **error.params} if error else {},
    )
    Operation.objects.filter(pk=operation.pk).update(**fields, finished_at=Now())
    for name, value in fields.items():
        setattr(operation, name, value)
    operation.refresh_from_db(fields=["finished_at"])
    if state == "cancelled":
        audit_cancelled(operation)


def audit_cancelled(operation: Operation) -> None:
    """Write that it ended by a cancel; what else an end means is for the runner to write."""
    audit.record(
        "operation.cancelled",
        acting_user=operation.cancel_requested_by,
        object_type="operation",
        object_id=operation.pk,
        object_label=operation.name,
        team=operation.team,
        enterprise=operation.enterprise,
        environment_id=operation.environment_id,
        after={"kind": operation.kind, "subject": operation.subject["name"], "changed": operation.changed},
    )


def hold_parent(operation: Operation) -> Operation | None:
    """Lock the parent's row: always before the child's own, so that two children never wait for each other."""
    if operation.parent_id is None:
        return None
    return Operation.objects.select_for_update(no_key=True).get(pk=operation.parent_id)


def settle(parent: Operation | None) -> None:
    """Count the children that ended; the last one ends the parent. The parent's row is locked by the caller."""
    if parent is None or not parent.is_active:
        return
    ends = list(parent.children.values_list("state", flat=True))
    ended = [state for state in ends if state in states.TERMINAL]
    Operation.objects.filter(pk=parent.pk).update(done=len(ended), total=len(ends))
    if len(ended) < len(ends) or not ends:
        return
    changed = set(parent.children.values_list("changed", flat=True))
    Operation.objects.filter(pk=parent.pk).update(changed=changed.pop() if len(changed) == 1 else "part")
    parent.refresh_from_db()
    close(parent, *_verdict(ends))


def _verdict(ends: list[str]) -> tuple[str, WaybillError | None]:
    if all(state == "succeeded" for state in ends):
        return "succeeded", None
    if all(state == "cancelled" for state in ends):
        return "cancelled", None
    bad = sum(state != "succeeded" for state in ends)
    return "failed", WaybillError("children_failed", n=bad)
