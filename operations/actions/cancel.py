"""Cancel: ask an operation to stop at its next step boundary; one that nobody has claimed ends at once."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from console.kit.errors import NotFound, Refused
from operations import registry
from operations.engine.ending import close, hold_parent, settle
from operations.models import Operation, OperationEvent
from operations.present import cancellable
from operations.ring import ring_on_commit
from teams import access, audit
from teams.models import User


@transaction.atomic
def cancel(*, operation: Operation, acting_user: User) -> Operation:
    """Ask for the end of `operation`, for a batch of all its children.

    Needs the right to start that kind on that subject. Raises Refused("not_cancellable") when it has ended or is past
    the point. Asking again while a cancel is under way changes nothing.
    """
    require_rights(operation, acting_user)
    hold_parent(operation)
    row = Operation.objects.select_for_update(no_key=True).get(pk=operation.pk)
    if row.is_active and row.cancel_requested_at is not None:
        return row
    if not cancellable(row):
        raise Refused("not_cancellable", kind=row.kind)
    audit.record(
        "operation.cancel_requested",
        acting_user=acting_user,
        object_type="operation",
        object_id=row.pk,
        object_label=row.name,
        team=row.team,
        enterprise=row.enterprise,
        environment_id=row.environment_id,
        after={"kind": row.kind, "subject": row.subject["name"]},
    )
    _ask(row, acting_user)
    if row.is_batch:
        for child in row.children.select_for_update(no_key=True).order_by("number"):
            if cancellable(child):
                _ask(child, acting_user)
        settle(Operation.objects.get(pk=row.pk))
    elif row.parent_id is not None:
        settle(Operation.objects.get(pk=row.parent_id))
    row.refresh_from_db()
    return row


def require_rights(operation: Operation, acting_user: User) -> None:
    """Let pass who may start that kind on that subject now; for a batch, who may for each child."""
    if operation.enterprise_id != acting_user.enterprise_id:
        raise NotFound()
    if operation.is_batch:
        for child in operation.children.select_related("team"):
            require_rights(child, acting_user)
        return
    right, team = registry.runner(operation.kind).rights(operation)
    access.require(acting_user, right, team)


def _ask(row: Operation, acting_user: User) -> None:
    """Write the request on a locked row; a queued operation, which no worker has seen, ends here."""
    Operation.objects.filter(pk=row.pk).update(
        cancel_requested_at=Now(), cancel_requested_by=acting_user, not_before=Now()
    )
    row.refresh_from_db()
    OperationEvent.objects.create(
        operation=row, level="warning", code="cancel_requested", params={"by": acting_user.name}
    )
    if row.state == "queued":
        close(row, "cancelled", None)
        registry.runner(row.kind).finished(row, "cancelled", None)
    elif not row.is_batch:
        ring_on_commit(row.pk)
