"""What the proofs build into a worker process: toy runners, numbered fault points, and guards taken away.

A point is a place before or after one request, to the database or to the outside, in a thread that runs an operation.
They are counted in order, so that "kill it at point 17" means the same place in every run of the same operation.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from console.kit import points

VARIABLE = "TESTS_FAULTS"
CHECK = "SELECT coalesce((SELECT f.generation"
"""How the statement begins that asks whether this worker may still write."""


class Place(NamedTuple):
    """A point by what it is: the `nth` time that this is asked. Unlike a number it stays the same when an operation
    looks at its pods once more or once less than in another run."""

    kind: str
    phase: str
    detail: str
    nth: int


def places(trace: Path) -> list[Place]:
    """Read the places that an operation passed, in their order."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for line in trace.read_text("utf-8").splitlines():
        _, kind, phase, detail = json.loads(line)
        seen[kind, phase, detail] += 1
        found.append(Place(kind, phase, detail, seen[kind, phase, detail]))
    return found


def brief(detail: str) -> str:
    """Give what is asked in one line, short enough to compare and to print."""
    return " ".join(detail.split())[:160]


@dataclass(frozen=True)
class Plan:
    """What shall happen to one worker.

    `kinds`: the toy kinds it runs. `only`: the numbers of the operations it claims, all when empty. `stop`: the signal
    it sends itself at point `at` (or, with `at` 0, right after it has claimed), or at `place`, or `past_check`: between
    the last question whether it may write and the request of that place. `trace`: a file that names every point.
    `without`: the guards it lacks.
    """

    kinds: tuple[str, ...] = ("toy", "tidy")
    only: tuple[int, ...] = ()
    stop: Literal["", "KILL", "STOP"] = ""
    at: int = 0
    place: Place | None = None
    past_check: bool = False
    trace: str = ""
    without: tuple[str, ...] = ()

    def dump(self) -> str:
        """Write it down for another process."""
        return json.dumps(vars(self))

    @staticmethod
    def load(text: str) -> Plan:
        """Read it."""
        said = json.loads(text)
        lists = {name: tuple(said[name]) for name in ("kinds", "only", "without")}
        return Plan(**{**said, **lists, "place": Place(*said["place"]) if said["place"] else None})


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
    if plan.only:
        claim_only(plan.only)
    watcher = Watcher(plan)
    points.install(watcher.at_point)
    connection_created.connect(watcher.watch, weak=False)


def claim_only(numbers: tuple[int, ...]) -> None:
    """Let this process claim no other operations, so that each dies in its own."""
    from operations.engine import claim

    mine = f"NOT o.is_batch AND o.number IN ({', '.join(str(int(number)) for number in numbers)})"
    claim.CLAIM = claim.CLAIM.replace("NOT o.is_batch", mine)
    claim.CLAIM_URGENT = claim.CLAIM_URGENT.replace("NOT o.is_batch", mine)


@dataclass
class Watcher:
    """Counts the points and sends the signal. An operation's helper threads pass points side by side."""

    plan: Plan
    count: int = 0
    armed: bool = False
    seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, connection: Any, **_: Any) -> None:
        """See every statement of a connection."""
        if self.around not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.around)

    def around(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Stand before and after one statement."""
        points.point("database", sql, "before")
        result = execute(sql, params, many, context)
        claimed = sql.startswith("\nWITH picked") and context["cursor"].rowcount == 1
        if claimed and self.plan.at == 0 and self.plan.place is None:
            self.stop()
        points.point("database", sql, "after")
        return result

    def at_point(self, kind: str, detail: str, phase: str) -> None:
        """Count a point of an operation's own thread, and stop there if it is the one."""
        if not threading.current_thread().name.startswith("op-"):
            return
        what = (kind, phase, brief(detail))
        with self.guard:
            self.count += 1
            self.seen[what] += 1
            number, place = self.count, Place(*what, self.seen[what])
            if self.plan.trace:
                with open(self.plan.trace, "a", encoding="utf-8") as file:
                    file.write(json.dumps([number, *what]) + "\n")
        if number == self.plan.at or (place == self.plan.place and not self.plan.past_check):
            self.stop()
        elif place == self.plan.place:
            self.armed = True
        elif self.armed and phase == "after" and detail.lstrip().startswith(CHECK):
            self.stop()

    def stop(self) -> None:
        """Send this process the signal it is to meet, if any.

        To this very thread: one that is left to the kernel wakes another thread first, and this one would go on for as
        long as that takes on a busy machine.
        """
        if self.plan.stop:
            signal.pthread_kill(threading.get_ident(), signal.Signals[f"SIG{self.plan.stop}"])
