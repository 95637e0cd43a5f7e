"""Bytes to and from one registry: kept-alive blocking connections, one send function, failures told apart.

Every connection goes through the outbound guard. A connection is used by one thread at a time and is kept for the
next request once its answer was read to the end; a kept one that the other side has closed meanwhile is replaced once,
unseen. `http.client` and not an async client: bulk bytes cost a third of the processor time (measured).
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from console.kit import outbound
from console.kit.errors import Rejected, Unreachable, WaybillError
from console.kit.outbound import Trust
from console.kit.points import point
from marketplace.registry.kept import FRESH, KEPT, SECONDS, Kept

OPEN_SECONDS = 5.0
READ_SECONDS = 30.0
FINISH_SECONDS = 300.0
"""A registry may hash and move a large blob before it answers the last byte of an upload."""
LARGEST_ANSWER = 4 * 1024 * 1024
MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
BUSY = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT = 900.0
_GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)

Sink = Callable[[memoryview], None]


def _nothing() -> None:
    """Let every write pass (a registry used outside of an operation)."""


@dataclass(frozen=True)
class Hooks:
    """What the work around a request wants: asked before each write, how to wait, under which name to speak."""

    before_write: Callable[[], None] = _nothing
    pause: Callable[[float], None] = time.sleep
    user_agent: str = "waybill"


@dataclass(frozen=True)
class Place:
    """A registry as the console may reach it. `address` is its name (`host[:port]`), `endpoint` where it answers."""

    address: str
    endpoint: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    trust: Trust = Trust.ADMIN
    ca_pem: str | None = field(default=None, repr=False)
    plain_http: bool = False

    @property
    def url(self) -> str:
        """The base of its addresses."""
        return f"{'http' if self.plain_http else 'https'}://{self.endpoint}"


@dataclass(frozen=True)
class Answer:
    """An answer read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def header(self, name: str) -> str:
        """Give a header, empty when absent."""
        return str(self.headers.get(name, ""))


@dataclass(frozen=True)
class Stream:
    """A body that is written piece by piece: how long it is, and who writes it into the sink."""

    length: int
    write: Callable[[Sink], None]


Body = bytes | Stream | None


class Wire:
    """The connections to one registry."""

    def __init__(self, place: Place, hooks: Hooks, *, own: bool = False) -> None:
        """`own`: open connections of its own and leave none behind, so that what is found out holds now."""
        self.place = place
        self.hooks = hooks
        self._own = own
        self._kept = Kept() if own else KEPT
        self._key = (place.url, place.trust, place.ca_pem)
        self._live: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()
        self._aborted = False

    def close(self) -> None:
        """Close what lies idle and is of use to nobody else."""
        if self._own:
            self._kept.close()

    def abort(self) -> None:
        """Cut every connection, so that threads blocked on one end at once. Nothing is opened afterwards."""
        with self._lock:
            self._aborted = True
            live = list(self._live)
        for connection in live:
            with contextlib.suppress(OSError):
                if connection.sock is not None:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: Body = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send one request and give its answer, unread. Failures on the way become Unreachable or Rejected."""
        connection: http.client.HTTPConnection | None = None
        response: http.client.HTTPResponse | None = None
        try:
            connection, response = self._answered(method, target, headers, body)
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise self.failure(error) from error
        finally:
            if connection is not None:
                self._back(connection, response)

    def _answered(
        self, method: str, target: str, headers: Mapping[str, str], body: Body
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        pooled = self._pooled(FRESH if isinstance(body, Stream) else SECONDS)
        if pooled is not None:
            try:
                return pooled, self._send(pooled, method, target, headers, body)
            except _GONE:
                self._drop(pooled)
                if isinstance(body, Stream):
                    raise
            except BaseException:
                self._drop(pooled)
                raise
        fresh = self._open()
        try:
            return fresh, self._send(fresh, method, target, headers, body)
        except BaseException:
            self._drop(fresh)
            raise

    def _send(
        self, connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: Body
    ) -> http.client.HTTPResponse:
        """The one place where a request leaves for a registry."""
        if method in WRITES:
            self.hooks.before_write()
        detail = f"{method} {self.place.address}{target.partition('?')[0]}"
        point("registry", detail, "before")
        connection.putrequest(method, target, skip_accept_encoding=True)
        connection.putheader("User-Agent", self.hooks.user_agent)
        for name, value in headers.items():
            connection.putheader(name, value)
        if isinstance(body, Stream):
            response = self._send_stream(connection, body)
        else:
            if body is not None or method in WRITES:
                connection.putheader("Content-Length", str(len(body or b"")))
            connection.endheaders(body)
            response = connection.getresponse()
        point("registry", detail, "after")
        return response

    def _send_stream(self, connection: http.client.HTTPConnection, body: Stream) -> http.client.HTTPResponse:
        connection.putheader("Content-Length", str(body.length))
        connection.putheader("Content-Type", "application/octet-stream")
        connection.endheaders()
        try:
            body.write(connection.send)
        except _GONE:
            # Refused before the last byte: the words of the refusal, if it got through, say more than "reset" does.
            return connection.getresponse()
        if connection.sock is not None:
            connection.sock.settimeout(FINISH_SECONDS)
        return connection.getresponse()

    def _open(self) -> http.client.HTTPConnection:
        if self._aborted:
            raise ConnectionAbortedError("the work was stopped")
        connection = outbound.open_connection(
            self.place.url, trust=self.place.trust, ca_pem=self.place.ca_pem, timeout=OPEN_SECONDS
        )
        return self._joined(connection)

    def _joined(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        # A socket is connected already: the client must not open one of its own when this one breaks.
        connection.auto_open = 0
        connection.sock.settimeout(READ_SECONDS)
        with self._lock:
            self._live.add(connection)
        return connection

    def _pooled(self, seconds: float) -> http.client.HTTPConnection | None:
        if self._aborted:
            return None
        found = self._kept.take(self._key, lambda ip: outbound.allowed(ip, self.place.trust), seconds=seconds)
        return self._joined(found) if found is not None else None

    def _back(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse | None) -> None:
        """Keep the connection for the next request, unless its answer was not read to the end."""
        if response is None or not response.isclosed() or connection.sock is None:
            self._drop(connection)
            return
        with self._lock:
            self._live.discard(connection)
        self._kept.give(self._key, connection)

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._live.discard(connection)
        connection.close()

    @contextlib.contextmanager
    def elsewhere(self, location: str, target: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        """Follow a redirect of a download: at most three, each through the guard, none with credentials.

        Raises Rejected registry_failed when there are more, or one leaves TLS.
        """
        plain = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        url = urljoin(self.place.url + target, location)
        try:
            for _ in range(MOST_REDIRECTS):
                connection = self._open_elsewhere(url)
                try:
                    path = url.split("/", 3)[3] if url.count("/") > 2 else ""
                    response = self._send(connection, "GET", "/" + path.partition("#")[0], plain, None)
                    if response.status not in REDIRECTS:
                        yield response
                        return
                    url = urljoin(url, response.headers.get("Location", ""))
                finally:
                    self._drop(connection)
        except (OSError, http.client.HTTPException) as error:
            raise self.failure(error) from error
        raise Rejected("registry_failed", registry=self.place.address, status=302)

    def _open_elsewhere(self, url: str) -> http.client.HTTPConnection:
        scheme, host, port = outbound.split(url)
        if scheme != "https" and not self.place.plain_http:
            raise Rejected("registry_failed", registry=self.place.address, status=302)
        address = outbound.resolve(host, port, trust=self.place.trust)
        connection: outbound.GuardedHTTPConnection | outbound.GuardedHTTPSConnection
        if scheme == "https":
            context = _store_context(self.place.ca_pem)
            connection = outbound.GuardedHTTPSConnection(address, OPEN_SECONDS, context)
        else:
            connection = outbound.GuardedHTTPConnection(address, OPEN_SECONDS)
        connection.connect()
        return self._joined(connection)

    def fetch(self, url: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """GET a token server's answer; nothing is followed, nothing but these headers is sent.

        Raises Unreachable when it is busy, as for the registry itself.
        """
        try:
            connection = self._open_elsewhere(url)
            try:
                path = url.split("/", 3)[3] if url.count("/") > 2 else ""
                response = self._send(connection, "GET", "/" + path.partition("#")[0], headers, None)
                body = read_all(response, self.place.address)
            finally:
                self._drop(connection)
        except (OSError, http.client.HTTPException) as error:
            raise self.failure(error) from error
        if response.status in BUSY:
            raise ill(self.place.address, response.status, str(response.headers.get("Retry-After", "")))
        return response.status, body

    def failure(self, error: Exception) -> WaybillError:
        """Say whose fault a broken exchange is: the way there is retried, a certificate is not."""
        address = self.place.address
        if isinstance(error, ssl.SSLCertVerificationError):
            return Rejected("tls_not_trusted", host=address, reason=error.verify_message)
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return Rejected("tls_not_trusted", host=address, reason=(error.reason or "").replace("_", " ").lower())
        return Unreachable("registry_unreachable", registry=address, reason=_reason(error))


@functools.lru_cache(maxsize=64)
def _store_context(ca_pem: str | None) -> ssl.SSLContext:
    """Trust for where a registry keeps its blobs and tokens: public stores as well as those under the registry's CA."""
    context = outbound.new_ssl_context(None)
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed_out"
    if isinstance(error, socket.gaierror):
        return "name_unknown"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, OSError) and error.errno in {101, 113}:
        return "no_route"
    broken = (http.client.RemoteDisconnected, http.client.IncompleteRead)
    if isinstance(error, http.client.HTTPException) and not isinstance(error, broken):
        return "not_a_registry"
    return "no_answer"


def read_all(response: http.client.HTTPResponse, address: str) -> bytes:
    """Read a small answer to its end.

    Raises Rejected registry_failed when it is larger than any manifest may be, IncompleteRead when it breaks off.
    """
    body = response.read(LARGEST_ANSWER + 1)
    if len(body) > LARGEST_ANSWER:
        raise Rejected("registry_failed", registry=address, status=response.status)
    if response.length:
        # Asked for so many bytes, the library hands over fewer without a word.
        raise http.client.IncompleteRead(body, response.length)
    return body


def ill(address: str, status: int, retry_after: str) -> Unreachable:
    """Say that a registry answered that it cannot answer now, and how long it asks to be left alone."""
    error = Unreachable("registry_unreachable", registry=address, reason=f"HTTP {status}")
    wait = read_retry_after(retry_after)
    error.retry_after = min(wait, LONGEST_WAIT) if wait else None
    return error


def read_retry_after(header: str) -> float | None:
    """Read a Retry-After header in either of its forms: seconds, or a date; None when it is neither (RFC 9110)."""
    if header.strip().isdigit():
        return float(header.strip())
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
