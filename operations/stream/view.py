"""`GET /events/operations/op-12`: the operation as it happens, as server-sent events.

`event: log` carries a line of the log and its id; a browser that lost the connection sends the last id and goes on from
there. `event: operation` carries the whole operation, at most once a second and at each change of its state.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from console.kit.api.answers import encode
from console.kit.errors import MethodNotAllowed, NotFound, WaybillError
from operations.stream.hub import hub
from operations.stream.reader import Look, Reader, in_thread, look, permitted, reader_of, refusal
from operations.stream.seats import Seated, Seats

RIGHTS_EVERY = 2.0
OPERATION_EVERY = 1.0
KEEP_ALIVE = 15.0
_ID = re.compile(r"\d{1,18}")

seats = Seats(total=500, each=50)
"""Whoever finds none is answered 429; a page then asks for its news every few seconds instead."""


async def operation_events(request: HttpRequest, number: int) -> HttpResponseBase:
    """Open the stream. Refuses as the REST addresses do: 401 for nobody, 404 for absent and foreign alike, 429 once too
    many are open."""
    try:
        if request.method != "GET":
            raise MethodNotAllowed("method_not_allowed", method=request.method or "")
        reader = await in_thread(reader_of, request)
        if not await in_thread(permitted, reader, number):
            raise NotFound()
        seats.take(reader.user_id)
    except WaybillError as error:
        return await in_thread(refusal, error, request)
    # Nothing is awaited between the seat and the answer that gives it back.
    response = Seated(
        _events(reader, number, _after(request)),
        content_type="text/event-stream",
        seats=seats,
        person=reader.user_id,
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _after(request: HttpRequest) -> int:
    """Give the id of the last line the reader has; what is no id of ours counts as none."""
    text = request.headers.get("Last-Event-ID", "")
    return int(text) if _ID.fullmatch(text) else 0


async def _events(reader: Reader, number: int, after: int) -> AsyncIterator[bytes]:
    stream = _Stream(after)
    yield b"retry: 1000\n\n"
    with hub().listening(f"op-{number}") as woken:
        while True:
            woken.clear()
            found = await in_thread(look, reader, number, stream.after)
            if found is None:
                return
            for chunk in stream.chunks(found):
                yield chunk
            if found.ended and not found.more:
                return
            if found.more:
                continue
            async for chunk in _quiet(reader, number, stream, woken):
                yield chunk
            if stream.closed:
                return


async def _quiet(reader: Reader, number: int, stream: _Stream, woken: asyncio.Event) -> AsyncIterator[bytes]:
    """Wait for news; ask for the rights every 2 s meanwhile, and say every 15 s that the stream lives."""
    while not await _wait(woken, stream.patience()):
        if stream.owes() or hub().deaf:
            return
        if not await in_thread(permitted, reader, number):
            stream.closed = True
            return
        if stream.silent_for() >= KEEP_ALIVE:
            yield stream.said(b": keep-alive\n\n")


async def _wait(woken: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(woken.wait(), timeout=seconds)
    except TimeoutError:
        return False
    return True


class _Stream:
    """What one reader has been sent."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.closed = False
        self._key: Any = None
        self._state: Any = None
        self._operation_at = 0.0
        self._said_at = time.monotonic()
        self._owed = False

    def chunks(self, found: Look) -> list[bytes]:
        """Give what to send for what was found."""
        out = []
        for line in found.lines:
            self.after = line.pop("id")
            out.append(self.said(b"event: log\nid: %d\ndata: %s\n\n" % (self.after, encode(line))))
        state = (found.operation["state"], found.operation["cancel_requested"])
        news = found.key != self._key
        due = state != self._state or time.monotonic() - self._operation_at >= OPERATION_EVERY
        self._owed = news and not due
        if news and due:
            self._key, self._state, self._operation_at = found.key, state, time.monotonic()
            out.append(self.said(b"event: operation\ndata: %s\n\n" % encode(found.operation)))
        return out

    def said(self, chunk: bytes) -> bytes:
        """Note that something was sent."""
        self._said_at = time.monotonic()
        return chunk

    def silent_for(self) -> float:
        """Seconds since something was sent."""
        return time.monotonic() - self._said_at

    def owes(self) -> bool:
        """Whether the operation has news that was held back for its second."""
        return self._owed

    def patience(self) -> float:
        """Seconds to wait before looking again unasked."""
        if self._owed:
            return max(0.05, OPERATION_EVERY - (time.monotonic() - self._operation_at))
        return RIGHTS_EVERY
