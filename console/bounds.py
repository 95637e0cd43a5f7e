"""The bound of a body before Django: its ASGI handler writes a whole body to a file before it asks what it is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from django.conf import settings

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

WORDS = b"This is larger than what the console reads. Nothing was changed. Send less at once.\n"


class Bounded:
    """Hands requests on whose body is at most WAYBILL_MAX_BODY, whatever their headers say of it; 413 to all others."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one of the server's own events."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit: int = settings.WAYBILL_MAX_BODY
        if _declared(scope.get("headers") or ()) > limit:
            await _refuse(send)
            return
        meter = _Meter(receive, limit)
        await self.application(scope, meter.receive, send)
        if meter.over:
            await _refuse(send)


class _Meter:
    """Counts what comes; past the limit it says that the other side has gone, on which Django gives the request up
    without a word."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        self.over = False

    async def receive(self) -> Message:
        """Give the next message."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body") or b"")
            if self._left < 0:
                self.over = True
                return {"type": "http.disconnect"}
        return message


def _declared(headers: Iterable[tuple[bytes, bytes]]) -> int:
    found = [value for name, value in headers if name.lower() == b"content-length"]
    return max((int(value) for value in found if value.isdigit()), default=0)


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": WORDS})
