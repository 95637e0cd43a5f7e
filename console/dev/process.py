"""Children of this process that cannot outlive it, and the small things that starting servers needs."""

from __future__ import annotations

import os
import pwd
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_CHILD = Path(__file__).with_name("child.py")


def lesser_user() -> tuple[int, int] | None:
    """Give the user and group for a server that refuses root; None when this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def _closed(path: Path, user: tuple[int, int]) -> bool:
    """Tell whether some folder on the way to `path` cannot be walked through by `user`."""
    for folder in path.resolve().parents:
        status = folder.stat()
        if status.st_uid == user[0]:
            bit = stat.S_IXUSR
        elif status.st_gid == user[1]:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not status.st_mode & bit:
            return True
    return False


def command(
    program: Sequence[str], *, death: str, user: tuple[int, int] | None = None, paths: Sequence[Path] = ()
) -> list[str]:
    """Give the command line that runs `program` as a child which gets the signal `death` when this process dies.

    `user` is whom it runs as, `paths` are the places it must be able to reach as that user.
    """
    line = [sys.executable, "-I", "-S", str(_CHILD), "--parent", str(os.getpid()), "--signal", death]
    if user is not None:
        line += ["--user", f"{user[0]}:{user[1]}"]
        if any(_closed(path, user) for path in paths):
            line += ["--reach"]
    return [*line, "--", *program]


def start(
    program: Sequence[str],
    *,
    death: str = "SIGTERM",
    user: tuple[int, int] | None = None,
    paths: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `program` as such a child, in a session of its own: a Ctrl-C reaches this process alone.

    Call it from the main thread: the kernel's word that a parent died follows the thread that started the child.
    """
    return subprocess.Popen(
        command(program, death=death, user=user, paths=paths),
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], number: int, *, patience: float = 10) -> int:
    """Send a signal, wait up to `patience` seconds, then kill; give the exit status."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port(host: str = "127.0.0.1") -> int:
    """Give a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(answers: Callable[[], bool], *, alive: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Ask until it answers.

    Raises RuntimeError when the process ends first, or after `seconds` without an answer.
    """
    end = time.monotonic() + seconds
    pause = 0.01
    while not answers():
        if not alive():
            raise RuntimeError(f"{what} ended while starting")
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not answer within {seconds:.0f} s")
        time.sleep(pause)
        pause = min(0.2, pause * 1.5)
