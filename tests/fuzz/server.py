"""The console as it is deployed, on the database of this pytest process: gunicorn, and a worker where one is wanted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.dev import process
from console.probe import alive
from tests.environment import ROOT, beside


def environment() -> dict[str, str]:
    """Give the environment of a process that works on the tests' own database, behind walls."""
    return beside(DJANGO_SETTINGS_MODULE="tests.fuzz.settings")


@contextmanager
def serving(folder: Path, application: str = "console.wsgi:application") -> Iterator[str]:
    """Run the web process; gives its address."""
    port = process.free_port()
    address = f"127.0.0.1:{port}"
    line = [sys.executable, "-m", "gunicorn", "-c", "python:console.gunicorn", "--bind", address, "--workers", "1"]
    output = folder / "web.log"
    with output.open("ab") as log:
        server = process.start([*line, application], env=environment(), cwd=ROOT, output=log)
    try:
        process.wait_until(lambda: alive(port), alive=lambda: server.poll() is None, what=f"the web ({output})")
        yield f"http://{address}"
    finally:
        process.stop(server, signal.SIGTERM)


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """Run a worker beside it."""
    line = [sys.executable, "-m", "celery", "-A", "console", "worker", "-P", "threads", "-c", "2", "-l", "warning"]
    with (folder / "worker.log").open("ab") as log:
        worker = process.start(line, env=environment(), cwd=ROOT, output=log)
    try:
        yield
    finally:
        process.stop(worker, signal.SIGTERM, patience=30)
