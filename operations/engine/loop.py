"""The loop of a worker process: claims operations while it has places, runs each in a thread, and ends in good order.

It is started by the worker itself and not by a message, so it claims and sweeps with the broker down too.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from operations import registry
from operations.engine import doorbell
from operations.engine import lease as leases
from operations.engine.claim import Claimed, claim
from operations.engine.drive import drive
from operations.engine.duty_loop import DutyLoop
from operations.engine.heartbeat import Heartbeat
from operations.engine.lease import Lease
from operations.engine.slots import Slots
from operations.engine.work import Work

logger = logging.getLogger(__name__)

SWEEP = 2.0
URGENT_SLOTS = 4
END_WITHIN = 8.0
"""Seconds that runners have to reach a boundary once the process is asked to end; the rest is for the leases."""


@dataclass(eq=False)
class _Running:
    lease: Lease
    thread: threading.Thread


def owner_name() -> str:
    """Make this process's name on its leases; a process that starts anew on the same machine is somebody else."""
    return f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Loop:
    """One per worker process."""

    def __init__(self, *, slots: int | None = None) -> None:
        self.owner = owner_name()
        self._slots = Slots(slots or settings.WAYBILL_WORKER_SLOTS)
        self._urgent = Slots(URGENT_SLOTS)
        self._running: set[_Running] = set()
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._duties = DutyLoop(self.owner)
        self._heartbeat = Heartbeat(self.owner, self._held, self._duties.renew)
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    def start(self) -> None:
        """Start claiming; returns at once."""
        self._heartbeat.start()
        self._duties.start()
        self._thread.start()
        logger.info("the loop of %s has begun", self.owner)

    def stop(self) -> None:
        """Claim nothing more, let each runner leave at its next boundary, free the leases; ends within 10 s."""
        until = time.monotonic() + END_WITHIN
        self._ended.set()
        doorbell.ring()
        self._duties.stop()
        self._thread.join(timeout=max(0.0, until - time.monotonic()))
        for running in self._now():
            running.lease.stop()
        for running in self._now():
            running.thread.join(timeout=max(0.0, until - time.monotonic()))
        left = [running.lease for running in self._now()]
        if left:
            # These stand in a request; their leases run out, and the next owner changes the key.
            logger.warning("%d operations did not reach a boundary", len(left))
        self._duties.join(max(0.0, until - time.monotonic()))
        self._heartbeat.stop()
        logger.info("the loop of %s has ended", self.owner)

    # --- Claiming --------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._claim_all()
            except (OperationalError, InterfaceError) as error:
                logger.warning("nothing could be claimed: %s", error)
            # The loop keeps no connection while it waits; the pool does.
            connection.close()
            doorbell.bell.wait(SWEEP * random.uniform(0.8, 1.2))  # noqa: S311  spreads workers, guards nothing
            doorbell.bell.clear()
        connection.close()

    def _claim_all(self) -> None:
        """Claim until nothing is runnable or no place is free; first look what was asked of those at work."""
        leases.notice(self._held())
        for slots, urgent in ((self._urgent, True), (self._slots, False)):
            while not self._ended.is_set() and slots.take_for_new():
                claimed = None
                try:
                    claimed = claim(
                        self.owner,
                        per_cluster=settings.WAYBILL_PER_CLUSTER,
                        per_team=settings.WAYBILL_PER_TEAM,
                        urgent=urgent,
                    )
                finally:
                    if claimed is None:
                        slots.give()
                if claimed is None:
                    break
                self._begin(claimed, slots)

    def _begin(self, claimed: Claimed, slots: Slots) -> None:
        """Run a claimed operation in a thread of its own."""
        name = claimed.operation.name
        runner = registry.runner(claimed.operation.kind)
        work = Work(claimed.operation, claimed.lease, runner, slots)
        thread = threading.Thread(name=name, target=self._drive, args=(work, claimed.crashed, slots), daemon=True)
        with self._guard:
            self._running.add(_Running(claimed.lease, thread))
        thread.start()

    def _drive(self, work: Work, crashed: bool, slots: Slots) -> None:
        try:
            drive(work, crashed=crashed)
        finally:
            with self._guard:
                self._running = {running for running in self._running if running.lease is not work.lease}
            slots.give()
            doorbell.ring()

    # --- Who is at work --------------------------------------------------------------------------------------------
    def _now(self) -> list[_Running]:
        with self._guard:
            return list(self._running)

    def _held(self) -> list[Lease]:
        return [running.lease for running in self._now()]
