"""The step a runner is in: what it means to do, what it saw, how far it is, what it says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from operations.models import Step

if TYPE_CHECKING:
    from operations.engine.work import Work

PROGRESS_EVERY = 0.5
"""Seconds between two writes of a progress that moves quickly."""


class StepWork:
    """One step at work. Every method writes under the operation's lease and raises LeaseLost without it."""

    def __init__(self, work: Work, row: Step) -> None:
        self._work = work
        self._row = row
        self._written = 0.0
        self._ends_as = "done"
        self._concluded = False

    @property
    def concluded(self) -> bool:
        """Whether the step's end carries what was seen, and has to last as that does."""
        return self._concluded

    @property
    def key(self) -> str:
        """The step's key."""
        return self._row.key

    @property
    def intent(self) -> dict[str, Any]:
        """What was meant, maybe by an earlier owner of the lease."""
        return dict(self._row.intent)

    @property
    def observed(self) -> dict[str, Any]:
        """What was seen, maybe by an earlier owner of the lease."""
        return dict(self._row.observed)

    def intend(self, **values: Any) -> None:
        """Add to the intent, before acting."""
        with self._work.record():
            self._row.intent = {**self._row.intent, **values}
            self._row.save(update_fields=["intent"])

    def observe(self, **values: Any) -> None:
        """Add to what was seen, after acting; an operation that waited goes on."""
        with self._work.record():
            self._row.observed = {**self._row.observed, **values}
            self._row.save(update_fields=["observed"])
            self._work.answered()

    def conclude(self, **values: Any) -> None:
        """Add to what was seen as the step's last word: written with its end, in one record instead of two.

        Only as the last that a runner does in a step; nothing may be asked or changed outside any more.
        """
        self._row.observed = {**self._row.observed, **values}
        self._concluded = True

    def progress(self, done: int, total: int, unit: str = "") -> None:
        """Say how far the step is. Written twice a second at most; the last word is never lost."""
        self._row.done, self._row.total, self._row.unit = done, total, unit or self._row.unit
        if done >= total or time.monotonic() - self._written >= PROGRESS_EVERY:
            self._written = time.monotonic()
            with self._work.record(repeatable=True):
                self._row.save(update_fields=["done", "total", "unit"])
                self._work.answered()

    def message(self, code: str, **params: Any) -> None:
        """Say what happens, as a code with parameters; saying the same again writes nothing."""
        if (self._row.message_code, self._row.message_params) == (code, params):
            return
        self._row.message_code, self._row.message_params = code, params
        if self._concluded:
            return  # the end carries it
        with self._work.record(repeatable=True):
            self._row.save(update_fields=["message_code", "message_params"])

    def warn(self, code: str, **params: Any) -> None:
        """Say it, and let the step end as a warning."""
        self._ends_as = "warning"
        self.message(code, **params)

    def skip(self, code: str | None = None, **params: Any) -> None:
        """Let the step end as skipped, with a word why."""
        self._ends_as = "skipped"
        if code is not None:
            self.message(code, **params)

    def begin(self) -> None:
        """Mark the step running under this epoch, unless it is; the engine calls it."""
        row = self._row
        if (row.state, row.epoch) == ("running", self._work.epoch):
            return
        row.state, row.epoch = "running", self._work.epoch
        row.started_at = row.started_at or timezone.now()
        with self._work.record(repeatable=True):
            row.save(update_fields=["state", "epoch", "started_at"])

    def end(self, state: str | None = None) -> None:
        """Mark the step ended as it said, or as `state`; the engine calls it, inside `record`."""
        row = self._row
        row.state, row.finished_at = state or self._ends_as, timezone.now()
        row.started_at = row.started_at or row.finished_at
        row.save(
            update_fields=[
                *("state", "started_at", "finished_at", "done", "total", "unit"),
                *("message_code", "message_params"),
                *(["observed"] if self._concluded else []),
            ]
        )

    def fail(self, code: str, params: dict[str, Any]) -> None:
        """Mark the step failed with the error's words; the engine calls it, inside `record`."""
        self._row.message_code, self._row.message_params = code, params
        self.end("failed")
