"""How many streams a process serves at a time: so many in all, and so many to one person, who cannot take all."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from typing import Any

from django.http import StreamingHttpResponse

from console.kit.errors import TooMany

RETRY_AFTER = 5


class Seats:
    """The seats of one kind of stream in this process: `total` in all, `each` for one person."""

    def __init__(self, *, total: int, each: int) -> None:
        self.total = total
        self.each = each
        self._taken: Counter[Any] = Counter()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many are taken now."""
        return self._taken.total()

    def take(self, person: Any) -> None:
        """Take a seat; it is given back with `leave`. Raises TooMany too_many_requests when there is none."""
        with self._lock:
            if self._taken.total() >= self.total or self._taken[person] >= self.each:
                raise TooMany("too_many_requests", retry_after=RETRY_AFTER)
            self._taken[person] += 1

    def leave(self, person: Any) -> None:
        """Give a seat back."""
        with self._lock:
            self._taken[person] -= 1
            self._taken += Counter()  # without those who have none


class Seated(StreamingHttpResponse):
    """A stream that has a seat, and gives it back when it is closed or, unread, forgotten."""

    def __init__(self, *args: Any, seats: Seats, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._leave = weakref.finalize(self, seats.leave, person)
        self._leave.atexit = False

    def close(self) -> None:
        """End, as the server does once nobody reads."""
        super().close()
        self._leave()
