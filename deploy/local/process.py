"""Processes: who they are beyond a number that may be given again, and children that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Identity:
    """A process: its number, and when it started (kernel ticks since boot), so that a reused number is not mistaken."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        found = _stat(self.pid)
        return found is not None and found[1] == self.started and found[0] not in {"Z", "X"}

    def send(self, number: int) -> bool:
        """Send a signal to this very process; False when it is gone."""
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def end(self, *, within: float) -> bool:
        """Ask the process to end, force it after ``within`` seconds; True when it is gone."""
        if self.send(signal.SIGTERM) and not wait_until(lambda: not self.alive(), within=within):
            self.send(signal.SIGKILL)
        return wait_until(lambda: not self.alive(), within=5)


def identify(pid: int) -> Identity | None:
    """The identity of a running process, None when there is none of this number."""
    found = _stat(pid)
    return None if found is None else Identity(pid=pid, started=found[1])


def child_of(pid: int) -> int | None:
    """The first child of a process, None when it has none."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            found = _fields(int(entry.name))
            if found is not None and found[1] == str(pid):
                return int(entry.name)
    return None


def halted(pid: int) -> bool:
    """Whether a process stands still or is gone: ``kill`` returns once SIGSTOP is sent, each thread obeys later."""
    try:
        threads = [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return True
    states = [_fields(thread) for thread in threads]
    return all(state is None or state[0] in "TZX" for state in states)


def wait_until(condition: Callable[[], bool], *, within: float, every: float = 0.05) -> bool:
    """Look until the condition holds or ``within`` seconds have passed; whether it held."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() >= end:
            return condition()
        time.sleep(every)
    return True


def spawn(
    line: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    death: int = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own that gets the signal ``death`` when this process ends in any way.

    To be called in the main thread: the kernel takes the end of the thread that forked for the parent's.
    """
    if sys.platform != "linux":
        raise RuntimeError("a local platform runs on Linux only")
    log.parent.mkdir(parents=True, exist_ok=True)
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, death, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(127)

    with log.open("ab") as file:
        return subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=dict(environment),
            cwd=folder,
            preexec_fn=tie,  # noqa: PLW1509  # the supervisor has one thread
            process_group=0,
        )


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process, from the kernel's own table."""
    fields = _fields(pid)
    return None if fields is None else (fields[0], int(fields[19]))


def _fields(pid: int) -> list[str] | None:
    """The fields of a process's entry that come after its name: state, parent, and so on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
