"""The doorbell: tells some worker that a row is waiting. Best effort; a lost ring costs two seconds, never work."""

from __future__ import annotations

import logging
import uuid
from functools import partial

from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from console.kit.points import point

logger = logging.getLogger(__name__)


def ring_on_commit(operation_id: uuid.UUID) -> None:
    """Ring once the running transaction has committed. Takes 0.2 s at most and never raises."""
    transaction.on_commit(partial(ring, operation_id), robust=True)


def ring(operation_id: uuid.UUID) -> None:
    """Ring now. The broker being away is logged and forgotten: the sweep finds the row."""
    from operations.tasks import ring as task

    point("redis", "ring", "before")
    try:
        task.apply_async((str(operation_id),), retry=False)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("the doorbell did not ring: %s", type(error).__name__)
        return
    point("redis", "ring", "after")
