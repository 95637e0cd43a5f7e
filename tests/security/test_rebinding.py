"""A name that answers well once and badly ever after: each edge connects to addresses that were judged, and no other.

The resolver is the machine's own function, so that whoever asks it, the edge or a library below it, gets the second
answer. Every connection this process opens is seen by an audit hook.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pytest_django import Settings

from clusters.kube import connect
from console.kit.errors import WaybillError
from marketplace.registry.client import Registry
from marketplace.registry.wire import Place
from tests.kit.test_outbound import issue

HOST = "rebind.example"
GOOD = "127.0.0.2"
FORMS = [
    "127.0.0.1",
    "0.0.0.0",
    "169.254.169.254",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
]
"""What a name may be made to mean later: this machine and its cloud's metadata, in each form they come in."""

_connected: list[str] = []
_listening = False


def _hook(event: str, arguments: Any) -> None:
    if _listening and event == "socket.connect" and isinstance(arguments[1], tuple):
        _connected.append(str(arguments[1][0]))


sys.addaudithook(_hook)


@contextmanager
def connections() -> Iterator[list[str]]:
    """Give the addresses that this process connects to meanwhile, tried or reached."""
    global _listening
    _connected.clear()
    _listening = True
    try:
        yield _connected
    finally:
        _listening = False


class _Closing(BaseHTTPRequestHandler):
    """Answers what a registry or a cluster might, and closes after each answer: the next question connects anew."""

    def do_GET(self) -> None:
        raw = b'{"major": "1", "minor": "36", "gitVersion": "v1.36.3"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.end_headers()
        self.wfile.write(raw)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: str | None = None) -> Iterator[int]:
    """Serve at the good address; gives the port."""
    server = ThreadingHTTPServer((GOOD, 0), _Closing)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


class Resolver:
    """`socket.getaddrinfo`, with one name that changes its mind."""

    def __init__(self, later: str) -> None:
        self.later = later
        self.asked = 0
        self.real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != HOST:
            return self.real(host, port, *args, **kwargs)
        self.asked += 1
        ip = GOOD if self.asked == 1 else self.later
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        where = (ip, port, 0, 0) if ":" in ip else (ip, port)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]


@pytest.fixture(autouse=True)
def _narrow(settings: Settings) -> Iterator[None]:
    settings.WAYBILL_OUTBOUND_ALLOW = (ipaddress.ip_network(f"{GOOD}/32"),)
    yield
    connect.close_all()


def registry(port: int, ca_pem: str | None) -> Callable[[], Any]:
    """Ask a registry."""
    place = Place(f"{HOST}:{port}", f"{HOST}:{port}", ca_pem=ca_pem)

    def ask() -> None:
        with Registry(place) as client:
            client.ping()

    return ask


def cluster(port: int, ca_pem: str | None) -> Callable[[], Any]:
    """Ask a cluster."""
    client = connect.for_parts("one", f"https://{HOST}:{port}", ca_pem or "", {"token": "t"})
    return client.version


@pytest.mark.parametrize("edge", [registry, cluster])
@pytest.mark.parametrize("later", FORMS)
def test_only_judged_addresses_are_connected_to(
    edge: Callable[[int, str | None], Callable[[], Any]], later: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem, path = issue(tmp_path, x509.DNSName(HOST), HOST)
    with serving(path) as port:
        resolver = Resolver(later)
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        ask = edge(port, pem)
        with connections() as seen:
            ask()  # the first answer is a good one
            assert resolver.asked == 1 and set(seen) == {GOOD}
            for _ in range(2):
                with pytest.raises(WaybillError) as refused:
                    ask()
                assert refused.value.code in {"address_denied", "cluster_unreachable", "registry_unreachable"}
        assert resolver.asked >= 2, "the name was not asked again: nothing was rebound"
        assert set(seen) == {GOOD}, seen


def test_the_hook_sees_a_connection_that_nothing_judged() -> None:
    """The control: a plain client that asks the name anew would be seen."""
    with serving() as port, connections() as seen, socket.create_connection((GOOD, port)):
        assert seen == [GOOD]
