"""The processes of a deployment, started as a container starts them."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from console.dev.process import free_port, wait_until
from console.probe import alive
from tests.house.files import ROOT

WEB = ["gunicorn", "-c", "python:console.gunicorn", "-b", "127.0.0.1:{port}", "console.wsgi:application"]
STREAMS = ["uvicorn", "console.asgi:application", "--port", "{port}", "--no-proxy-headers", "--lifespan", "off"]


@contextmanager
def running(words: list[str], **said: str) -> Iterator[int]:
    """Run a server on a free port with the environment of a deployment; it must end well by itself on SIGTERM."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name not in {"WAYBILL_DEV", "WAYBILL_ALLOWED_HOSTS"}}
    line = [sys.executable, "-m", *(word.format(port=port) for word in words)]
    server = subprocess.Popen(line, cwd=ROOT, env={**kept, "WAYBILL_PUBLIC_URL": "https://console.example", **said})
    try:
        wait_until(lambda: alive(port), alive=lambda: server.poll() is None, what=words[0])
        yield port
        server.terminate()
        assert server.wait(15) in {0, -signal.SIGTERM}
    finally:
        server.kill()
        server.wait()


def ask(port: int, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("words", [WEB, STREAMS], ids=["web", "streams"])
def test_a_process_answers_probes_and_sends_people_to_tls(words: list[str]) -> None:
    with running(words) as port:
        status, _, body = ask(port, "/readyz")
        # The run's own database is never migrated (tests have copies of their own): alive, and not ready.
        checks = json.loads(body)["checks"]
        assert (status, checks["database"], checks["migrations"]) == (503, "ok", "missing")
        assert (alive(port), alive(port, "/readyz")) == (True, False)
        status, headers, _ = ask(port, "/", Host="console.example")
        assert (status, headers["Location"]) == (301, "https://console.example/")
        status, _, _ = ask(port, "/", Host="elsewhere.example")
        assert status == 400
        # The word of a proxy that is not listed counts for nothing.
        status, _, _ = ask(port, "/", Host="console.example", X_Forwarded_Proto="https")
        assert status == 301


def test_behind_a_listed_proxy_cookies_and_headers_are_those_of_tls() -> None:
    with running(WEB, WAYBILL_TRUSTED_PROXIES="127.0.0.1/32") as port:
        said = {"Host": "console.example", "X_Forwarded_Proto": "https", "X_Request_Id": "from-the-proxy"}
        status, headers, _ = ask(port, "/livez", **said)
        assert status == 200
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["X-Request-Id"] == "from-the-proxy"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert not re.search(r"unsafe|\*|https?:", policy)
