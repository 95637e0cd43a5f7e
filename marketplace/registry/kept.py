"""Connections to registries that are kept between two pieces of work, for every thread of the process.

Opening one costs two or three round trips before the first question, and a publication has several steps. What is kept
is a connection and nothing else: each request carries its own account. It is given only to who trusts the same
authority and was allowed to go where it goes, and the guard judges its address anew each time.
"""

from __future__ import annotations

import http.client
import os
import select
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

SECONDS = 30.0
"""How long one may lie idle: less than servers and what stands before them usually allow (60 to 75 s)."""
FRESH = 3.0
"""How long before one that a large body is to be sent on, which cannot be sent twice unseen."""
EACH = 24
ALL = 192


@dataclass(frozen=True)
class _Idle:
    connection: http.client.HTTPConnection
    since: float


class Kept:
    """Idle connections by what they lead to; the last one used is the first one used again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: OrderedDict[Hashable, list[_Idle]] = OrderedDict()

    def take(
        self, key: Hashable, may: Callable[[str], bool], *, seconds: float = SECONDS
    ) -> http.client.HTTPConnection | None:
        """Give a connection that still stands and has lain idle for no longer than `seconds`, or None.

        `may` says of an address whether one may (still) talk to it.
        """
        while True:
            with self._lock:
                waiting = self._idle.get(key)
                if not waiting or self._clock() - waiting[-1].since > seconds:
                    return None
                found = waiting.pop().connection
            if _stands(found) and may(_peer(found)):
                return found
            found.close()

    def give(self, key: Hashable, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose last answer was read to its end."""
        with self._lock:
            self._idle.setdefault(key, []).append(_Idle(connection, self._clock()))
            self._idle.move_to_end(key)
            surplus = self._surplus()
        for one in surplus:
            one.connection.close()

    def close(self) -> None:
        """Close all that lie idle."""
        with self._lock:
            every = [one for waiting in self._idle.values() for one in waiting]
            self._idle.clear()
        for one in every:
            one.connection.close()

    def begin_anew(self) -> None:
        """Forget what a parent process kept; its lock may have been held by a thread that is not here."""
        self._lock = threading.Lock()
        self._idle = OrderedDict()

    def _surplus(self) -> list[_Idle]:
        """Take out what is too old or too many: of each registry, and of all, the longest unused first."""
        out: list[_Idle] = []
        count = 0
        for key in reversed(list(self._idle)):
            waiting = self._idle[key]
            young = [one for one in waiting if self._clock() - one.since <= SECONDS]
            kept = young[-min(EACH, ALL - count) :] if count < ALL else []
            out += [one for one in waiting if not any(one is other for other in kept)]
            count += len(kept)
            if kept:
                self._idle[key] = kept
            else:
                del self._idle[key]
        return out


def _stands(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side has neither closed it nor said anything unasked."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _peer(connection: http.client.HTTPConnection) -> str:
    try:
        return str(connection.sock.getpeername()[0])
    except OSError:
        return ""


KEPT = Kept()
# A child process must not talk on its parent's connections.
os.register_at_fork(after_in_child=KEPT.begin_anew)
