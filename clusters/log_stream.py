"""`GET /events/environments/{e}/apps/{a}/components/{k}/log`: the log of a component's newest pod, as plain text.

The streams process reads it from the cluster and writes nothing. `tail` lines (200 if not given, 5000 at most), with
`follow=true` as it goes on, with `previous=true` that of the container before its last restart; it ends after 1 MiB,
when the pod ends, and about two seconds after the right does.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from clusters.kube import connect
from clusters.kube.protocol import Listing, LogText
from clusters.log_lines import TAIL, TAIL_MOST
from clusters.manifests import labels
from clusters.models import Application
from console.kit.errors import FieldError, Invalid, Malformed, MethodNotAllowed, NotFound, WaybillError
from operations.stream.reader import Reader, in_thread, reader_of, refusal
from operations.stream.seats import Seats

LIMIT = 1 << 20
RIGHTS_EVERY = 2.0
seats = Seats(total=32, each=8)
"""So many logs are read at a time by one process, and of them for one person; each needs a thread and a line to a
cluster."""
PARAMETERS = ("tail", "follow", "previous")


class Asked(NamedTuple):
    """What was asked for."""

    tail: int
    follow: bool
    previous: bool = False


async def component_log(request: HttpRequest, environment: str, app: str, key: str) -> HttpResponseBase:
    """Open the log. Refuses as the REST addresses do; where a component has no pod there is nothing, 404."""
    try:
        if request.method != "GET":
            raise MethodNotAllowed("method_not_allowed", method=request.method or "")
        asked = _asked(request)
        reader = await in_thread(reader_of, request)
        row = await in_thread(_application, reader, environment, app)
        if row is None:
            raise NotFound()
        pipe = await _opened(row, key, asked, reader.user_id)
    except WaybillError as error:
        return await in_thread(refusal, error, request)
    response = StreamingHttpResponse(_text(pipe, reader, environment, app), content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _asked(request: HttpRequest) -> Asked:
    for name in request.GET:
        if name not in PARAMETERS:
            raise Malformed("unknown_parameter", parameter=name)
    tail = request.GET.get("tail", str(TAIL))
    if not (tail.isascii() and tail.isdigit() and len(tail) < 6 and 1 <= int(tail) <= TAIL_MOST):
        wrong = FieldError("?tail", "value_out_of_range", {"least": 1, "most": TAIL_MOST})
        raise Invalid("invalid", errors=[wrong])
    return Asked(int(tail), _yes(request, "follow"), _yes(request, "previous"))


def _yes(request: HttpRequest, name: str) -> bool:
    value = request.GET.get(name, "false")
    if value not in ("true", "false"):
        wrong = FieldError(f"?{name}", "choice_unknown", {"choices": ["true", "false"]})
        raise Invalid("invalid", errors=[wrong])
    return value == "true"


def _application(reader: Reader, environment: str, app: str) -> Application | None:
    person = reader.person()
    if person is None:
        return None
    rows = Application.objects.permitted(person).select_related("environment__cluster", "environment__enterprise")
    return rows.filter(environment__slug=environment, slug=app).first()


async def _opened(row: Application, key: str, asked: Asked, person: Any) -> Pipe:
    """Start the thread that reads, and wait until the cluster has opened the log. Raises what it answers instead."""
    seats.take(person)
    pipe = Pipe(asyncio.get_running_loop())
    threading.Thread(target=_read, args=(pipe, row, key, asked, person), name="log", daemon=True).start()
    try:
        first = await pipe.parts.get()
    except asyncio.CancelledError:
        pipe.close()
        raise
    if isinstance(first, WaybillError):
        raise first
    return pipe


async def _text(pipe: Pipe, reader: Reader, environment: str, app: str) -> AsyncIterator[bytes]:
    """Give the log as it comes; ask for the right again every two seconds."""
    asked_at = time.monotonic()
    try:
        while True:
            try:
                part = await asyncio.wait_for(pipe.parts.get(), timeout=RIGHTS_EVERY)
            except TimeoutError:
                part = b""
            if not isinstance(part, bytes):
                return
            if time.monotonic() - asked_at >= RIGHTS_EVERY:
                asked_at = time.monotonic()
                if await in_thread(_application, reader, environment, app) is None:
                    return
            if part:
                yield part
    finally:
        pipe.close()


class Pipe:
    """From the thread that reads a cluster to the coroutine that answers: parts of text, and None or an error at the
    end. The first one only says that the log is open."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.parts: asyncio.Queue[bytes | WaybillError | None] = asyncio.Queue()
        self._log: LogText | None = None
        self._closed = False
        self._lock = threading.Lock()

    def put(self, part: bytes | WaybillError | None) -> None:
        """Hand on a part; a loop that has ended needs nothing any more."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.parts.put_nowait, part)

    def reading(self, log: LogText) -> None:
        """Note what is being read, so that closing reaches it."""
        with self._lock:
            self._log = log
            if self._closed:
                log.stop()

    def close(self) -> None:
        """Nobody listens any more: the reading thread stops at once, also in the middle of waiting for a line."""
        with self._lock:
            self._closed = True
            if self._log is not None:
                self._log.stop()


def _read(pipe: Pipe, row: Application, key: str, asked: Asked, person: Any) -> None:
    """Find the newest pod and read its log until it ends, is cut, or nobody listens."""
    place = row.environment
    try:
        kube = connect.for_environment(place)
        selector = f"{labels.of_application(str(row.pk))},{labels.NAME}={key}"
        pod = _newest(kube.list("Pod", place.namespace, selector=selector))
        container = pod["spec"]["containers"][0]["name"]
        name = pod["metadata"]["name"]
        if asked.previous and not _was_restarted(pod, container):
            raise NotFound()
        run = {"previous": True} if asked.previous else {"follow": asked.follow}
        with kube.log(name, place.namespace, container, tail=asked.tail, limit=LIMIT, **run) as log:
            pipe.reading(log)
            pipe.put(b"")
            for part in log:
                pipe.put(part)
        pipe.put(None)
    except WaybillError as error:
        pipe.put(NotFound() if asked.previous and error.code == "manifest_rejected" else error)
    finally:
        seats.leave(person)
        connection.close()


def _newest(found: Listing) -> dict[str, Any]:
    """Give the pod made last, one that is on its way out only where there is no other. Raises NotFound for none."""
    if not found.items:
        raise NotFound()
    return max(found.items, key=lambda pod: (_lives(pod), str(pod["metadata"].get("creationTimestamp"))))


def _was_restarted(pod: dict[str, Any], container: str) -> bool:
    found = (pod.get("status") or {}).get("containerStatuses") or []
    return any(one["name"] == container and one.get("restartCount") for one in found)


def _lives(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" not in pod["metadata"]
