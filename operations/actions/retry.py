"""Retry: the same work again, as a new operation."""

from __future__ import annotations

from django.db import transaction

from console.kit.errors import Refused
from operations import registry
from operations.actions.cancel import require_rights
from operations.models import Operation
from teams import audit
from teams.models import User

RETRYABLE = ("failed", "errored", "cancelled")


def tried_again(operation: Operation) -> Operation | None:
    """Give the newest operation that tried this one again."""
    return Operation.objects.filter(retry_of=operation).order_by("-number").first()


def retryable(operation: Operation) -> bool:
    """Tell whether a page offers a retry: it ended badly, was not tried again yet, and its kind would take it up."""
    if operation.is_batch or operation.state not in RETRYABLE or tried_again(operation) is not None:
        return False
    runner = registry.find(operation.kind)
    return runner is not None and runner.can_retry(operation)


@transaction.atomic
def retry(*, operation: Operation, acting_user: User) -> Operation:
    """Start the work of `operation` anew; gives the new operation, whose `retry_of` is the old one.

    Needs the right to start that kind on that subject. Raises Refused("not_retryable") unless the operation ended
    badly and its kind can be tried again, and what starting it raises (`operation_in_progress` and others).
    """
    require_rights(operation, acting_user)
    if operation.is_batch or operation.state not in RETRYABLE:
        raise Refused("not_retryable", kind=operation.kind)
    fresh = registry.runner(operation.kind).retry(operation, acting_user)
    audit.record(
        "operation.retried",
        acting_user=acting_user,
        object_type="operation",
        object_id=fresh.pk,
        object_label=fresh.name,
        team=operation.team,
        enterprise=operation.enterprise,
        environment_id=operation.environment_id,
        after={"kind": operation.kind, "retry_of": operation.name},
    )
    return fresh
