"""How much of a proof is run, a sample or its full size, and with which dice."""

from __future__ import annotations

import os
import random
from typing import TypeVar

Value = TypeVar("Value")

FULL = os.environ.get("TESTS_FULL", "") not in ("", "0")
SEED = int(os.environ.get("TESTS_SEED", "") or 20260302)
"""The same seed throws the same dice, so a run is replayed by its seed."""


def size(sample: Value, full: Value) -> Value:
    """Give the one or the other."""
    return full if FULL else sample


def dice(name: str) -> random.Random:
    """Give the dice of one proof: those of its neighbours do not move them."""
    return random.Random(f"{SEED}:{name}")
