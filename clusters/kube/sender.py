"""Sending: the one function from which a request to a cluster leaves, and the waiting until it is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson
from urllib3.response import BaseHTTPResponse

from clusters.kube.channel import Channel, NetworkErrors, drain, went_stale
from clusters.kube.errors import CredentialsRefused, Forbidden, contended, translate
from clusters.kube.protocol import Guard
from console.kit.errors import Rejected, Unreachable
from console.kit.points import point

WRITE_SECONDS = 6.0
READ_SECONDS = 15.0
LIMIT = 64 << 20
TRIES = 4
WAIT_MOST = 3.0
NEW_KEY_SECONDS = 1.0

JSON = "application/json"


class Identity(Protocol):
    """Who the requests speak as."""

    def headers(self) -> dict[str, str]:
        """Give the headers that carry the identity; none where the connection itself does."""

    def refused(self, status: int) -> bool:
        """Hear that it was refused (401, 403); tell whether asking again may succeed."""

    def bound(self, guard: Guard, step: str) -> Identity:
        """Give the identity as a running operation holds it."""


@dataclass(frozen=True)
class Fixed:
    """The cluster's own credential: a bearer token, or none where a client certificate speaks."""

    token: str = ""

    def headers(self) -> dict[str, str]:
        """Give the bearer token."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def refused(self, status: int) -> bool:
        """Nothing fresher is to be had."""
        return False

    def bound(self, guard: Guard, step: str) -> Fixed:
        """It is the same for every operation."""
        return self


@dataclass(frozen=True)
class Request:
    """One request, as the client means it. `target` names the object for people."""

    method: str
    path: str
    query: dict[str, str]
    kind: str
    target: str
    body: Any = None
    content_type: str = JSON
    writes: bool = False
    seconds: float = READ_SECONDS

    @property
    def address(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) if isinstance(self.body, bytes) else len(orjson.dumps(self.body))


@dataclass(frozen=True)
class Reply:
    """An answer, read."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]
    retry_after: float


def warning_texts(response: BaseHTTPResponse) -> tuple[str, ...]:
    """Give the texts of the Warning headers (`299 - "text"`)."""
    lines = response.headers.getlist("Warning") if "Warning" in response.headers else []
    return tuple(line.partition('"')[2].rpartition('"')[0].replace('\\"', '"') or line for line in lines)


def _seconds(text: str | None) -> float:
    return min(float(text), WAIT_MOST) if text and text.isdigit() else 1.0


class Sender:
    """One cluster, one identity: requests out, answers in."""

    def __init__(
        self,
        channel: Channel,
        identity: Identity,
        cluster: str,
        *,
        agent: str = "waybill",
        check: Callable[[], None] | None = None,
    ) -> None:
        self.channel = channel
        self.identity = identity
        self.cluster = cluster
        self.agent = agent
        self._check = check

    @property
    def window(self) -> int:
        """How many requests to have in flight at once."""
        return self.channel.window

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": JSON, "User-Agent": self.agent, **self.identity.headers()}
        return headers if request.body is None else {**headers, "Content-Type": request.content_type}

    def _once(self, request: Request) -> Reply:
        """Send one request and read its answer: the only place from which a request to a cluster leaves."""
        detail = f"{request.method} {request.path}"
        headers = self._headers(request)
        point("kube", detail, "before")
        try:
            response = self.channel.call(
                request.method,
                request.address,
                headers,
                request.body,
                seconds=request.seconds,
                check=self._check if request.writes else None,
            )
            raw = drain(response, limit=LIMIT, seconds=request.seconds)
        except NetworkErrors as error:
            raise self.channel.failure(error, self.cluster) from error
        point("kube", detail, "after")
        self.channel.answered()
        return Reply(
            response.status,
            self._parse(response, raw),
            warning_texts(response),
            _seconds(response.headers.get("Retry-After")),
        )

    def _parse(self, response: BaseHTTPResponse, raw: bytes) -> dict[str, Any]:
        """Read the answer's JSON. Throttling and proxies answer in plain text, so the status is looked at first."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = None
        if isinstance(body, dict):
            return body
        if 200 <= response.status < 300:
            raise Rejected("address_unreachable", host=self.channel.host, reason="not_kubernetes")
        return {}

    def send(self, request: Request) -> Reply:
        """Send until it is answered for good: waits out throttling and the quota's counter, renews a refused key."""
        until = time.monotonic() + NEW_KEY_SECONDS
        tries = 0
        while True:
            tries += 1
            try:
                reply = self._once(request)
            except Unreachable as error:
                if tries == 1 and request.method == "GET" and went_stale(error):
                    continue
                raise
            pause = self._again_after(request, reply, tries, until)
            if pause is None:
                return reply
            time.sleep(pause)

    def _again_after(self, request: Request, reply: Reply, tries: int, until: float) -> float | None:
        """Give the seconds after which the same request is right again; None when the answer is final."""
        if reply.status == 429 and tries < TRIES:
            self.channel.throttled()
            return reply.retry_after
        if contended(reply.status, reply.body, request.kind) and tries < TRIES * 2:
            return 0.02 * tries
        if reply.status in (401, 403) and self._renew(request, reply, until):
            return 0.02 * tries
        return None

    def _renew(self, request: Request, reply: Reply, until: float) -> bool:
        """Tell whether a refused request shall be sent once more: with a newer key, or while a new binding settles.

        The guard is asked first: a worker that lost its lease stops here.
        """
        error = self.error(request, reply)
        if not isinstance(error, (CredentialsRefused, Forbidden)) or time.monotonic() > until:
            return False
        if self._check is not None:
            self._check()
        return self.identity.refused(reply.status)

    def error(self, request: Request, reply: Reply) -> Exception:
        """Give the error an answer means."""
        if 300 <= reply.status < 400:
            return Rejected("address_unreachable", host=self.channel.host, reason="redirected")
        error = translate(
            reply.status,
            reply.body,
            target=request.target,
            cluster=self.cluster,
            since=self.channel.since(),
            size=request.size if request.body is not None else 0,
        )
        if isinstance(error, Unreachable) and reply.status in (429, 503):
            error.retry_after = reply.retry_after
        return error

    def ask(self, request: Request) -> Reply:
        """Send; raise the error of any answer that is not a success."""
        reply = self.send(request)
        if 200 <= reply.status < 300:
            return reply
        raise self.error(request, reply)

    def open(self, address: str, seconds: float) -> BaseHTTPResponse:
        """Open a stream of answers; the caller closes it."""
        request = Request("GET", address.partition("?")[0], {}, "", "stream")
        point("kube", f"GET {request.path} stream", "before")
        try:
            response = self.channel.call("GET", address, self._headers(request), None, seconds=seconds, stream=True)
            if response.status == 200:
                point("kube", f"GET {request.path} stream", "after")
                self.channel.answered()
                return response
            raw = drain(response, limit=LIMIT, seconds=READ_SECONDS)
        except NetworkErrors as error:
            raise self.channel.failure(error, self.cluster) from error
        raise self.error(request, Reply(response.status, self._parse(response, raw), (), 0))
