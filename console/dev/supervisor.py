"""One process that starts everything, starts again what dies, and leaves nothing behind.

Every child carries the kernel's promise to be told when this process dies, so even SIGKILL leaves no process.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from console.dev import process
from console.dev.catalogues import compile_stale
from console.dev.house import ROOT, House
from console.probe import alive

_BACK_OFF = (0.2, 10.0)  # seconds before the first and before the latest restart of a child that keeps dying
_STEADY = 30.0  # seconds after which a child counts as well again


@dataclass
class Child:
    """A process kept running: how to launch it, how to ask it to end."""

    name: str
    launch: Callable[[], subprocess.Popen[bytes]]
    death: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=0.0)
    pause: float = _BACK_OFF[0]
    again_at: float | None = None

    def start(self) -> None:
        """Launch it now."""
        self.process, self.started, self.again_at = self.launch(), time.monotonic(), None

    def tend(self) -> None:
        """Start it again when it died, after a pause that doubles while it keeps dying."""
        now = time.monotonic()
        if self.again_at is not None:
            if now >= self.again_at:
                self.start()
        elif self.process is not None and (status := self.process.poll()) is not None:
            if now - self.started > _STEADY:
                self.pause = _BACK_OFF[0]
            _say(f"{self.name} ended with status {status}; starting it again in {self.pause:g} s")
            self.again_at = now + self.pause
            self.pause = min(_BACK_OFF[1], self.pause * 2)


def _say(words: str) -> None:
    print(f"waybill: {words}", file=sys.stderr, flush=True)


class Supervisor:
    """Runs one development console in the foreground."""

    def __init__(self, house: House, *, host: str, port: int) -> None:
        self.house, self.host, self.port = house, host, port
        self.stopping = threading.Event()
        self.children: list[Child] = []
        self.environment: dict[str, str] = {}

    @property
    def local(self) -> str:
        """The address at which this machine itself reaches the console."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def url(self) -> str:
        """The address to open in a browser on this machine."""
        return f"http://{f'[{self.local}]' if ':' in self.local else self.local}:{self.port}"

    def run(self) -> int:
        """Start everything, tend it until SIGINT, SIGTERM or SIGHUP, stop it. Gives the exit status.

        Raises AlreadyRunning when another supervisor holds the folder.
        """
        self.house.claim()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        try:
            self._start()
            while not self.stopping.wait(0.2):
                for child in self.children:
                    child.tend()
        except (RuntimeError, OSError) as error:
            _say(str(error))
            return 1
        finally:
            self._stop()
        return 0

    def _start(self) -> None:
        if self._taken():
            raise RuntimeError(f"port {self.port} is taken; choose another with --port")
        said = {"WAYBILL_PUBLIC_URL": self.url, "WAYBILL_ALLOWED_HOSTS": f"{self.host},127.0.0.1,localhost"}
        said |= self._servers()
        if self.stopping.is_set():
            return
        self.environment = self.house.environment(**said)
        compile_stale()
        self._migrate()
        web = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--host", self.host]
        web += ["--port", str(self.port), "--no-proxy-headers", "--no-access-log", "--no-server-header"]
        web += ["--log-level", "warning", "--lifespan", "off", "--timeout-graceful-shutdown", "3"]
        worker = [sys.executable, "-m", "celery", "--quiet", "-A", "console", "worker", "-P", "threads", "-c", "2"]
        worker += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        for name, line in (("the web process", web), ("the worker", worker)):
            child = Child(name, partial(process.start, line, env=self.environment, cwd=ROOT))
            child.start()
            self.children.append(child)
        self.house.note(
            pid=os.getpid(),
            url=self.url,
            database=self.environment.get("DATABASE_URL", ""),
            broker=self.environment.get("REDIS_URL", ""),
        )
        self._wait_for_the_console()

    def _taken(self) -> bool:
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError:
                return True
        return False

    def _servers(self) -> dict[str, str]:
        said = {}
        for name, server in (("DATABASE_URL", self.house.postgres()), ("REDIS_URL", self.house.valkey())):
            if server is None:
                continue
            server.start()
            said[name] = server.url
            kept = Child(server.name, server.launch, signal.Signals[server.death], server.process, time.monotonic())
            self.children.append(kept)
        return said

    def _migrate(self) -> None:
        line = [sys.executable, str(ROOT / "manage.py"), "migrate", "--no-input", "-v", "0"]
        migration = process.start(line, env=self.environment, cwd=ROOT)
        while migration.poll() is None:
            if self.stopping.wait(0.05):
                process.stop(migration, signal.SIGTERM)
                return
        if migration.returncode != 0:
            raise RuntimeError("the migrations failed")

    def _wait_for_the_console(self) -> None:
        end = time.monotonic() + 60
        while not self.stopping.wait(0.1):
            for child in self.children:
                child.tend()
            if alive(self.port, host=self.local):
                _say(f"the console answers at {self.url}  (Ctrl-C ends it)")
                return
            if time.monotonic() > end:
                raise RuntimeError("the console did not answer within 60 s")

    def _stop(self) -> None:
        """Ask the console's own processes first, then the servers they use."""
        Path(self.house.folder / "running.json").unlink(missing_ok=True)
        servers = [child for child in self.children if child.name in {"PostgreSQL", "Valkey"}]
        ours = [child for child in self.children if child not in servers]
        for group in (ours, servers):
            for child in group:
                if child.process is not None and child.process.poll() is None:
                    child.process.send_signal(child.death)
            for child in group:
                if child.process is not None:
                    process.stop(child.process, child.death, patience=12)
