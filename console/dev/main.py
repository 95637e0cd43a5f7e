"""`manage.py dev`: the whole console at one address; `manage.py dev run COMMAND`: one command beside it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from console.dev.house import ROOT, AlreadyRunning, House
from console.dev.supervisor import Supervisor


def main(arguments: Sequence[str]) -> int:
    """Read the command line and run; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="manage.py dev",
        description="Run the whole console on this machine: database, broker, pages, API, event streams and a worker.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (8000)")
    commands = parser.add_subparsers(dest="command", metavar="")
    runner = commands.add_parser("run", help="run one management command with the same database and keys")
    runner.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    try:
        if options.command == "run":
            return run(options.words)
        return Supervisor(House(), host=options.host, port=options.port).run()
    except AlreadyRunning as error:
        print(f"manage.py dev: {error}", file=sys.stderr)
        return 1


def run(words: Sequence[str]) -> int:
    """Run one management command on the running console's database, or on one started for as long as it takes.

    Raises AlreadyRunning while a console in this folder is only starting.
    """
    house = House()
    running = house.running()
    if running is not None:
        return _command(words, house.environment(DATABASE_URL=running["database"], REDIS_URL=running["broker"]))
    house.claim()
    postgres = house.postgres()
    said = {"REDIS_URL": "redis://127.0.0.1:9/0"}
    if postgres is not None:
        postgres.start()
        said["DATABASE_URL"] = postgres.url
    try:
        return _command(words, house.environment(**said))
    finally:
        if postgres is not None:
            postgres.stop()


def _command(words: Sequence[str], environment: dict[str, str]) -> int:
    line = [sys.executable, str(ROOT / "manage.py"), *words]
    return subprocess.run(line, env=environment, cwd=ROOT, check=False).returncode
