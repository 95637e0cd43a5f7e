"""`manage.py dev`, run for real: it answers, it heals, and it leaves no process behind, however it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from console.dev.house import ROOT
from console.dev.process import free_port
from console.probe import alive

pytestmark = pytest.mark.timeout(180)


class Console:
    """A supervisor of a folder of its own, and every process that ever belonged to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.seen: dict[int, psutil.Process] = {}
        self.log = folder / "output"
        kept = ("PATH", "HOME", "LANG", "TMPDIR")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment["WAYBILL_DATA_DIR"] = str(folder / "data")
        self.process = self.start()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, str(ROOT / "manage.py"), "dev", "--port", str(self.port), *words]
        with self.log.open("ab") as log:
            return subprocess.Popen(line, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def answers(self, path: str = "/livez") -> bool:
        return alive(self.port, path, seconds=5)

    def checks(self) -> dict[str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/readyz")
            told: dict[str, str] = json.loads(connection.getresponse().read())["checks"]
        finally:
            connection.close()
        return told

    def look(self) -> list[psutil.Process]:
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.seen.update({member.pid: member for member in family})
        return family

    def find(self, words: str) -> psutil.Process:
        return next(member for member in self.look() if words in " ".join(member.cmdline()))

    def left(self) -> list[str]:
        return [repr(member) for member in self.seen.values() if _runs(member)]


def _runs(member: psutil.Process) -> bool:
    """Tell whether it is there and more than an exit status that nobody asked for yet."""
    try:
        return member.is_running() and member.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(answers: Callable[[], bool], console: Console, seconds: float = 90) -> None:
    """Wait for a real process to come to a state; fail with its output when it does not."""
    end = time.monotonic() + seconds
    while not answers():
        assert time.monotonic() < end, console.log.read_text()
        assert console.process.poll() is None or console.process.returncode == -signal.SIGKILL, console.log.read_text()
        time.sleep(0.1)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    running = Console(tmp_path)
    try:
        until(running.answers, running)
        running.look()
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(40)


def test_one_command_gives_the_whole_console_and_sigterm_leaves_nothing(console: Console) -> None:
    until(lambda: set(console.checks().values()) == {"ok"}, console)  # the worker's loop runs, too
    # A set: a process that PostgreSQL has just forked bears the name of its parent for a moment.
    lines = {" ".join(member.cmdline()) for member in console.look()}
    for part in ("postgres -D", "valkey-server", "uvicorn console.asgi", "celery --quiet -A console worker"):
        assert sum(part in line for line in lines) == 1, lines
    kept = console.folder / "data" / "dev"
    for name in ("keys.json", "postgres/password", "valkey/password", "valkey/valkey.conf", "running.json"):
        assert (kept / name).stat().st_mode & 0o077 == 0, name

    # A second one on the same folder is refused, and does not disturb the first.
    console_port, console.port = console.port, free_port()
    second = console.start()
    assert second.wait(30) == 1
    console.port = console_port
    assert console.answers()

    # One command beside it works on the same database.
    shown = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "dev", "run", "migrate", "--check"],
        env=console.environment,
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr.decode()

    console.process.terminate()
    assert console.process.wait(40) == 0
    assert console.left() == []
    assert not (kept / "running.json").exists()


def test_what_dies_is_started_again(console: Console) -> None:
    for words in ("uvicorn console.asgi", "valkey-server", "postgres -D", "celery --quiet -A console"):
        former = console.find(words)
        former.kill()
        until(lambda words=words, former=former: _again(console, words, former), console)  # type: ignore[misc]
    until(lambda: console.answers("/readyz"), console)


def _again(console: Console, words: str, former: psutil.Process) -> bool:
    try:
        return console.find(words).pid != former.pid
    except (StopIteration, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def test_sigkill_of_the_supervisor_leaves_nothing(console: Console) -> None:
    console.process.kill()
    console.process.wait(10)
    until(lambda: not console.left(), console, seconds=30)
