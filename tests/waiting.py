"""Waiting for what shows by itself: closely at first, then the more patiently the longer it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SOONEST, LATEST = 0.02, 0.5
"""Seconds between two looks: a twentieth of what was waited so far, within these bounds."""


def until(true: Callable[[], Any], *, seconds: float = 30, what: str = "it") -> None:
    """Wait until `true()`; fails after `seconds`. What took a while is seen a twentieth later than it happened.

    Looking is not free: twenty looks a second by each of several processes keep a database busier than the work does.
    """
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        assert waited < seconds, f"{what} did not come to pass within {seconds} s"
        time.sleep(min(max(waited / 20, SOONEST), LATEST))
