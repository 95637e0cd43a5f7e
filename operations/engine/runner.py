"""What a kind of operation is made of: its steps, and what a worker does in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from console.kit.errors import Refused, WaybillError

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team, User


class Runner:
    """One registered instance per kind, shared by all threads of a process: it keeps nothing between calls."""

    kind: ClassVar[str]
    unit: ClassVar[str] = "steps"
    """What progress counts: steps, components, bytes, children."""

    def steps(self, operation: Operation) -> list[str]:
        """Give the ordered keys of the steps, decided from rows when the operation is first claimed."""
        raise NotImplementedError

    def counts(self, key: str) -> bool:
        """Say whether the step `key` counts one in the operation's progress; bytes are counted by the runner itself."""
        if self.unit == "components":
            return key.startswith(("component:", "remove:"))
        return self.unit == "steps"

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step, idempotently: observe first, then act, then record what was seen.

        May be called again for a step that another owner of the lease began: `step.intent` and `step.observed` hold
        what was written before. Raise `Unreachable` to wait for what is away, any other WaybillError to fail.
        """
        raise NotImplementedError

    def undo(self, work: Work, error: WaybillError | None) -> None:
        """Take back what this operation made outside, after a failure or (error None) a cancel.

        Optional; recorded as the step `undo`. It may be called again after a crash, so it observes first too.
        """

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Write what the end means to other rows, audit included; called in the transaction that ends the operation.

        `state` is the terminal state; the operation's row already holds it, and its lock is free.
        """

    def look_up(self, operations: Sequence[Operation]) -> None:
        """Read along, for all operations of this kind on a page, what `can_cancel`, `result` and `next_steps` ask of
        rows, and leave it in their `looked_up`: as many queries for fifty as for one.

        Optional. Without it, and in a worker, each of them reads its own rows.
        """

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether the operation may still be cancelled; asked at acceptance and at each step boundary."""
        return True

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Give the right (and the team it is held on) that cancelling and retrying need: who may start that kind."""
        raise NotImplementedError

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Start the same work anew, with `retry_of`. Raises Refused("not_retryable") for kinds that have none."""
        raise Refused("not_retryable", kind=operation.kind)

    def can_retry(self, operation: Operation) -> bool:
        """Say whether a retry would be taken up as things stand; asked for pages, so that none offers what is over."""
        return type(self).retry is not Runner.retry

    def result(self, operation: Operation) -> dict[str, Any] | None:
        """Give what the operation came to, for its JSON, once it has succeeded: at least `href`."""
        return {"href": operation.subject_href()}

    def next_steps(self, operation: Operation) -> list[str]:
        """Give the words of what can be done after a bad end: `retry`, `rollback`…"""
        return ["retry"] if type(self).retry is not Runner.retry else []
