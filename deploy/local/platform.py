"""A registry and several clusters on this machine: started, found again, stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import control, programs
from deploy.local.cluster import Cluster
from deploy.local.node import floor
from deploy.local.plan import CLUSTERS, REAL, STATE_FILE, ClusterPlan, Plan, PlatformError, RegistryFacts, load
from deploy.local.process import Identity, wait_until
from deploy.local.rise import wait_registry

__all__ = ["CLUSTERS", "ClusterPlan", "Platform", "PlatformError"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """What ``platform.json`` says, looked at now."""

    phase: str
    supervisor: Identity
    processes: dict[str, Identity]
    plan: Plan


def read(state: Path) -> Running | None:
    """What is recorded in a state folder, None when nothing ever ran there."""
    try:
        content: dict[str, Any] = json.loads((state / STATE_FILE).read_text())
    except FileNotFoundError:
        return None
    return Running(
        phase=content["phase"],
        supervisor=Identity(**content["supervisor"]),
        processes={name: Identity(**process) for name, process in content["processes"].items()},
        plan=Plan.from_json(content["plan"]),
    )


class Platform:
    """A platform in one folder. ``start`` and ``stop`` it, or ``attach`` to one that another process started."""

    def __init__(self, state_dir: str | Path, clusters: Sequence[ClusterPlan] = CLUSTERS) -> None:
        self.state = Path(state_dir).resolve()
        self.plans = tuple(clusters)
        self._plan: Plan | None = None

    @classmethod
    def attach(cls, state_dir: str | Path) -> Platform:
        """The running platform of a folder; PlatformError when none runs there."""
        running = read(Path(state_dir))
        if running is None or running.phase != "ready" or not running.supervisor.alive():
            raise PlatformError(f"no platform runs in {state_dir}")
        platform = cls(state_dir, [ClusterPlan(c.slug, c.name, c.nodes) for c in running.plan.clusters])
        platform._plan = running.plan
        return platform

    @property
    def plan(self) -> Plan:
        """Ports and credentials; PlatformError before the start."""
        if self._plan is None:
            raise PlatformError(f"the platform in {self.state} was not started")
        return self._plan

    @property
    def registry(self) -> RegistryFacts:
        """The registry: ``address``, ``ca_pem``, ``user``, ``password``, ``pull_user``, ``pull_password``."""
        return self.plan.registry

    @property
    def clusters(self) -> dict[str, Cluster]:
        """The clusters by short name, in order."""
        return {facts.slug: Cluster(self.state, facts) for facts in self.plan.clusters}

    def start(
        self, *, while_pid: int | None = None, within: float = 180, say: Say = print, door: bool = False
    ) -> Platform:
        """Start the platform in the background, or find it running; return when every cluster takes pods.

        With ``door`` this machine's port 80 leads to the HTTP routes of clusters that have an ingress controller.
        With ``while_pid`` it ends when that process ends. The programs are built first when they are missing.
        PlatformError when it does not come up within so many seconds.
        """
        programs.ensure(say, node=any(plan.nodes == REAL for plan in self.plans))
        running = read(self.state)
        if running is None or not running.supervisor.alive():
            self._launch(while_pid, door=door)
        end = time.monotonic() + within
        while True:
            running = read(self.state)
            if running is not None and running.supervisor.alive() and running.phase == "ready":
                self._plan = running.plan
                return self
            ended = self._launched is not None and self._launched.poll() is not None
            if ended or time.monotonic() > end:
                raise PlatformError(f"the platform did not start: {self._last_words()}")
            time.sleep(0.1)

    _launched: subprocess.Popen[bytes] | None = None

    def _launch(self, while_pid: int | None, *, door: bool) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        line = [sys.executable, "-m", "deploy.local", "up", "--state", str(self.state), "--quiet"]
        line += [f"--cluster={plan.slug}={plan.name}={plan.nodes}" for plan in self.plans]
        if door:
            line.append("--door")
        if while_pid is not None:
            line += ["--while", str(while_pid)]
        with (self.state / "supervisor.log").open("ab") as log:
            self._launched = subprocess.Popen(
                line,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _last_words(self) -> str:
        try:
            lines = (self.state / "supervisor.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "no reason was given"

    def stop(self) -> None:
        """Stop the platform and every process it recorded; harmless when nothing runs. What it stored stays."""
        running = read(self.state)
        if running is None:
            return
        running.supervisor.end(within=30)
        if self._launched is not None:
            self._launched.wait(10)
        for process in running.processes.values():
            # Children die with the supervisor; one that the kernel has not reaped yet is only waited for.
            if not wait_until(lambda process=process: not process.alive(), within=2):  # type: ignore[misc]
                process.end(within=1)
        plan = load(self.state)
        if plan is not None and plan.real:
            floor.sweep(self.state, plan)

    def reset(self) -> None:
        """Stop the platform and remove all it stored, its ports and passwords too."""
        self.stop()
        if (self.state / "plan.json").exists():
            shutil.rmtree(self.state)

    def stop_registry(self) -> None:
        """Stop the registry; it stays away until started."""
        control.ask(self.state, do="stop", name="registry", signal=9)

    def start_registry(self) -> None:
        """Start the registry again at the same address, with the same images; return when it answers."""
        control.ask(self.state, do="start", name="registry")
        wait_registry(self.registry)
