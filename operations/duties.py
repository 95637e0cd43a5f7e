"""Rows of recurring work: made and ended by the actions on what they watch."""

from __future__ import annotations

import uuid

from django.db import connection
from django.db.models.functions import Now

from console.kit.models import uuid7
from operations import registry
from operations.models import Duty

# The row is the schedule: making it twice is harmless, and so are two processes that make it at once.
_INSERT = """
INSERT INTO duty (id, created_at, kind, subject_id, next_at) VALUES (%s, clock_timestamp(), %s, %s, clock_timestamp())
ON CONFLICT (kind, subject_id) DO NOTHING
"""


def schedule_duty(kind: str, subject_id: uuid.UUID | None = None) -> None:
    """Have the duty `kind` done for the subject from now on. Raises KeyError for an unregistered kind."""
    registry.duty(kind)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [uuid7(), kind, subject_id])


def end_duty(kind: str, subject_id: uuid.UUID | None = None) -> None:
    """Have the duty no longer done for the subject; a run under way ends by itself."""
    Duty.objects.filter(kind=kind, subject_id=subject_id).delete()


def hasten_duty(kind: str, subject_id: uuid.UUID) -> None:
    """Have the duty done for the subject as soon as somebody is free; after a run under way, once more right away."""
    Duty.objects.filter(kind=kind, subject_id=subject_id).update(next_at=Now())


def ensure_standing() -> None:
    """Make the rows of the duties that belong to the whole console."""
    for duty in registry.duties():
        if duty.standing:
            schedule_duty(duty.kind)
