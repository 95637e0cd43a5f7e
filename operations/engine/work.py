"""What a runner holds while it works: the operation, the lease, and the only ways to write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection, transaction

from console.kit import secrets
from console.kit.canonical import digest
from console.kit.errors import NotHealthy
from console.kit.models import where
from operations.engine import lease as leases
from operations.engine.lease import Lease, LeaseLost, Stopping
from operations.models import Operation, OperationEvent

if TYPE_CHECKING:
    from operations.engine.runner import Runner
    from operations.engine.slots import Slots
    from operations.engine.step import StepWork

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Work:
    """One operation at work in this process."""

    def __init__(self, operation: Operation, lease: Lease, runner: Runner, slots: Slots | None = None) -> None:
        self.operation = operation
        self.lease = lease
        self.runner = runner
        self.step: StepWork | None = None
        self.undoing = False
        self._slots = slots
        self._recording = threading.local()
        self._home = threading.get_ident()

    def begin(self) -> None:
        """Call the calling thread the runner's own, which keeps its connection between two records."""
        self._home = threading.get_ident()

    @property
    def epoch(self) -> int:
        """The epoch this process claimed the operation with."""
        return self.lease.epoch

    @property
    def generation(self) -> int:
        """The number of the environment's key, as last read by `before_write`."""
        return self.lease.generation

    @property
    def key(self) -> str:
        """The key of the step that runs; empty between steps."""
        return self.step.key if self.step else ""

    @property
    def cancel_requested(self) -> bool:
        """Whether a cancel waits for the next step boundary."""
        return self.lease.cancel_requested

    @property
    def may_leave(self) -> bool:
        """Whether `check` has something to obey at the next boundary."""
        return self.lease.stopping or self.lease.cancel_requested or self.lease.overdue

    def user_agent(self, step: str | None = None) -> str:
        """Give the User-Agent of outbound requests: `waybill op-12 epoch/3 component:web`."""
        return f"waybill {self.operation.name} epoch/{self.epoch} {step or self.key}".strip()

    # --- Writing ---------------------------------------------------------------------------------------------------
    @contextmanager
    def record(self, *, repeatable: bool = False) -> Iterator[None]:
        """A transaction that holds the operation's row under this epoch; every write of a runner goes in one.

        What is `repeatable` does not wait for the database's disk: when the database dies in the same moment, it is
        as if the worker had died a little earlier. Never so for what must be known before acting outside (an intent),
        or after (what was seen, what was sent), and never for the end of an operation.
        Raises LeaseLost before anything is written when the lease is gone. Short, and never across a network call.
        """
        if getattr(self._recording, "on", False):
            yield
            return
        self.lease.check()
        try:
            with transaction.atomic():
                self._hold_row(waits=not repeatable)
                self._recording.on = True
                yield
        finally:
            self._recording.on = False
            self._leave_connection()

    def before_write(self) -> None:
        """Ask whether this process may still write outside; call it before every outbound write.

        Checks the own clock, then epoch and lease in one statement, which also reads the number of the environment's
        key anew. Raises LeaseLost, or Stopping when the process ends.
        """
        if getattr(self._recording, "on", False):
            raise RuntimeError("no transaction is open across a network call")
        self.lease.check()
        if self.lease.stopping:
            raise Stopping("the process ends")
        with connection.cursor() as cursor:
            cursor.execute(leases.BEFORE_WRITE, self.lease.parameters)
            row = cursor.fetchone()
        self._leave_connection()
        if row is None:
            self.lease.lose()
            raise LeaseLost(self.operation.name)
        self.lease.generation = row[0]

    def update(self, **fields: Any) -> None:
        """Write columns of the operation's row, under the lease."""
        with self.record():
            Operation.objects.filter(pk=self.operation.pk).update(**fields)
        for name, value in fields.items():
            setattr(self.operation, name, value)

    def log(self, code: str, /, *, level: str = "info", component: str | None = None, **params: Any) -> None:
        """Append a line to the operation's log; parameters hold no secrets."""
        self.append(code, params, level=level, component=component)

    def append(self, code: str, params: dict[str, Any], *, level: str = "info", component: str | None = None) -> None:
        """Append a line whose parameters may have any names (those of an error)."""
        with self.record(repeatable=True):
            OperationEvent.objects.create(
                operation=self.operation, level=level, component=component, code=code, params=params
            )

    def progress(self, done: int, total: int) -> None:
        """Say how far the operation is, in the runner's unit."""
        if (self.operation.done, self.operation.total) != (done, total):
            self.update(done=done, total=total)

    def changed(self, part: str) -> None:
        """Say what the operation did to its target: `part`, `all`, or `unknown`; it never becomes less."""
        order = ("nothing", "part", "all", "unknown")
        if order.index(part) > order.index(self.operation.changed):
            self.update(changed=part)

    def keep_plan(self, plan: dict[str, Any]) -> None:
        """Store the plan and its hash."""
        self.update(plan=plan, plan_hash=digest(plan))

    def answered(self) -> None:
        """Take note that what was away has answered: a waiting operation runs again."""
        if self.operation.state == "waiting":
            self.update(state="running", waiting_for=None)
            self.log("resumed")

    def sealed(self) -> Any:
        """Give the sealed input; None when there is none."""
        text = self.operation.sealed
        return None if text is None else secrets.unseal(text, where(self.operation, "sealed"))

    # --- Waiting ---------------------------------------------------------------------------------------------------
    @contextmanager
    def idle(self) -> Iterator[None]:
        """Give the slot back for the block; the lease is kept. Only in the runner's own thread, outside of `record`."""
        if getattr(self._recording, "on", False):
            raise RuntimeError("no transaction is open while an operation waits")
        connection.close()
        if self._slots is None:
            yield
            return
        self._slots.give()
        try:
            yield
        finally:
            self._slots.take_back()

    def pause(self, seconds: float) -> None:
        """Wait without a slot. Raises Stopping (end of process, or cancel), LeaseLost, or `deadline_passed`."""
        self.check()
        with self.idle():
            self.lease.wait(seconds, undoing=self.undoing)
        self.check()

    def check(self) -> None:
        """Raise what must be obeyed now: LeaseLost, Stopping, or NotHealthy("deadline_passed")."""
        self.lease.check()
        if self.lease.stopping:
            raise Stopping("the process ends")
        if self.undoing:
            return
        if self.lease.cancel_requested:
            if self.runner.can_cancel(self.operation):
                raise Stopping("cancelled")
            self.lease.refuse_cancel()
        if self.lease.overdue:
            raise NotHealthy("deadline_passed", seconds=self.operation.deadline_seconds)

    def parallel(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item], *, width: int = 8
    ) -> list[_Result]:
        """Call `function` for all items, `width` at a time, and give the results in order.

        Each call runs in a thread of this operation and may use everything here but `pause` and `idle`. The first
        error in the order of the items is raised once all have ended.
        """
        with ThreadPoolExecutor(max_workers=width, thread_name_prefix=self.operation.name) as pool:
            futures = [pool.submit(copy_context().run, self._elsewhere, function, item) for item in items]
        return [future.result() for future in futures]

    def _elsewhere(self, function: Callable[[_Item], _Result], item: _Item) -> _Result:
        try:
            return function(item)
        finally:
            connection.close()

    def _hold_row(self, *, waits: bool) -> None:
        idle = "0" if connection.savepoint_ids else leases.IDLE_IN_RECORD
        with connection.cursor() as cursor:
            cursor.execute(leases.GUARD, {**self.lease.parameters, "idle": idle, "waits": waits})
            held = cursor.fetchone() is not None
        if not held:
            self.lease.lose()
            raise LeaseLost(self.operation.name)

    def _leave_connection(self) -> None:
        """Give the connection of a helper's thread back at once: the process has fewer of them than threads."""
        if threading.get_ident() != self._home and not connection.in_atomic_block:
            connection.close()
