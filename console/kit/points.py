"""Fault points: places where an edge is about to send a request, or has just got its answer.

The proofs of the engine count these points and kill a process at one of them. A proxy could not: it sees neither inside
TLS nor inside the database's protocol. Nothing listens unless the test settings install a listener.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Kind = Literal["kube", "registry", "docker", "database", "redis"]
Phase = Literal["before", "after"]
Listener = Callable[[Kind, str, Phase], None]

_listeners: list[Listener] = []


def install(listener: Listener | None) -> None:
    """Let `listener` see every point from now on (None: nobody)."""
    _listeners[:] = [] if listener is None else [listener]


def point(kind: Kind, detail: str, phase: Phase) -> None:
    """Tell the listener, if there is one, that the named edge stands before or after the request `detail`."""
    for listener in _listeners:
        listener(kind, detail, phase)
