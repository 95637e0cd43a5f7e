"""How much of a pod's log is read at once."""

from __future__ import annotations

TAIL = 200
"""Lines, unless more or fewer are asked for."""
TAIL_MOST = 5000
