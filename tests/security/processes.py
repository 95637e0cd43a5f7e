"""The console as it is run: its web, streams and worker processes, on the database of this pytest process."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from console.dev import process
from console.probe import alive
from tests.environment import ROOT, beside

BOOT_SECONDS = 60


def environment(**changes: str) -> dict[str, str]:
    """Give the environment of a process that works on the tests' own database and tells all it can."""
    return beside(**{"WAYBILL_LOG_LEVEL": "debug", "WAYBILL_LOG_FORMAT": "json"} | changes)


@dataclass
class Console:
    """Processes of one console; each writes to a file of its own."""

    folder: Path
    changes: Mapping[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    web: str = ""
    streams: str = ""

    def start_web(self) -> None:
        """Serve pages and the API."""
        line = ["gunicorn", "-c", "python:console.gunicorn", "console.wsgi:application", "--workers", "1"]
        self.web = self._serve("web", line, lambda port: ["--bind", f"127.0.0.1:{port}"])

    def start_streams(self) -> None:
        """Serve the event streams."""
        line = ["uvicorn", "console.asgi:application", "--log-level", "debug"]
        self.streams = self._serve("streams", line, lambda port: ["--host", "127.0.0.1", "--port", str(port)])

    def start_worker(self) -> None:
        """Carry out operations."""
        self._start("worker", ["celery", "-A", "console", "worker", "-P", "threads", "-c", "2", "-l", "debug"])

    def logs(self) -> dict[str, str]:
        """Give process → all it wrote."""
        return {path.stem: path.read_text("utf-8", "replace") for path in sorted(self.folder.glob("*.log"))}

    def stop(self) -> None:
        """End all of them."""
        for child in reversed(self.running):
            process.stop(child, signal.SIGTERM)
        self.running.clear()

    def _serve(self, name: str, line: list[str], at: Callable[[int], list[str]]) -> str:
        port = process.free_port()
        child = self._start(name, [*line, *at(port)])
        process.wait_until(lambda: alive(port), alive=lambda: child.poll() is None, what=name, seconds=BOOT_SECONDS)
        return f"127.0.0.1:{port}"

    def _start(self, name: str, line: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as output:
            child = process.start(
                [sys.executable, "-m", *line], env=environment(**self.changes), cwd=ROOT, output=output
            )
        self.running.append(child)
        return child


@dataclass(frozen=True)
class Told:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Give the body as JSON."""
        return json.loads(self.body)


class Caller:
    """One person at one process, by token or by session cookie; a connection for each request."""

    def __init__(self, where: str, *, token: str | None = None, session: str | None = None) -> None:
        self.where = where
        self.cookies = {"waybill_session": session} if session else {}
        self.token = token

    def headers(self) -> dict[str, str]:
        """Give what says who asks."""
        told = {"Host": "testserver"}
        if self.token:
            told["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            told["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return told

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Told:
        """Ask and read the whole answer."""
        link = http.client.HTTPConnection(self.where, timeout=60)
        sent = {**self.headers(), **headers}
        raw: bytes | None = None
        if isinstance(body, bytes):
            raw = body
        elif body is not None:
            raw = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            link.request(method, path, raw, sent)
            answer = link.getresponse()
            return Told(answer.status, dict(answer.headers), answer.read())
        finally:
            link.close()

    def get(self, path: str) -> Told:
        """Read."""
        return self.ask("GET", path)

    def form(self, path: str, **fields: str) -> Told:
        """Send a form as a browser does: with the token of the cookie, and the page's own address."""
        first = self.ask("GET", path)
        for said in str(first.headers.get("Set-Cookie", "")).split(","):
            name, sep, value = said.strip().partition(";")[0].partition("=")
            if sep and name.startswith("waybill_"):
                self.cookies[name] = value
        words = {**fields, "csrfmiddlewaretoken": self.cookies.get("waybill_csrf", "")}
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://testserver"}
        return self.ask("POST", path, urlencode(words).encode(), **kind)


class Stream:
    """An answer that goes on, read by a thread of its own."""

    def __init__(self, caller: Caller, path: str) -> None:
        self.path = path
        self.link = http.client.HTTPConnection(caller.where, timeout=60)
        self.link.request("GET", path, headers=caller.headers())
        self.answer = self.link.getresponse()
        self.status = self.answer.status
        self.text = b""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while part := self.answer.read1(1 << 14):
                self.text += part
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # cut off, or this end was closed
        self.ended.set()

    def close(self) -> None:
        """Hang up; the thread that reads wakes from it."""
        if self.link.sock is not None:
            with contextlib.suppress(OSError):
                self.link.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self.link.close()
