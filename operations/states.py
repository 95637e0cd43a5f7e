"""The states of operations and steps, and the one table of legal moves. Standard library only."""

from __future__ import annotations

from typing import Final

ACTIVE: Final = ("queued", "running", "waiting")
TERMINAL: Final = ("succeeded", "failed", "errored", "cancelled")
STATES: Final = ACTIVE + TERMINAL

# The database's trigger holds the same table (`operations/migrations/0002_guards.py`); a test compares the two.
MOVES: Final[dict[str, tuple[str, ...]]] = {
    "queued": ("running", "cancelled"),
    "running": ("waiting", "succeeded", "failed", "errored", "cancelled"),
    "waiting": ("running",),
    "succeeded": (),
    "failed": (),
    "errored": (),
    "cancelled": (),
}

CHANGED: Final = ("nothing", "part", "all", "unknown")
STEP_STATES: Final = ("pending", "running", "done", "warning", "failed", "skipped")
STEP_ENDED: Final = ("done", "warning", "failed", "skipped")
LEVELS: Final = ("info", "warning", "error")

CRASHES: Final = 5
"""So many lost leases end an operation as errored `worker_died`."""


def may_move(old: str, new: str) -> bool:
    """Say whether an operation may go from `old` to `new`."""
    return new in MOVES[old]
