"""The line to one cluster: judged addresses, one TLS context, connections that stay open, explicit time limits.

One channel per (endpoint, CA, client certificate), shared by all threads of the process.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.response import BaseHTTPResponse

from console.kit import outbound
from console.kit.errors import Rejected, Unreachable, WaybillError

if TYPE_CHECKING:
    from kubernetes.client.api_client import ApiClient

CONNECT_SECONDS = 3.0
POOL = 16
NEAR_SECONDS = 0.005
THROTTLED_SECONDS = 30.0

NetworkErrors = (HTTPError, OSError)

_pending = threading.local()


@contextmanager
def _standing_before(check: Callable[[], None] | None) -> Iterator[None]:
    """Have `check` called on this thread when the connection stands and the request is about to leave."""
    _pending.check = check
    try:
        yield
    finally:
        _pending.check = None


class _Connection(HTTPSConnection):
    """A connection that goes to the judged address only, and lets the guard speak after connecting, before sending."""

    def _new_conn(self) -> socket.socket:
        address = outbound.resolve(self._dns_host, self.port or 443, trust=outbound.Trust.ADMIN)
        limit = self.timeout if isinstance(self.timeout, (int, float)) else CONNECT_SECONDS
        return outbound.connect(address, min(limit, CONNECT_SECONDS))

    def connect(self) -> None:
        """Connect, and note how far away the other side is: TCP may end at a relay near by, TLS never does."""
        started = time.monotonic()
        super().connect()
        _pending.distance = (time.monotonic() - started) / 2

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; connecting took its time before, so the guard's clock counts from here."""
        if self.sock is None:
            self.connect()
        check: Callable[[], None] | None = getattr(_pending, "check", None)
        if check is not None:
            check()
        self._parts = []
        try:
            super().request(*args, **kwargs)
            whole = b"".join(self._parts)
        finally:
            self._parts = None
        super().send(whole)

    _parts: list[bytes] | None = None

    def send(self, data: Any) -> None:
        """Send, or keep for the one send of a whole request: a process halted in between would leave half a write
        behind, authorized already; and the other side is woken once."""
        if self._parts is None:
            super().send(data)
        else:
            self._parts.append(bytes(data))


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class _NoPool(HTTPConnectionPool):
    def __init__(self, *_: Any, **__: Any) -> None:
        raise ValueError("a cluster is reached by https only")


def _manager(context: ssl.SSLContext, *, size: int, block: bool) -> urllib3.PoolManager:
    manager = urllib3.PoolManager(ssl_context=context, maxsize=size, block=block, retries=False)
    manager.pool_classes_by_scheme = {"https": _Pool, "http": _NoPool}
    return manager


def tls_context(ca_pem: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Make the TLS context of a channel. A client certificate passes through memory, never through a file on a disk.

    Raises ssl.SSLError when a text holds no certificate or the key does not fit.
    """
    if not certificate:
        return outbound.ssl_context(ca_pem or None)
    context = outbound.new_ssl_context(ca_pem or None)
    handle = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(handle, f"{certificate.strip()}\n{key.strip()}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}", password=_no_password)
    finally:
        os.close(handle)
    return context


def _no_password() -> bytes:
    """Answer OpenSSL's question for a key's password: there is none, so that it never asks a terminal."""
    return b""


class Channel:
    """Connections to one endpoint. `call` is one request; it raises for the network only, never for a status."""

    def __init__(self, endpoint: str, context: ssl.SSLContext) -> None:
        _scheme, self.host, self.port = outbound.split(endpoint)
        self.endpoint = endpoint.rstrip("/")
        self.distance: float | None = None
        self.answered_at: datetime | None = None
        self.failed_at: datetime | None = None
        self._throttled_until = 0.0
        self._short = self._api(_manager(context, size=POOL, block=True))
        self._long = self._api(_manager(context, size=4, block=False))

    def _api(self, manager: urllib3.PoolManager) -> ApiClient:
        # The client costs 36 MB: only a process that speaks to a cluster loads it, never one that only serves pages.
        from kubernetes.client.api_client import ApiClient
        from kubernetes.client.configuration import Configuration
        from kubernetes.client.exceptions import ApiException

        self._wrapped: type[Exception] = ApiException
        configuration = Configuration(host=self.endpoint)
        configuration.proxy = None
        configuration.retries = False
        configuration.client_side_validation = False
        api = ApiClient(configuration)
        api.rest_client.pool_manager = manager
        return api

    @property
    def window(self) -> int:
        """Requests to have in flight at once: 8 near by, 16 from afar, half while the server throttles."""
        full = 8 if self.distance is None or self.distance < NEAR_SECONDS else POOL
        return full // 2 if time.monotonic() < self._throttled_until else full

    def throttled(self) -> None:
        """Note that the server answered 429."""
        self._throttled_until = time.monotonic() + THROTTLED_SECONDS

    def since(self) -> str:
        """Give the time since which the cluster has not answered, RFC 3339."""
        return (self.answered_at or self.failed_at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        *,
        seconds: float,
        check: Callable[[], None] | None = None,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        """Send one request. `seconds` bounds connecting and each read; `check` is called once the connection stands.

        The body of the answer is not read yet: `drain` it, or close it. Raises what `NetworkErrors` holds.
        """
        api = self._long if stream else self._short
        with _standing_before(check):
            try:
                answer = api.call_api(
                    method,
                    f"{self.endpoint}{path}",
                    header_params=headers,
                    body=body,
                    _request_timeout=(min(seconds, CONNECT_SECONDS), seconds),
                )
            except self._wrapped as error:
                # The client makes this of errors of TLS alone, and keeps only their words; the cause is its context.
                raise OSError("TLS failed") from error
        near: float | None = _pending.__dict__.pop("distance", None)
        if near is not None:
            self.distance = near if self.distance is None else min(self.distance, near)
        response: BaseHTTPResponse = answer.response
        return response

    def answered(self) -> None:
        """Note that the cluster answered just now."""
        self.answered_at = datetime.now(UTC)
        self.failed_at = None

    def failure(self, error: BaseException, cluster: str) -> WaybillError:
        """Translate a network error: distrust is final, everything else is worth another try."""
        causes = list(chain(error))
        for cause in causes:
            if isinstance(cause, WaybillError):
                return cause
            if isinstance(cause, ssl.SSLError):
                distrust = tls_refusal(cause, self.host)
                if distrust is not None:
                    return distrust
        self.failed_at = self.failed_at or datetime.now(UTC)
        return Unreachable("cluster_unreachable", cluster=cluster, since=self.since())

    def close(self) -> None:
        """Close the idle connections; requests in flight end by themselves."""
        self._short.rest_client.pool_manager.clear()
        self._long.rest_client.pool_manager.clear()


def tls_refusal(error: ssl.SSLError, host: str) -> Rejected | None:
    """Give what a TLS error means when trying again cannot help; None when the other side merely went away."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Rejected("tls_not_trusted", host=host, reason=str(error.verify_message))
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or not getattr(error, "reason", None):
        return None
    return Rejected("tls_not_trusted", host=host, reason=error.reason.replace("_", " ").lower())


def chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and everything it was made from, outermost first."""
    seen: list[BaseException] = []
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop(0)
        if current is None or any(current is known for known in seen):
            continue
        seen.append(current)
        yield current
        queue += [arg for arg in current.args if isinstance(arg, BaseException)]
        queue += [current.__cause__, current.__context__]


def drain(response: BaseHTTPResponse, *, limit: int, seconds: float) -> bytes:
    """Read an answer to its end and give its connection back.

    Raises OSError when it is longer than `limit` bytes or takes longer than `seconds`: the other side is not trusted.
    """
    until, parts, size = time.monotonic() + seconds, [], 0
    try:
        while part := response.read1(1 << 18, decode_content=False):
            size += len(part)
            if size > limit:
                raise OSError("the answer is too long")
            if time.monotonic() > until:
                raise TimeoutError("the answer took too long")
            parts.append(part)
    except BaseException:
        response.close()
        raise
    response.release_conn()
    return b"".join(parts)


def went_stale(error: BaseException) -> bool:
    """Tell whether a kept connection had merely been closed meanwhile, so that asking again at once is right."""
    causes = list(chain(error))
    if any(isinstance(cause, (ConnectionRefusedError, TimeoutError)) for cause in causes):
        return False
    return any(isinstance(cause, (ProtocolError, ConnectionResetError, BrokenPipeError)) for cause in causes)
