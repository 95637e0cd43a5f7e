"""A request sent twice is done once: the key and the work are written in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from console.kit.errors import Invalid, Malformed
from console.kit.models import uuid7
from operations.models import IdempotencyKey, Operation
from teams.models import User

KEY_MAX = 255

# Waits for a transaction that has inserted the same key and not ended yet: a double click sees the first one's answer.
_INSERT = """
INSERT INTO idempotency_key (id, created_at, user_id, key, request_hash, status, location)
VALUES (%s, clock_timestamp(), %s, %s, %s, 0, '')
ON CONFLICT (user_id, key) DO NOTHING
"""


@dataclass(frozen=True)
class Answered:
    """The work a request started, and whether it is the answer to an earlier, equal request."""

    operation: Operation
    replayed: bool


def request_hash(method: str, path: str, body: Any) -> str:
    """Give what tells two requests apart. Keyed, since a body may hold a password that a plain hash would betray."""
    said = json.dumps([method, path, body], sort_keys=True, ensure_ascii=False)
    return salted_hmac("waybill.idempotency", said, algorithm="sha256").hexdigest()


def once(*, user: User, key: str, request_hash: str, action: Callable[[], Operation], status: int = 202) -> Answered:
    """Call `action` in a transaction with the key; for a key seen before give the operation it started.

    Raises Malformed("idempotency_key_missing") for no key or one over 255 characters, Invalid("idempotency_key_reused")
    when the key came with another request. What `action` raises undoes the key too, so the request may be sent again.
    """
    if not 1 <= len(key) <= KEY_MAX or not key.isprintable():
        raise Malformed("idempotency_key_missing")
    with transaction.atomic():
        row_id = uuid7()
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [row_id, user.pk, key, request_hash])
            fresh = cursor.rowcount == 1
        if not fresh:
            return _replay(user, key, request_hash)
        operation = action()
        location = f"/api/v1/operations/{operation.name}"
        IdempotencyKey.objects.filter(pk=row_id).update(operation=operation, status=status, location=location)
    return Answered(operation, replayed=False)


def _replay(user: User, key: str, request_hash: str) -> Answered:
    known = IdempotencyKey.objects.select_related("operation").get(user=user, key=key)
    if known.request_hash != request_hash or known.operation is None:
        raise Invalid("idempotency_key_reused")
    return Answered(known.operation, replayed=True)
