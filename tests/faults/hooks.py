"""What the proofs build into a worker process: toy runners, numbered fault points, and guards taken away.

A point is a place before or after one request, to the database or to the outside, in a thread that runs an operation.
They are counted in order, so that "kill it at point 17" means the same place in every run of the same operation.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from console.kit import points

VARIABLE = "TESTS_FAULTS"


@dataclass(frozen=True)
class Plan:
    """What shall happen to one worker.

    `kinds`: the toy kinds it runs. `stop`: the signal it sends itself at point `at` (or, with `at` 0, right after it
    has claimed). `trace`: a file that names every point. `without`: the guards it lacks.
    """

    kinds: tuple[str, ...] = ("toy", "tidy")
    stop: Literal["", "KILL", "STOP"] = ""
    at: int = 0
    trace: str = ""
    without: tuple[str, ...] = ()

    def dump(self) -> str:
        """Write it down for another process."""
        return json.dumps(vars(self))

    @staticmethod
    def load(text: str) -> Plan:
        """Read it."""
        said = json.loads(text)
        return Plan(**{**said, "kinds": tuple(said["kinds"]), "without": tuple(said["without"])})


class FaultsConfig(AppConfig):
    """Arranges what the environment asks for."""

    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        """Do it when the process starts."""
        if VARIABLE in os.environ:
            arrange(Plan.load(os.environ[VARIABLE]))


def arrange(plan: Plan) -> None:
    """Make this process the worker that `plan` describes."""
    from operations import registry
    from tests.faults import unguarded
    from tests.operations import toy

    for kind in plan.kinds:
        base = toy.TidyRunner if kind.startswith("tidy") else toy.ToyRunner
        registry.register(type(kind, (base,), {"kind": kind, "observes": "observe" not in plan.without})())
    for guard in plan.without:
        unguarded.REMOVE[guard]()
    watcher = Watcher(plan)
    points.install(watcher.at_point)
    connection_created.connect(watcher.watch, weak=False)


@dataclass
class Watcher:
    """Counts the points and sends the signal."""

    plan: Plan
    count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def watch(self, connection: Any, **_: Any) -> None:
        """See every statement of a connection."""
        if self.around not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.around)

    def around(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Stand before and after one statement."""
        points.point("database", sql, "before")
        result = execute(sql, params, many, context)
        claimed = sql.startswith("\nWITH picked") and context["cursor"].rowcount == 1
        if claimed and self.plan.stop and self.plan.at == 0:
            os.kill(os.getpid(), signal.Signals[f"SIG{self.plan.stop}"])
        points.point("database", sql, "after")
        return result

    def at_point(self, kind: str, detail: str, phase: str) -> None:
        """Count a point of an operation's own thread, and stop there if it is the one."""
        if not threading.current_thread().name.startswith("op-"):
            return
        number = next(self.count)
        if self.plan.trace:
            with open(self.plan.trace, "a", encoding="utf-8") as file:
                file.write(json.dumps([number, kind, phase, " ".join(detail.split())[:100]]) + "\n")
        if self.plan.stop and number == self.plan.at:
            os.kill(os.getpid(), signal.Signals[f"SIG{self.plan.stop}"])
