"""A crew of threads for blocking work, led from the thread of the operation.

Jobs run in threads; what follows from them is decided in one place, the leader's loop, so that plans need no locks. The
leader alone may ask the database whether the operation still holds its lease: threads that are about to write ask it
(`permit`) and wait for its word. When the leader's own question fails, or anything it calls raises, every thread is
stopped, joined, and the error goes on.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EVERY = 0.5
"""Seconds between two ticks of the leader: progress is written, a cancel is seen."""


class Stopped(Exception):
    """Raised in a thread of the crew: the leader has stopped the work."""


@dataclass
class _Question:
    answered: threading.Event = field(default_factory=threading.Event)
    refused: bool = True


@dataclass
class _Done:
    follow: Callable[[Any, Exception | None], None]
    result: Any = None
    error: Exception | None = None


class Crew:
    """Threads in named pools, each with its own number of hands."""

    def __init__(
        self,
        pools: dict[str, int],
        *,
        may_write: Callable[[], None],
        tick: Callable[[], None],
        cut: Callable[[], None],
    ) -> None:
        """`may_write` and `tick` run in the leader's thread and may raise; `cut` breaks what blocks the threads."""
        self._hands = pools
        self._may_write = may_write
        self._tick = tick
        self._cut = cut
        self._inbox: queue.SimpleQueue[_Question | _Done] = queue.SimpleQueue()
        self._jobs: dict[str, queue.SimpleQueue[tuple[Callable[[], Any], _Done] | None]] = {}
        self._threads: list[threading.Thread] = []
        self._started: dict[str, int] = {}
        self._outstanding = 0
        self._stop = threading.Event()

    # --- called in the crew's threads ------------------------------------------------------------------------------

    def permit(self) -> None:
        """Wait for the leader's word that writing is allowed. Raises Stopped when it is not."""
        question = _Question()
        self._inbox.put(question)
        while not question.answered.wait(1.0):
            if self._stop.is_set():
                raise Stopped
        if question.refused:
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait. Raises Stopped as soon as the work is stopped."""
        if self._stop.wait(seconds):
            raise Stopped

    def go_on(self) -> None:
        """Raise Stopped when the work is stopped."""
        if self._stop.is_set():
            raise Stopped

    # --- called by the leader --------------------------------------------------------------------------------------

    def submit(self, pool: str, job: Callable[[], Any], follow: Callable[[Any, Exception | None], None]) -> None:
        """Let a thread of the pool run `job`; then `follow(result, error)` runs in the leader's loop."""
        self._outstanding += 1
        jobs = self._jobs.setdefault(pool, queue.SimpleQueue())
        jobs.put((job, _Done(follow)))
        # A hand a job, until there are enough: few jobs do not pay for hands that would find nothing to do.
        number = self._started.get(pool, 0)
        if number < self._hands[pool]:
            self._started[pool] = number + 1
            name = f"{threading.current_thread().name} {pool} {number}"
            thread = threading.Thread(target=self._work, args=(pool,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def lead(self) -> None:
        """Answer questions and follow results until no job is left; then, or on any error, end the threads."""
        try:
            due = time.monotonic() + EVERY
            while self._outstanding:
                with contextlib.suppress(queue.Empty):
                    self._handle(self._inbox.get(timeout=max(0.01, due - time.monotonic())))
                if time.monotonic() >= due:
                    self._tick()
                    due = time.monotonic() + EVERY
            self._tick()
        finally:
            self._end()

    def _handle(self, item: _Question | _Done) -> None:
        if isinstance(item, _Question):
            try:
                self._may_write()
                item.refused = False
            finally:
                item.answered.set()
            return
        self._outstanding -= 1
        if isinstance(item.error, Stopped):
            raise item.error
        item.follow(item.result, item.error)

    def _end(self) -> None:
        self._stop.set()
        if self._outstanding:
            self._cut()
        for jobs in self._jobs.values():
            for _ in self._threads:
                jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, pool: str) -> None:
        while True:
            item = self._jobs[pool].get()
            if item is None:
                return
            job, done = item
            try:
                self.go_on()
                done.result = job()
            except Exception as error:  # noqa: BLE001 - the leader raises it again, in its own thread
                done.error = error
            self._inbox.put(done)
