"""How much longer a piece of work takes, told only where its pace says something. Pure."""

from __future__ import annotations

from typing import Final

LEAST_SECONDS: Final = 10
LEAST_SHARE: Final = 0.05
LEAST_PARTS: Final = 10
"""Work in fewer parts than this goes by leaps: one slow part would make any estimate wrong."""


def seconds_left(*, elapsed: float, done: int, total: int, unit: str) -> int | None:
    """Give the seconds left at the pace so far; None before 10 s and 5 %, and for work in a few large parts."""
    if elapsed < LEAST_SECONDS or total <= 0 or done >= total or done / total < LEAST_SHARE:
        return None
    if unit != "bytes" and total < LEAST_PARTS:
        return None
    return round(elapsed * (total - done) / done)
