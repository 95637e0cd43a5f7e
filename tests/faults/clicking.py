"""Many equal requests at once, and the guards against them taken away for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection

from operations import idempotency

CLICKS = 500
AT_ONCE = 16
DROP_KEY = "ALTER TABLE idempotency_key DROP CONSTRAINT idempotency_key_user"
ADD_KEY = "ALTER TABLE idempotency_key ADD CONSTRAINT idempotency_key_user UNIQUE (user_id, key)"


def press(count: int, one: Callable[[int], Any]) -> list[Any]:
    """Call `one` with each number below `count`, sixteen at a time, each thread with a connection of its own."""

    def click(number: int) -> Any:
        try:
            return one(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(click, range(count)))


@contextmanager
def without(drop: str, restore: str, *tables: str) -> Iterator[None]:
    """Take a guard out of the database for the block; afterwards these tables are emptied and it stands again."""
    with connection.cursor() as cursor:
        cursor.execute(drop)
        try:
            yield
        finally:
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            cursor.execute(restore)


@contextmanager
def without_key(*tables: str) -> Iterator[None]:
    """Let a key be used twice for the block: neither the statement minds it nor the table."""
    minding = idempotency._INSERT
    idempotency._INSERT = minding.replace("ON CONFLICT (user_id, key) DO NOTHING", "")
    try:
        with without(DROP_KEY, ADD_KEY, *tables):
            yield
    finally:
        idempotency._INSERT = minding
