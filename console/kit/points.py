"""Fault points: places where an edge is about to send a request, or has just got its answer.

The proofs of the engine count these points and kill a process at one of them. A proxy could not: it sees neither inside
TLS nor inside the database's protocol. Nothing listens unless the test settings install a listener.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Kind = Literal["kube", "registry", "database", "redis"]
Phase = Literal["before", "after"]
Listener = Callable[[Kind, str, Phase], None]

_listener: Listener | None = None


def install(listener: Listener | None) -> None:
    """Let `listener` see every point from now on (None: nobody)."""
    global _listener
    _listener = listener


def point(kind: Kind, detail: str, phase: Phase) -> None:
    """Tell the listener, if there is one, that the named edge stands before or after the request `detail`."""
    if _listener is not None:
        _listener(kind, detail, phase)
