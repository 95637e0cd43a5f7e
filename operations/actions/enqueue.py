"""Enqueue: write the row that is the work."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from console.kit import secrets
from console.kit.context import current
from console.kit.errors import Refused
from console.kit.models import where
from operations import registry, states
from operations.models import Operation
from operations.ring import ring_on_commit

if TYPE_CHECKING:
    from teams.models import Enterprise, Team, User

BATCH = "batch"


@dataclass(frozen=True)
class Subject:
    """What an operation is about: its type, row, name as people know it, and API path. A snapshot."""

    type: str
    id: uuid.UUID | None
    name: str
    href: str


def enqueue(
    *,
    kind: str,
    subject: Subject,
    enterprise: Enterprise,
    initiator: User | None,
    team: Team | None = None,
    environment_id: uuid.UUID | None = None,
    cluster_id: uuid.UUID | None = None,
    lock_key: str | None = None,
    input: Mapping[str, Any] | None = None,
    sealed: Any = None,
    deadline_seconds: int,
    parent: Operation | None = None,
    retry_of: Operation | None = None,
    is_batch: bool = False,
) -> Operation:
    """Write the operation inside the caller's transaction, and ring a worker once that has committed.

    `input` holds no secrets; `sealed` (any JSON) is kept encrypted and wiped an hour after the end. The insert is the
    lock: raises Refused("operation_in_progress") while another operation with this `lock_key` has not ended. Raises
    KeyError for a kind without a runner.
    """
    if not is_batch:
        registry.runner(kind)
    operation = Operation(
        enterprise=enterprise,
        team=team,
        kind=kind,
        is_batch=is_batch,
        state="running" if is_batch else "queued",
        started_at=timezone.now() if is_batch else None,
        unit="children" if is_batch else registry.runner(kind).unit,
        subject_type=subject.type,
        subject_id=subject.id,
        subject={name: value for name, value in asdict(subject).items() if name != "id"},
        environment_id=environment_id,
        cluster_id=cluster_id,
        lock_key=lock_key,
        input=dict(input or {}),
        deadline=timezone.now() + timedelta(seconds=deadline_seconds),
        parent=parent,
        retry_of=retry_of,
        initiator=initiator,
        token_id=current().token_id,
        request_id=current().request_id,
    )
    if sealed is not None:
        operation.sealed = secrets.seal(sealed, where(operation, "sealed"))
    _insert(operation)
    if parent is not None:
        Operation.objects.filter(pk=parent.pk).update(total=parent.children.count())
    if not is_batch:
        ring_on_commit(operation.pk)
    return operation


def _insert(operation: Operation) -> None:
    """Insert; another active row with the same lock is a refusal that names it."""
    try:
        with transaction.atomic():
            operation.save(force_insert=True)
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if constraint != "operation_lock_key":
            raise
        raise in_progress(operation.lock_key or "") from error


def in_progress(lock_key: str) -> Refused:
    """Make the refusal that names the operation which holds `lock_key`."""
    held = (
        Operation.objects.filter(lock_key=lock_key, state__in=states.ACTIVE)
        .select_related("initiator")
        .order_by("number")
        .first()
    )
    return Refused(
        "operation_in_progress",
        operation=held.name if held else None,
        by=held.initiator.name if held and held.initiator else None,
        kind=held.kind if held else None,
        percent=held.percent if held else 0,
    )
