"""A console of the bench's own: PostgreSQL, Valkey, gunicorn as it is deployed, a worker; all gone afterwards."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.dev import process
from console.dev.servers import Postgres, Valkey
from console.probe import alive

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class House:
    """Where the parts answer, and what the processes are started with."""

    folder: Path
    environment: dict[str, str]
    port: int
    keep: ExitStack

    def run(self, line: list[str], name: str) -> subprocess.Popen[bytes]:
        """Start one process of the console's; it ends with the house."""
        output = self.keep.enter_context((self.folder / f"{name}.log").open("ab"))
        started = process.start([sys.executable, "-m", *line], env=self.environment, cwd=ROOT, output=output)
        self.keep.callback(process.stop, started, 15)
        return started

    def manage(self, *line: str) -> str:
        """Run a command of manage.py to its end; give its last line."""
        done = subprocess.run(
            [sys.executable, "manage.py", *line],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip().rpartition("\n")[2]

    def web(self) -> subprocess.Popen[bytes]:
        """Start pages and the API as they are deployed, and wait until they answer."""
        line = ["gunicorn", "-c", "python:console.gunicorn", "-b", f"127.0.0.1:{self.port}", "console.wsgi:application"]
        web = self.run(line, "web")
        process.wait_until(lambda: alive(self.port), alive=lambda: web.poll() is None, what="gunicorn")
        return web

    def worker(self) -> subprocess.Popen[bytes]:
        """Start a worker as it is deployed."""
        return self.run(["celery", "--quiet", "-A", "console", "worker", "-P", "threads", "-c", "2"], "worker")


def _said(port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "WAYBILL_DEV": "true",
        "WAYBILL_SECRET_KEY": secrets.token_urlsafe(48),
        "WAYBILL_KEYS": f"bench:{base64.b64encode(os.urandom(32)).decode()}",
        "WAYBILL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WAYBILL_ALLOWED_HOSTS": "127.0.0.1",
        "WAYBILL_OUTBOUND_ALLOW": "127.0.0.0/8",
        "WAYBILL_LOG_FORMAT": "text",
        "WAYBILL_LOG_LEVEL": "warning",
    }


@contextmanager
def house() -> Iterator[House]:
    """Give a console with an empty database that waits for the disk as a real one does."""
    with ExitStack() as keep:
        folder = Path(keep.enter_context(tempfile.TemporaryDirectory(prefix="waybill-bench-")))
        folder.chmod(0o711)
        database, broker = Postgres(folder / "postgres"), Valkey(folder / "valkey")
        for server in (database, broker):
            server.start()
            keep.callback(server.stop)
        port = process.free_port()
        os.environ.update({**_said(port), "DATABASE_URL": database.url, "REDIS_URL": broker.url})
        made = House(folder, {**os.environ}, port, keep)
        made.manage("migrate", "--no-input", "-v", "0")
        yield made


def alone() -> None:
    """Let this process use the console's modules without a database or a broker."""
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}
    for name, value in {**_said(0), **nowhere}.items():
        os.environ.setdefault(name, value)
