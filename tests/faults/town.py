"""A whole installation of the console beside real clusters, every process of it known by name, killed and brought back.

PostgreSQL, Valkey, two web processes and two workers are children of this process, each started again by what starts
them in `manage.py dev`. Clusters and registry are a platform of their own, whose supervisor brings back what dies.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from console.dev import process
from console.dev.servers import Postgres, Valkey
from console.dev.supervisor import Child
from console.probe import alive
from deploy.local import control
from deploy.local.cluster import Cluster
from deploy.local.node.commands import SOCKET as CONTAINERD
from deploy.local.plan import NETWORKS, NODE, PlatformError, free_ports
from deploy.local.platform import Platform, read
from deploy.local.registry import Registry
from tests.environment import ROOT
from tests.faults.hooks import VARIABLE, Plan

PLACES = {"WAYBILL_WORKER_SLOTS": "32", "WAYBILL_PER_CLUSTER": "40", "WAYBILL_PER_TEAM": "40"}
"""So much at once as is asked for; on one worker too, for as long as the other one is dead."""
KINDS = ("web", "worker", "Valkey", "PostgreSQL", "apiserver", "etcd", "registry", "kubelet", "containerd")


@dataclass
class Target:
    """One process that can be killed: what it is, how it is killed, when it is back, whose work it disturbs.

    `cluster`: the one whose operations it disturbs; with the same `door` are those that one door shows: an API server
    and its store are not killed while the other one is down.
    """

    kind: str
    name: str
    kill: Callable[[], object]
    is_back: Callable[[float], bool]
    cluster: str | None = None
    door: str = ""


class Town:
    """The console, its servers, and the platform. To be used from one thread, the one that starts processes."""

    def __init__(self, folder: Path, platform: Platform, without: Sequence[str] = ()) -> None:
        self.folder = folder
        self.platform = platform
        self.postgres = Postgres(folder / "postgres")
        self.valkey = Valkey(folder / "valkey")
        self.ports = free_ports(2)
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.environment = self._environment()
        self.children: dict[str, Child] = {}
        self.without = tuple(without)

    def _environment(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("TESTS_")}
        own = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "WAYBILL_PUBLIC_URL": self.urls[0],
            "WAYBILL_OUTBOUND_ALLOW": f"127.0.0.0/8,{NETWORKS}",
            "WAYBILL_DATA_DIR": str(self.folder),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "PYTHONPATH": str(ROOT),
        }
        return kept | PLACES | own

    # --- Up and down -------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Start everything and wait until both web processes answer."""
        for server in (self.postgres, self.valkey):
            server.start()
            death = signal.Signals[server.death]
            self.children[server.name] = Child(server.name, server.launch, death, server.process, time.monotonic())
        self.command("migrate", "--no-input", "-v", "0")
        for number, port in enumerate(self.ports):
            web = [sys.executable, "-m", "uvicorn", "console.asgi:application", "--port", str(port)]
            web += ["--no-access-log", "--log-level", "warning", "--lifespan", "off"]
            self._tend(f"web-{number}", web)
        for number in range(2):
            self.add_worker(f"worker-{number}")
        self.until(lambda: all(_ready(port) for port in self.ports), "both web processes", seconds=120)

    def add_worker(self, name: str, *without: str) -> None:
        """Start one more worker, which lacks these guards."""
        worker = [sys.executable, "-m", "celery", "--quiet", "-A", "console", "worker", "-P", "threads", "-c", "2"]
        worker += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        self._tend(name, worker, Plan(kinds=(), without=without).dump())

    def _tend(self, name: str, line: list[str], plan: str = "") -> None:
        environment = self.environment | ({VARIABLE: plan} if plan else {})
        self.children[name] = Child(name, partial(self._launch, name, line, environment))
        self.children[name].start()

    def _launch(self, name: str, line: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as output:
            return process.start(line, env=environment, cwd=ROOT, output=output, death="SIGKILL")

    def end_child(self, name: str) -> None:
        """End one child for good."""
        child = self.children.pop(name)
        if child.process is not None:
            process.stop(child.process, signal.SIGKILL)

    def stop(self) -> None:
        """End the console, then its servers. The platform is left to who made it."""
        for name in sorted(self.children, key=lambda name: name in {"PostgreSQL", "Valkey"}):
            child = self.children[name]
            if child.process is not None:
                process.stop(child.process, child.death)

    def command(self, *words: str, input: str = "", module: str = "") -> str:
        """Run a management command (or another module) with this console's environment; gives what it printed."""
        program = ["-m", module] if module else [str(ROOT / "manage.py")]
        done = subprocess.run(
            [sys.executable, *program, *words],
            input=input,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
        return done.stdout.strip()

    def token(self, login: str) -> str:
        """Make an access token."""
        return self.command("token", login).splitlines()[-1].strip()

    def until(self, holds: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
        """Wait until it holds, starting again meanwhile what has died."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            self.tend()
            time.sleep(0.1)

    def tend(self) -> None:
        """Start again what has died, as a manager of processes does."""
        for child in self.children.values():
            child.tend()

    # --- What can be killed ------------------------------------------------------------------------------------------
    def targets(self, roll: random.Random) -> list[Target]:
        """Everything that can be killed; with PostgreSQL the dice say whether it is the server or one of its own."""
        found = [*map(self._web, range(2)), *map(self._worker, range(2))]
        found.append(Target("Valkey", "Valkey", self._shoot("Valkey"), lambda _: self.valkey.answers()))
        found.append(Target("PostgreSQL", "PostgreSQL", partial(self._shoot_postgres, roll), self._postgres_is_back))
        registry = Registry.of(self.platform.registry)
        found.append(self._of_platform("registry", "registry", lambda _: registry.answers(), None))
        for slug, cluster in self.platform.clusters.items():
            found += self._of_cluster(slug, cluster)
        if not self.platform.plan.real:
            clusters = list(self.platform.clusters.values())
            found.append(self._of_platform("etcd", "etcd", lambda _: all(each.ready() for each in clusters), None))
        return found

    def _web(self, number: int) -> Target:
        port = self.ports[number]
        return Target("web", f"web-{number}", self._shoot(f"web-{number}"), lambda _: _ready(port))

    def _worker(self, number: int) -> Target:
        name = f"worker-{number}"
        return Target("worker", name, self._shoot(name), lambda _: self.pid(name) is not None)

    def pid(self, name: str) -> int | None:
        """The number of a child's process while it runs."""
        child = self.children[name].process
        return child.pid if child is not None and child.poll() is None else None

    def _shoot(self, name: str) -> Callable[[], object]:
        def shoot() -> None:
            child = self.children[name].process
            assert child is not None
            child.kill()
            child.wait()

        return shoot

    def _shoot_postgres(self, roll: random.Random) -> None:
        """The server itself, or one of the processes that serve connections: then it throws everybody out."""
        pid = self.pid("PostgreSQL")
        own = psutil.Process(pid).children() if pid is not None else []
        victim = roll.choice(own) if own and roll.random() < 0.5 else None
        if victim is None:
            self._shoot("PostgreSQL")()
        else:
            victim.kill()

    def _postgres_is_back(self, since: float) -> bool:
        return self.pid("PostgreSQL") is not None and self.postgres.answers()

    def _of_cluster(self, slug: str, cluster: Cluster) -> list[Target]:
        found = [self._of_platform("apiserver", f"{slug}/apiserver", lambda _: cluster.ready(), slug)]
        if not cluster.facts.real:
            return found
        found.append(self._of_platform("etcd", f"{slug}/etcd", lambda _: cluster.ready(), slug))
        door = cluster.state / slug / CONTAINERD
        found.append(self._of_platform("containerd", f"{slug}/containerd", lambda _: _listens(door), slug))
        reported = partial(_reported_since, cluster)
        return [*found, self._of_platform("kubelet", f"{slug}/kubelet", reported, slug)]

    def _of_platform(self, kind: str, name: str, answers: Callable[[float], bool], cluster: str | None) -> Target:
        state, killed = self.platform.state, list[Any]()

        def kill() -> None:
            running = read(state)
            assert running is not None
            killed[:] = [running.processes.get(name)]
            control.ask(state, do="signal", name=name, signal=int(signal.SIGKILL))

        def is_back(since: float) -> bool:
            running = read(state)
            now = running.processes.get(name) if running is not None else None
            if now is None or now == killed[0] or not now.alive() or not answers(since):
                return False
            control.ask(state, do="start", name=name)  # it runs; its supervisor forgets how often it had died
            return True

        played = not self.platform.plan.real
        door = ("played" if played else cluster or "") if kind in {"apiserver", "etcd"} else name
        return Target(kind, name, kill, is_back, cluster, door)


def _ready(port: int) -> bool:
    return alive(port, "/readyz", seconds=5)  # asked while everybody is at work, and something has just been killed


def _listens(door: Path) -> bool:
    # The kernel takes no longer path than 107 letters.
    folder = os.open(door.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            client.connect(f"/proc/self/fd/{folder}/{door.name}")
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def _reported_since(cluster: Cluster, since: float) -> bool:
    """Whether the node's agent has told the API server since then that it lives."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NODE}"
    try:
        told = str(cluster.get(path)["spec"]["renewTime"])
    except (OSError, http.client.HTTPException, PlatformError):
        return False
    return datetime.fromisoformat(told).timestamp() > since
