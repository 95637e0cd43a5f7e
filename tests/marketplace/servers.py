"""Servers of registry tests: real registries of their own, and what may stand before one: a meter, a door, a liar."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from console.dev.process import free_port
from deploy.local.process import spawn
from deploy.local.programs import REGISTRY, ensure_recipe
from deploy.local.registry import Registry as Pusher


@cache
def program() -> Path:
    """The registry's program, built once."""
    return ensure_recipe(REGISTRY, print) / "registry"


@contextlib.contextmanager
def running_registry(
    folder: Path, *, account: tuple[str, str] | None = None, auth: dict[str, Any] | None = None
) -> Iterator[str]:
    """Run a registry of the test's own over plain HTTP; gives its address. `auth` as its configuration has it."""
    address = f"127.0.0.1:{free_port()}"
    folder.mkdir(parents=True, exist_ok=True)
    configuration: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": address, "secret": secrets.token_hex(8)},
    }
    if auth is not None:
        configuration["auth"] = auth
    if account is not None:
        made = subprocess.run(
            [program(), "password"], input=f"{account[1]}\n", capture_output=True, text=True, check=True
        )
        (folder / "accounts").write_text(f"{account[0]}:{made.stdout.strip()}\n")
        configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "accounts")}}
    (folder / "config.json").write_text(json.dumps(configuration))
    quiet = {f"OTEL_{kind}_EXPORTER": "none" for kind in ("TRACES", "METRICS", "LOGS")}
    line = [str(program()), "serve", str(folder / "config.json")]
    process = spawn(line, log=folder / "log", environment=quiet, folder=folder)
    try:
        _await(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _await(address: str) -> None:
    host, _, port = address.partition(":")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"{address} did not come up")


class PlainPusher(Pusher):
    """Pushes images to a registry without TLS, through the same few requests."""

    def __init__(self, address: str, account: tuple[str, str] | None = None) -> None:
        super().__init__(address, "", *(account or (None, None)))

    @property
    def caller(self) -> Any:
        """The connection maker, without TLS."""
        return _PlainCaller(self.address, self.user, self.password)


@dataclass(frozen=True)
class _PlainAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _PlainCaller:
    def __init__(self, address: str, user: str | None, password: str | None) -> None:
        self.address = address
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {pair}"} if user else {}

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _PlainAnswer:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return _PlainAnswer(response.status, found, response.read())
        finally:
            connection.close()


# --- A meter ---------------------------------------------------------------------------------------------------------


class Meter:
    """Stands before a registry, counts connections and the bytes of both directions, and cuts when told to."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.partition(":")
        self.upstream = (host, int(port))
        self.opened = 0
        self.up = 0
        self.down = 0
        self.cut_down_after: list[int] = []
        """Cut the connection when so many more bytes have come down; one number a cut."""
        self.cut_up_after: list[int] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Meter:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for sock in list(self._open):
            _shut(sock)

    def reset(self) -> None:
        """Count from zero."""
        self.up = self.down = 0

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.opened += 1
            server = socket.create_connection(self.upstream)
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {client, server}
            for direction, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self._pump, args=(direction, source, sink), daemon=True).start()

    def _pump(self, direction: str, source: socket.socket, sink: socket.socket) -> None:
        cuts = self.cut_up_after if direction == "up" else self.cut_down_after
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    setattr(self, direction, getattr(self, direction) + len(data))
                    cut = bool(cuts) and cuts[0] <= len(data)
                    if cut:
                        data = data[: cuts.pop(0)]
                    elif cuts:
                        cuts[0] -= len(data)
                sink.sendall(data)
                if cut:
                    break
        _shut(source)
        _shut(sink)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


# --- A proxy that may answer otherwise -------------------------------------------------------------------------------


@dataclass
class Reply:
    """An answer on its way to the client."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    told_length: int | None = None
    """A Content-Length other than the body's."""
    cut: bool = False
    """End the connection after the body."""

    def header(self, name: str) -> str:
        """Give a header, empty when absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


Rule = Callable[[Asked, Callable[[], Reply]], Reply]
"""Answers a request; the second argument asks the registry behind."""


class Front:
    """An HTTP server before a registry, whose answers a rule may change. Keeps what was asked.

    `hands_on`: who asks is told to the registry behind, which then judges it itself.
    """

    def __init__(self, upstream: str, rule: Rule | None = None, *, hands_on: bool = False) -> None:
        self.upstream = upstream
        self.hands_on = hands_on
        self.rule: Rule = rule or (lambda asked, ask: ask())
        self.asked: list[Asked] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                front.handle(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, method: str, part: str) -> int:
        """How often a method was asked of a path with this part."""
        return sum(one.method == method and part in one.path for one in self.asked)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(handler.headers.get("Content-Length") or 0)
        parts = urlsplit(handler.path)
        asked = Asked(
            handler.command, parts.path, parse_qs(parts.query), dict(handler.headers), handler.rfile.read(length)
        )
        self.asked.append(asked)
        reply = self.rule(asked, lambda: self.ask(handler.path, asked))
        handler.send_response(reply.status)
        kept = [(name, value) for name, value in reply.headers if name.lower() not in _OURS]
        for name, value in kept:
            handler.send_header(name, value)
        if handler.command == "HEAD":
            handler.send_header("Content-Length", reply.header("Content-Length") or "0")
        else:
            told = len(reply.body) if reply.told_length is None else reply.told_length
            handler.send_header("Content-Length", str(told))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body)
        handler.close_connection = reply.cut

    def ask(self, path: str, asked: Asked) -> Reply:
        """Ask the registry behind for this path, else as it was asked."""
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        dropped = {"host"} if self.hands_on else {"host", "authorization"}
        kept = {name: value for name, value in asked.headers.items() if name.lower() not in dropped}
        try:
            connection.request(asked.method, path, asked.body or None, kept)
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()


_OURS = {"content-length", "connection", "transfer-encoding", "date", "server"}


# --- A door with tokens ----------------------------------------------------------------------------------------------


class TokenDoor(Front):
    """Lets requests through that carry a token with the right scope, and gives tokens out itself, on another port."""

    def __init__(self, upstream: str, user: str, password: str, *, life: float = 300) -> None:
        super().__init__(upstream, self._check)
        self.pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.life = life
        self.tokens: dict[str, tuple[float, set[str]]] = {}
        self.issuer = Front("", self._issue)
        self.realm_host = "127.0.0.1"

    def __enter__(self) -> Self:
        self.issuer.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *about: object) -> None:
        super().__exit__(*about)
        self.issuer.__exit__(*about)

    def revoke(self) -> None:
        """Let no token count any more."""
        self.tokens.clear()

    def _issue(self, asked: Asked, ask: Callable[[], Reply]) -> Reply:
        if asked.headers.get("Authorization") != f"Basic {self.pair}":
            return Reply(401, body=b"{}")
        token = secrets.token_urlsafe(16)
        self.tokens[token] = (time.monotonic() + self.life, set(asked.query.get("scope", [])))
        return Reply(200, body=json.dumps({"token": token, "expires_in": self.life}).encode())

    def _check(self, asked: Asked, ask: Callable[[], Reply]) -> Reply:
        until, scopes = self.tokens.get(asked.headers.get("Authorization", "").removeprefix("Bearer "), (0.0, set()))
        if until > time.monotonic() and self._allowed(asked, scopes):
            return ask()
        port = self.issuer.address.partition(":")[2]
        challenge = f'Bearer realm="http://{self.realm_host}:{port}/token",service="test",scope="x"'
        return Reply(401, [("WWW-Authenticate", challenge)], b'{"errors":[{"code":"UNAUTHORIZED"}]}')

    @staticmethod
    def _allowed(asked: Asked, scopes: set[str]) -> bool:
        if asked.path == "/v2/":
            return True
        name = asked.path.removeprefix("/v2/")
        for mark in ("/blobs/", "/manifests/", "/referrers/", "/tags/"):
            name = name.partition(mark)[0]
        granted: set[str] = set()
        for scope in scopes:
            _, repository, actions = scope.split(":")
            if repository == name:
                granted |= set(actions.split(","))
        needed = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(asked.method, "push")
        source = asked.query.get("from")
        if source and f"repository:{source[0]}:pull" not in {scope.replace(",push", "") for scope in scopes}:
            return False
        return needed in granted


def digest_of(content: bytes) -> str:
    """The digest of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
