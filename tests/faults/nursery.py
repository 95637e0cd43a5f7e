"""A process that forks worker processes: the console is imported once, and each proof gets its workers at once.

Reads one plan a line (`{"plan": …, "output": path}`) and answers `{"born": pid}`; says `{"gone": pid, "code": n}` when
one has ended. Each child is the same as `celery -A console worker -P threads -c 2`.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys

import django

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until the standard input ends; then every child is killed by the kernel."""
    django.setup()
    import celery.bin.worker
    import celery.concurrency.thread  # noqa: F401
    import uuid_utils  # noqa: F401

    import operations.api
    import operations.engine.bootstep  # noqa: F401

    said = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.05)
        if readable:
            piece = os.read(0, 65536)
            if not piece:
                return
            said += piece
            while b"\n" in said:
                line, _, said = said.partition(b"\n")
                _bear(json.loads(line))
        _bury()


def _say(**words: int) -> None:
    print(json.dumps(words), flush=True)


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(gone=pid, code=os.waitstatus_to_exitcode(status))


def _bear(wish: dict[str, str]) -> None:
    pid = os.fork()
    if pid:
        _say(born=pid)
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    output = os.open(wish["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from console.celery import app
    from tests.faults.hooks import Plan, arrange

    arrange(Plan.load(wish["plan"]))
    app.worker_main(["worker", "-P", "threads", "-c", "2", "--loglevel", "warning"])
    sys.exit(0)


if __name__ == "__main__":
    main()
