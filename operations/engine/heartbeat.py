"""The heartbeat: one thread renews every lease of the process, and a lease that it cannot renew is given up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection

from operations.engine import lease as leases
from operations.engine.lease import HEARTBEAT, Lease

logger = logging.getLogger(__name__)

AGAIN = 0.25
"""Seconds until a lease whose row was locked, or a database that did not answer, is asked again."""


class Heartbeat:
    """Renews the leases that `held` gives, each at least every 3 s. `also` renews the duties' in the same rhythm."""

    def __init__(self, owner: str, held: Callable[[], list[Lease]], also: Callable[[], None]) -> None:
        self._owner = owner
        self._held = held
        self._also = also
        self._also_at = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; called once no lease is held any more."""
        self._ended.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._ended.wait(AGAIN):
            try:
                self._beat()
            except (OperationalError, InterfaceError) as error:
                # Each lease's own clock stops its runner; here we only try again.
                logger.warning("leases were not renewed: %s", error)
                connection.close()
        connection.close()

    def _beat(self) -> None:
        # A pass every quarter second renews what is nearly 3 s old: the rhythm of each lease is its own.
        due = [lease for lease in self._held() if lease.age >= HEARTBEAT - AGAIN and not lease.lost]
        if due:
            leases.renew(due, self._owner)
        if time.monotonic() - self._also_at >= HEARTBEAT:
            self._also_at = time.monotonic()
            self._also()
