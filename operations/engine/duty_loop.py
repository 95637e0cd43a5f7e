"""Duties at work: due rows are claimed like operations, and run side by side in a bounded pool of their own.

A duty that takes long never delays another one, as long as a place is free; one past its deadline loses its lease.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from console.kit.errors import WaybillError
from operations import duties, registry
from operations.engine.lease import LEASE
from operations.registry import DutyKind

logger = logging.getLogger(__name__)

PLACES = 16
LONGEST_WAIT = 1.0
SHORTEST_WAIT = 0.05

CLAIM = """
UPDATE duty SET lease_owner = %(owner)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id = (
  SELECT id FROM duty
  WHERE next_at <= clock_timestamp() AND kind = ANY(%(kinds)s)
    AND (lease_until IS NULL OR lease_until < clock_timestamp())
  ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, subject_id, next_at
"""

NEXT = """
SELECT extract(epoch FROM min(greatest(next_at, coalesce(lease_until, next_at))) - clock_timestamp())
FROM duty WHERE kind = ANY(%(kinds)s)
"""

RENEW = """
UPDATE duty SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE (id, lease_owner) IN (SELECT * FROM unnest(%(ids)s::uuid[], %(owners)s::text[]))
  AND lease_until > clock_timestamp()
"""

# The next run is counted from the start of this one, so that the rhythm does not drift with its length. Who hastened
# the duty meanwhile (`next_at` is not what it was when this run was claimed) wants another look: this one may have
# begun before the news. No clock tells that: between the start of a statement and its turn any time may pass.
FINISH = """
UPDATE duty SET lease_owner = NULL, lease_until = NULL, last_code = %(code)s, last_seconds = %(seconds)s,
  next_at = CASE WHEN next_at <> %(due)s THEN next_at
    ELSE clock_timestamp() + make_interval(secs => %(wait)s) END
WHERE id = %(id)s AND lease_owner = %(owner)s
"""


@dataclass(eq=False)
class _Run:
    id: uuid.UUID
    kind: DutyKind
    subject_id: uuid.UUID | None
    owner: str
    due: datetime
    began: float = field(default_factory=time.monotonic)

    @property
    def overdue(self) -> bool:
        return time.monotonic() - self.began > self.kind.deadline


class DutyLoop:
    """One per worker process."""

    def __init__(self, owner: str, *, places: int = PLACES) -> None:
        self._owner = owner
        self._places = threading.Semaphore(places)
        self._count = itertools.count(1)
        self._running: dict[_Run, threading.Thread] = {}
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="duties", daemon=True)

    def start(self) -> None:
        """Start claiming."""
        self._thread.start()

    def stop(self) -> None:
        """Claim nothing more."""
        self._ended = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for the runs under way, so that their rows are free for the next worker."""
        until = time.monotonic() + seconds
        with self._guard:
            threads = [self._thread, *self._running.values()]
        for thread in threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def renew(self) -> None:
        """Renew the leases of the runs under way that have not passed their deadline; the heartbeat calls it."""
        with self._guard:
            runs = [run for run in self._running if not run.overdue]
        if runs:
            with connection.cursor() as cursor:
                ids, owners = [run.id for run in runs], [run.owner for run in runs]
                cursor.execute(RENEW, {"lease": LEASE, "ids": ids, "owners": owners})

    def _run(self) -> None:
        ensured = False
        while not self._ended:
            wait = LONGEST_WAIT
            try:
                if not ensured:
                    duties.ensure_standing()
                    ensured = True
                wait = self._claim_all()
            except (OperationalError, InterfaceError) as error:
                logger.warning("no duty could be claimed: %s", error)
            connection.close()
            self._wake.wait(wait)
            self._wake.clear()
        connection.close()

    def _claim_all(self) -> float:
        """Start every due duty for which a place is free; give the seconds until the next is due."""
        kinds = [duty.kind for duty in registry.duties()]
        while not self._ended and self._places.acquire(blocking=False):
            run = None
            try:
                run = self._claim(kinds)
            finally:
                if run is None:
                    self._places.release()
            if run is None:
                break
            thread = threading.Thread(target=self._do, args=(run,), name=f"duty {run.kind.kind}", daemon=True)
            with self._guard:
                self._running[run] = thread
            thread.start()
        with connection.cursor() as cursor:
            cursor.execute(NEXT, {"kinds": kinds})
            seconds = cursor.fetchone()[0]
        return LONGEST_WAIT if seconds is None else min(LONGEST_WAIT, max(SHORTEST_WAIT, float(seconds)))

    def _claim(self, kinds: list[str]) -> _Run | None:
        owner = f"{self._owner}#{next(self._count)}"
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, {"owner": owner, "lease": LEASE, "kinds": kinds})
            row = cursor.fetchone()
        return None if row is None else _Run(row[0], registry.duty(row[1]), row[2], owner, row[3])

    def _do(self, run: _Run) -> None:
        code = "ok"
        try:
            run.kind.run(run.subject_id)
        except WaybillError as error:
            code = error.code
            logger.info("duty %s %s: %s", run.kind.kind, run.subject_id, error)
        except Exception:
            code = "internal"
            logger.exception("duty %s %s failed", run.kind.kind, run.subject_id)
        finally:
            self._finish(run, code)
            connection.close()
            with self._guard:
                del self._running[run]
            self._places.release()
            self._wake.set()

    def _finish(self, run: _Run, code: str) -> None:
        """Free the row. When that cannot be written the lease runs out, and the duty is done again a little later."""
        seconds = time.monotonic() - run.began
        parameters: dict[str, Any] = {
            "id": run.id,
            "owner": run.owner,
            "due": run.due,
            "code": code,
            "seconds": seconds,
            "wait": max(0.0, run.kind.every - seconds),
        }
        try:
            with connection.cursor() as cursor:
                cursor.execute(FINISH, parameters)
        except (OperationalError, InterfaceError) as error:
            logger.warning("duty %s was not recorded: %s", run.kind.kind, error)
