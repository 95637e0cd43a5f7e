"""``python -m deploy.local.demo up|down|reset|walk``: the console with three local clusters and a registry.

Everything it keeps lies in one folder: ``.waybill/`` beside manage.py, or the one that WAYBILL_DATA_DIR names.
The nodes of the clusters are real where that is possible; ``DEMO_NODES=played`` or ``DEMO_NODES=real`` chooses.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.local.authority import write_private
from deploy.local.client import Unexpected
from deploy.local.console import ROOT, Console
from deploy.local.ground import Ground, registry_body
from deploy.local.ground import walk as take
from deploy.local.guide import what_is_next
from deploy.local.images import push_sample
from deploy.local.nodes import choose
from deploy.local.people import ADMIN, PEOPLE, People
from deploy.local.plan import CLUSTERS, PlatformError, RegistryFacts
from deploy.local.platform import Platform
from deploy.local.process import Identity, identify
from deploy.local.setting_up import STEPS
from deploy.local.toolchain import BuildError
from deploy.local.visitor import Refused
from deploy.local.walk import walk

PORT = 8000
VERSIONS = ("1.0", "2.0")
STARTING = "The demo is still starting; walk when it says that everything is ready."


class Ended(Exception):
    """The demo was asked to end."""


def main() -> int:
    """Run one command; 0 when done, 1 with a sentence on standard error when not."""
    arguments = _parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    demo = Demo(Path(os.environ.get("WAYBILL_DATA_DIR") or ROOT / ".waybill").absolute())
    try:
        match arguments.command:
            case "up":
                demo.up(arguments.port, os.environ.get("DEMO_NODES") or None, empty=arguments.empty)
            case "down":
                demo.down()
            case "reset":
                demo.reset()
            case _:
                return 0 if demo.walk(arguments.port, os.environ.get("DEMO_NODES") or None) else 1
    except Ended:
        _say("Stopped.")
    except (PlatformError, BuildError, Refused) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class Demo:
    """The demo of one folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = data / "demo"
        self.people = People(self.folder / "people.txt")
        self.platform = Platform(data / "platform", CLUSTERS)

    def up(self, port: int, nodes: str | None, *, empty: bool = False) -> None:
        """Start everything and keep it until a signal; when it runs already, say where and return.

        ``nodes`` is ``played``, ``real``, or None for real ones where they can be had. Steps 1 to 4 of the road are
        taken, unless they were before or the console is to stay ``empty``.
        """
        if not self._hold(port, nodes, self._keep, empty=empty):
            self._say_again()

    def walk(self, port: int, nodes: str | None) -> bool:
        """Walk all ten steps by REST alone, each as the person whose step it is; whether every one succeeded.

        A demo that is not up is started for the walk. What was walked stays in the demo's folder. Raises PlatformError
        where the road was walked before, or the demo is up and its clusters are not there yet.
        """
        if self._is_walked:
            raise PlatformError("The road was walked in this demo already; `make demo-reset` starts afresh.")
        results: list[bool] = []
        if not self._hold(port, nodes, lambda console: results.append(self._walk(console.url)), empty=True):
            running = self._running()
            if running is None:
                raise PlatformError(STARTING)
            try:
                self.platform = Platform.attach(self.platform.state)
            except PlatformError as error:
                raise PlatformError(STARTING) from error
            results.append(self._walk(running["url"]))
        return all(results)

    def _hold(self, port: int, nodes: str | None, then: Callable[[Console], object], *, empty: bool) -> bool:
        """Start everything, do something with the console, and stop everything; False when the demo is up already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            console = Console(self.data, port)
            try:
                self._start(console, nodes, empty=empty)
                then(console)
            finally:
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                self.platform.stop()
                console.stop()
                (self.folder / "running.json").unlink(missing_ok=True)
        return True

    def _start(self, console: Console, nodes: str | None, *, empty: bool) -> None:
        """The console first, so that it answers while the programs of the platform are built."""
        began = time.monotonic()
        myself = identify(os.getpid())
        assert myself is not None
        note = {"pid": myself.pid, "started": myself.started, "url": console.url}
        write_private(self.folder / "running.json", json.dumps(note))
        _say("Starting the console.")
        console.is_coming("clusters")
        console.start()
        console.wait()
        _say(f"The console answers at {console.url} after {time.monotonic() - began:.0f} s.")
        if self.people.make(console.url, lambda: console.first_admin(ADMIN, PEOPLE[0].name)):
            passwords = self.people.passwords()
            for person in PEOPLE:
                _say(f"  {person.login:8} {passwords[person.login][0]}   {person.part}")
        _say(f"  Passwords are kept in {self.people.path}.")
        self.platform = Platform(self.platform.state, choose(self.platform.state, nodes, say=_say))
        _say("Starting the registry and the clusters.")
        self.platform.start(while_pid=os.getpid(), say=_say, door=True)
        self._images()
        if not empty:
            self._set_up(console)
        console.is_coming(None)
        self._say_what_is_next(console.url)
        _say(f"Everything is ready after {time.monotonic() - began:.0f} s. Ctrl-C ends it.")

    def _set_up(self, console: Console) -> None:
        """Take steps 1 to 4 over REST, each as the person whose step it is, with a token for this alone.

        Once all are taken they are never taken again: what people change afterwards is theirs.
        """
        if self._is_set_up:
            return
        console.is_coming("road")
        _say("Setting up clusters, teams, registry and a test application, over the REST API.")
        if self._take(console.url, lambda ground: take(ground, STEPS)):
            write_private(self.folder / "set-up", "")
            return
        _say("What was set up stays. Go on in the console, or start the demo again to have the rest done.")

    def _walk(self, console: str) -> bool:
        """Walk the whole road where it stands: what steps 1 to 4 find made is not made again."""
        walked = self._take(console, walk)
        if walked:
            for name in ("set-up", "walked"):
                write_private(self.folder / name, "")
        return walked

    def _take(self, console: str, way: Callable[[Ground], bool]) -> bool:
        """Take a way over REST with tokens for it alone; what stops it is said."""
        registry = registry_body(self.platform.registry)
        try:
            with self.people.tokens(console) as token:
                return way(Ground(console, dict(self.platform.clusters), registry, self._images(), token, _say))
        except (Refused, Unexpected, OSError) as error:
            _say(f"  {error}")
        return False

    def _images(self) -> dict[str, dict[str, str]]:
        """The test application's images in the registry, by version; sent where they are missing."""
        return {version: push_sample(self.platform.registry, version) for version in VERSIONS}

    @property
    def _is_set_up(self) -> bool:
        return (self.folder / "set-up").exists()

    @property
    def _is_walked(self) -> bool:
        return (self.folder / "walked").exists()

    def _keep(self, console: Console) -> None:
        while console.running:
            time.sleep(0.5)
        raise PlatformError(f"the console ended, see {console.log}")

    def _running(self) -> dict[str, Any] | None:
        """What the process that runs the demo wrote down, as long as it runs."""
        try:
            note: dict[str, Any] = json.loads((self.folder / "running.json").read_text())
        except FileNotFoundError:
            return None
        return note if Identity(note["pid"], note["started"]).alive() else None

    def _say_again(self) -> None:
        running = self._running()
        _say(f"The demo runs already: {running['url'] if running else 'it is starting'}")
        _say(f"  Passwords are kept in {self.people.path}.")
        try:
            self.platform = Platform.attach(self.platform.state)
        except PlatformError:
            _say("  The clusters are not there yet.")
        else:
            if running is not None:
                self._say_what_is_next(running["url"])

    def _say_what_is_next(self, console: str) -> None:
        """Say what is there for a person to go on with, and where."""
        path = self.folder / "registry.txt"
        write_private(path, _registry_text(self.platform.registry))
        for line in what_is_next(
            console, self.platform, self.people.path, path, is_set_up=self._is_set_up, is_walked=self._is_walked
        ):
            _say(line)

    def down(self) -> None:
        """Stop what the demo started; what it stored stays. Harmless when nothing runs."""
        running = self._running()
        if running is not None:
            Identity(running["pid"], running["started"]).end(within=60)
        self.platform.stop()

    def reset(self) -> None:
        """Stop the demo and remove all it stored: people, console, registry, clusters."""
        self.down()
        for name in ("demo", "platform", "dev", "console.log", "coming.json"):
            path = self.data / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _registry_text(facts: RegistryFacts) -> str:
    accounts = f"push: {facts.user} {facts.password}\npull: {facts.pull_user} {facts.pull_password}\n"
    return f"address: {facts.address}\n{accounts}{facts.ca_pem}"


def _end(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Ended


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.demo", description=__doc__)
    verbs = parser.add_subparsers(dest="command", required=True)
    up = verbs.add_parser("up", help="start the demo and keep it until Ctrl-C")
    up.add_argument("--port", type=int, default=PORT, help=f"port of the console ({PORT})")
    up.add_argument("--empty", action="store_true", help="leave all ten steps of the road to you")
    verbs.add_parser("down", help="stop it; what it stored stays")
    verbs.add_parser("reset", help="stop it and remove all it stored")
    road = verbs.add_parser("walk", help="walk all ten steps by REST on the demo, starting it for that if it is not up")
    road.add_argument("--port", type=int, default=PORT, help=f"port of the console ({PORT})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
