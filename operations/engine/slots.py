"""Slots: how many runners of one process work at once. One that waits for pods gives its slot back."""

from __future__ import annotations

import threading


class Slots:
    """A counted number of places; runners that return from waiting come before new operations."""

    def __init__(self, places: int) -> None:
        self._changed = threading.Condition()
        self._free = places
        self._returning = 0

    def take_for_new(self) -> bool:
        """Take a place for a new operation, if one is free and no runner waits to return; does not wait."""
        with self._changed:
            if self._free <= self._returning:
                return False
            self._free -= 1
            return True

    def take_back(self) -> None:
        """Take a place for a runner that has one coming; waits until one is free."""
        with self._changed:
            self._returning += 1
            try:
                self._changed.wait_for(lambda: self._free > 0)
                self._free -= 1
            finally:
                self._returning -= 1

    def give(self) -> None:
        """Give a place back."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()
