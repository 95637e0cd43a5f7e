"""The one process that starts a platform's programs, keeps them running, and takes them down with it."""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.local import control
from deploy.local.authority import write_private
from deploy.local.command import Command, environment
from deploy.local.commands import machine_of
from deploy.local.node import floor
from deploy.local.node.machine import Machine
from deploy.local.plan import STATE_FILE, Plan, PlatformError
from deploy.local.process import Identity, child_of, halted, identify, spawn, wait_until

RESTARTS = 5
"""How often a program that ended by itself is started again before the supervisor gives it up."""
LONG_RUN = 60.0
"""A program that ran this many seconds is not counted as one that cannot run."""


class Ended(Exception):
    """The supervisor was asked to end."""


class Child:
    """One program of the platform and its process, if it runs."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None
        self.wanted = False
        self.restarts = 0
        self.again_at = 0.0
        self.started_at = 0.0

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self, folder: Path) -> None:
        """Start the program unless it runs."""
        self.wanted = True
        if self.running:
            return
        variables = {**environment(), "HOME": str(folder), **self.command.environment}
        self.process = spawn(self.command.line, log=self.command.log, environment=variables, folder=folder)
        self.identity = identify(self.process.pid)
        self.started_at = time.monotonic()

    def signal(self, number: int) -> None:
        """Send a signal to the program, if it runs; after SIGSTOP it stands still.

        PlatformError when it has not stopped after five seconds.
        """
        if self.process is None or self.process.poll() is not None:
            return
        program = (child_of(self.process.pid) if self.command.forks else None) or self.process.pid
        with suppress(ProcessLookupError):
            os.kill(program, number)
        if number == signal.SIGSTOP and not wait_until(lambda: halted(program), within=5, every=0.002):
            raise PlatformError(f"{self.command.name} was told to stop and goes on")

    def wait(self, until: float) -> bool:
        """Wait for the process to end, until this moment of the monotonic clock; whether it did."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True


class Supervisor:
    """Runs in the main thread of its process; ``run`` returns when it was asked to end and everything is down."""

    def __init__(self, state: Path, plan: Plan, children: list[Command], *, say: Callable[[str], None]) -> None:
        self.state = state
        self.plan = plan
        self.children = {command.name: Child(command) for command in children}
        self.say = say
        self.phase = "starting"
        self.selector = selectors.DefaultSelector()

    def run(self, bring_up: Callable[[Supervisor], None], *, while_pid: int | None = None) -> None:
        """Hold the folder, start everything, serve until a signal, an ``end`` request, or the end of ``while_pid``.

        PlatformError when another supervisor holds the folder, or a program does not come up.
        """
        with (self.state / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlatformError(f"the platform in {self.state} is running already") from None
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, _end)
            try:
                self._serve(bring_up, while_pid)
            except Ended:
                self.say("Stopping the platform.")
            finally:
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                self._take_down()

    def _serve(self, bring_up: Callable[[Supervisor], None], while_pid: int | None) -> None:
        if while_pid is not None:
            self._watch(while_pid)
        with control.listen(self.state) as server:
            self.record()
            bring_up(self)
            self.phase = "ready"
            self.record()
            self.selector.register(server, selectors.EVENT_READ, self._answer)
            while True:
                for key, _ in self.selector.select(timeout=0.5):
                    key.data(key.fileobj)
                self._mend()

    def _watch(self, pid: int) -> None:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            raise Ended from None
        self.selector.register(handle, selectors.EVENT_READ, _end_of_other)

    def start(self, name: str) -> None:
        """Start one program."""
        self.children[name].start(self.state)

    def machine(self, slug: str) -> Machine:
        """The machine of a cluster; PlatformError when there is none."""
        for cluster in self.plan.clusters:
            machine = machine_of(self.state, self.plan, cluster)
            if cluster.slug == slug and machine is not None:
                return machine
        raise PlatformError(f"no cluster with a real node is called {slug}")

    def check(self) -> None:
        """PlatformError when a program that should run has ended; with the last line it wrote."""
        for child in self.children.values():
            if child.wanted and not child.running:
                raise PlatformError(f"{child.command.name} ended: {_last_line(child.command.log)}")

    def record(self) -> None:
        """Write what runs, for other processes: ``platform.json``."""
        processes = {
            name: {"pid": child.identity.pid, "started": child.identity.started}
            for name, child in self.children.items()
            if child.identity is not None and child.running
        }
        myself = identify(os.getpid())
        assert myself is not None
        content = {
            "phase": self.phase,
            "supervisor": {"pid": myself.pid, "started": myself.started},
            "processes": processes,
            "plan": self.plan.to_json(),
        }
        write_private(self.state / STATE_FILE, json.dumps(content, ensure_ascii=False, indent=1))

    def _answer(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            try:
                request = json.loads(connection.makefile("rb").readline())
                answer = self._obey(request)
            except Ended:
                connection.sendall(b"{}\n")
                raise
            except (OSError, ValueError, KeyError, PlatformError) as error:
                answer = {"error": f"{error}"}
            with suppress(OSError):
                connection.sendall(json.dumps(answer).encode() + b"\n")

    def _obey(self, request: dict[str, Any]) -> dict[str, Any]:
        verb = request["do"]
        if verb == "end":
            raise Ended
        if verb in {"plug", "unplug"}:
            self.machine(request["name"]).link(up=verb == "plug")
            return {}
        child = self.children[request["name"]]
        if verb == "start":
            child.restarts = 0
            child.start(self.state)
        elif verb == "stop":
            child.wanted = False
            child.signal(signal.SIGCONT)
            child.signal(request["signal"])
            if not child.wait(time.monotonic() + 10):
                child.signal(signal.SIGKILL)
                child.wait(time.monotonic() + 5)
        elif verb == "signal":
            child.signal(request["signal"])
        else:
            raise PlatformError(f"no request is called {verb!r}")
        self.record()
        return {"running": child.running}

    def _mend(self) -> None:
        """Start again what ended by itself, a second later, a few times."""
        now = time.monotonic()
        for child in self.children.values():
            if not child.wanted or child.running:
                continue
            if not child.again_at:
                child.again_at = now + 1
                self.say(f"{child.command.name} ended: {_last_line(child.command.log)}")
            elif now >= child.again_at:
                child.again_at = 0.0
                child.restarts = 1 if now - child.started_at > LONG_RUN else child.restarts + 1
                child.wanted = child.restarts <= RESTARTS and child.command.again
                if child.wanted:
                    child.start(self.state)
                self.record()

    def _take_down(self) -> None:
        """End all programs, stage by stage, so that each finds what it needs to the end; then sweep the floor."""
        for child in self.children.values():
            child.wanted = False
        for stage in sorted({child.command.stage for child in self.children.values()}):
            members = [child for child in self.children.values() if child.command.stage == stage]
            for child in members:
                child.signal(signal.SIGCONT)
                child.signal(signal.SIGTERM)
            until = time.monotonic() + (3 if stage < 2 else 5)
            for child in members:
                if not child.wait(until):
                    child.signal(signal.SIGKILL)
                    child.wait(time.monotonic() + 5)
        if self.plan.real:
            floor.sweep(self.state, self.plan)
        self.phase = "stopped"
        self.record()
        (self.state / control.SOCKET).unlink(missing_ok=True)


def _end(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Ended


def _end_of_other(handle: int) -> None:
    del handle
    raise Ended


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "it wrote nothing"
    return lines[-1][:400] if lines else "it wrote nothing"
