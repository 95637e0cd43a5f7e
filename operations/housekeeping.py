"""The engine's own duties: secrets of ended operations are wiped, and old idempotency keys forgotten."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

from django.utils import timezone

from operations import registry, states
from operations.models import IdempotencyKey, Operation

KEEP_SEALED: Final = timedelta(hours=1)
KEEP_KEYS: Final = timedelta(hours=24)


def wipe_sealed(subject_id: uuid.UUID | None = None) -> None:
    """Wipe the sealed input of operations that ended more than an hour ago."""
    ended = Operation.objects.filter(state__in=states.TERMINAL, sealed__isnull=False)
    ended.filter(finished_at__lt=timezone.now() - KEEP_SEALED).update(sealed=None)


def expire_keys(subject_id: uuid.UUID | None = None) -> None:
    """Forget idempotency keys older than 24 h."""
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEEP_KEYS).delete()


def register() -> None:
    """Make both known to the workers."""
    registry.register_duty("wipe_sealed", 60, wipe_sealed, standing=True)
    registry.register_duty("expire_keys", 300, expire_keys, standing=True)
