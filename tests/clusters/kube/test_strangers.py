"""What answers may be anything: old, throttled, redirecting, endless, or no Kubernetes at all."""

from __future__ import annotations

import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from clusters.kube import checks, connect
from clusters.kube.channel import NEAR_SECONDS
from clusters.kube.client import Client
from console.kit.errors import Rejected, Unreachable
from tests.kit.test_outbound import issue

Answerer = Callable[[BaseHTTPRequestHandler], None]


def answer(handler: BaseHTTPRequestHandler, status: int, body: Any, **headers: str) -> None:
    """Answer JSON, or text as it is."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


@contextmanager
def stranger(folder: Path, answerer: Answerer) -> Iterator[Client]:
    """Serve whatever `answerer` says, over TLS; give a client for it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answerer(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answerer(self)

        do_PATCH = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    pem, path = issue(folder, x509.IPAddress(ip_address("127.0.0.1")), "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = connect.for_parts("Strange", f"https://127.0.0.1:{server.server_address[1]}", pem, {"token": "t"})
    yield client
    client.channel.close()
    server.shutdown()
    server.server_close()


CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": {"a": "1"}}


def test_a_server_that_is_too_old(tmp_path: Path) -> None:
    with stranger(tmp_path, lambda it: answer(it, 200, {"gitVersion": "v1.21.5"})) as client:
        with pytest.raises(Rejected) as caught:
            checks.version(client)
        assert (caught.value.code, caught.value.params) == (
            "version_unsupported",
            {"version": "v1.21.5", "least": "1.29"},
        )


def test_throttling_is_waited_out_and_halves_the_window(tmp_path: Path) -> None:
    asked: list[float] = []

    def throttle(it: BaseHTTPRequestHandler) -> None:
        asked.append(time.monotonic())
        if len(asked) < 3:
            answer(it, 429, "Too many requests, please try again later.", Retry_After="1", Content_Type="text/plain")
        else:
            answer(it, 201, CONFIG_MAP)

    with stranger(tmp_path, throttle) as client:
        assert client.apply(CONFIG_MAP, "waybill:one").created
        assert [round(later - earlier) for earlier, later in itertools.pairwise(asked)] == [1, 1]
        near = (client.channel.distance or 0) < NEAR_SECONDS
        assert client.window == (4 if near else 8)


def test_endless_throttling_is_trouble_and_its_wait_is_passed_on(tmp_path: Path) -> None:
    asked: list[int] = []

    def throttle(it: BaseHTTPRequestHandler) -> None:
        asked.append(1)
        answer(it, 429, "Too many requests", Retry_After="0")

    with stranger(tmp_path, throttle) as client:
        with pytest.raises(Unreachable) as caught:
            client.apply(CONFIG_MAP, "waybill:one")
        assert len(asked) == 4
        assert caught.value.retry_after == 0


def test_a_contended_quota_is_tried_again(tmp_path: Path) -> None:
    asked: list[int] = []
    busy = {"kind": "Status", "reason": "Conflict", "details": {"kind": "resourcequotas", "name": "waybill"}}

    def answerer(it: BaseHTTPRequestHandler) -> None:
        asked.append(1)
        answer(it, 409, busy) if len(asked) < 3 else answer(it, 201, CONFIG_MAP)

    with stranger(tmp_path, answerer) as client:
        assert client.apply(CONFIG_MAP, "waybill:one").created
        assert len(asked) == 3


def test_redirects_are_never_followed(tmp_path: Path) -> None:
    asked: list[str] = []

    def redirect(it: BaseHTTPRequestHandler) -> None:
        asked.append(it.path)
        answer(it, 307, "", Location="https://127.0.0.1:1/elsewhere")

    with stranger(tmp_path, redirect) as client:
        for call in (client.version, lambda: client.apply(CONFIG_MAP, "waybill:one")):
            with pytest.raises(Rejected) as caught:
                call()
            assert caught.value.params == {"host": "127.0.0.1", "reason": "redirected"}
        assert len(asked) == 2


@pytest.mark.parametrize("body", ["<html>It works!</html>", "[1]", ""])
def test_what_is_no_kubernetes_says_so(tmp_path: Path, body: str) -> None:
    with stranger(tmp_path, lambda it: answer(it, 200, body)) as client:
        with pytest.raises(Rejected) as caught:
            client.version()
        assert caught.value.params["reason"] == "not_kubernetes"


def test_an_answer_without_end_is_cut(tmp_path: Path) -> None:
    def pour(it: BaseHTTPRequestHandler) -> None:
        it.send_response(200)
        it.send_header("Transfer-Encoding", "chunked")
        it.end_headers()
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(200):
                it.wfile.write(chunk)
        except OSError:
            return

    with stranger(tmp_path, pour) as client, pytest.raises(Unreachable):
        client.version()


def test_a_lost_answer_of_a_read_is_asked_for_again_and_of_a_write_is_not(tmp_path: Path) -> None:
    """Whether a write arrived is unknown: the step observes, the edge does not guess."""
    asked: list[str] = []

    def cut(it: BaseHTTPRequestHandler) -> None:
        asked.append(it.command)
        if len(asked) % 2:
            it.connection.close()
            it.close_connection = True
        else:
            answer(it, 200, {"gitVersion": "v1.36.0"})

    with stranger(tmp_path, cut) as client:
        assert client.version()["gitVersion"] == "v1.36.0"
        assert asked == ["GET", "GET"]
        with pytest.raises(Unreachable):
            client.apply(CONFIG_MAP, "waybill:one")
        assert asked == ["GET", "GET", "PATCH"]


def test_silence_ends(tmp_path: Path) -> None:
    def sleep(it: BaseHTTPRequestHandler) -> None:
        time.sleep(5)

    with stranger(tmp_path, sleep) as client:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            client.get("Namespace", "kube-system", timeout=0.5)
        assert time.monotonic() - began < 3


def test_drops_of_bytes_end_too(tmp_path: Path) -> None:
    def drip(it: BaseHTTPRequestHandler) -> None:
        it.send_response(200)
        it.send_header("Content-Length", "1000")
        it.end_headers()
        try:
            for _ in range(100):
                it.wfile.write(b" ")
                time.sleep(0.3)
        except OSError:
            return

    with stranger(tmp_path, drip) as client:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            client.get("Namespace", "kube-system", timeout=1)
        assert time.monotonic() - began < 4
