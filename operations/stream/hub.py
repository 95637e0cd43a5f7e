"""The hub: one LISTEN connection per process, which wakes the streams whose rows have changed.

A notification is a hint and carries a name only; what is sent comes from the rows. While nobody listens the streams
look by themselves every two seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection

logger = logging.getLogger(__name__)

CHANNEL = "waybill"
AGAIN = 1.0


class Hub:
    """Belongs to one event loop; listens while it has at least one stream. `deaf`: it cannot listen at the moment."""

    def __init__(self) -> None:
        self._streams: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.deaf = True

    @contextmanager
    def listening(self, name: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something may have happened to `name`."""
        event = asyncio.Event()
        self._streams[name].add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listen())
        try:
            yield event
        finally:
            self._streams[name].discard(event)
            if not self._streams[name]:
                del self._streams[name]
            if not self._streams and self._task is not None:
                self._task.cancel()
                self._task = None

    def wake(self, name: str | None = None) -> None:
        """Wake the streams of `name`, or all of them."""
        names = [name] if name is not None else list(self._streams)
        for event in [event for one in names for event in self._streams.get(one, ())]:
            event.set()

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True) as link:
                    await link.execute(f"LISTEN {CHANNEL}")
                    self.deaf = False
                    self.wake()  # what came while nobody listened
                    async for notice in link.notifies():
                        self.wake(notice.payload)
            except (psycopg.Error, OSError) as error:
                logger.warning("event streams look by themselves until the database can be listened to: %s", error)
            self.deaf = True
            await asyncio.sleep(AGAIN)


def _parameters() -> dict[str, Any]:
    """Give how to reach the database, without what belongs to the pool and to Django's own cursors."""
    parameters: dict[str, Any] = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context", "prepare_threshold", "assume_role"):
        parameters.pop(name, None)
    return parameters


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Give the running event loop's hub."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
