"""The lease: what one process holds on one operation, and for how long it may believe so.

The database's clock decides when a lease ends (10 s after its last renewal). The process trusts its own monotonic clock
for half of that: it stops itself 5 s after the last renewal it *sent* successfully, and every request it makes to the
outside has a timeout of 5 s, so that nothing of it is under way when somebody else takes over.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

LEASE = 10
HEARTBEAT = 3.0
SELF_STOP = 5.0
IDLE_IN_RECORD = "4s"


class LeaseLost(Exception):
    """Somebody else may own the operation: stop at once and write nothing."""


class Stopping(Exception):
    """Leave the step here: the process ends (the lease is freed), or the operation is being cancelled."""


# `FOR NO KEY UPDATE` serialises all records of one operation. The timeout frees the row when this very process is
# paused in between: the row lock would otherwise keep every other worker from taking the operation over.
GUARD = """
SELECT set_config('idle_in_transaction_session_timeout', %(idle)s, true),
  set_config('synchronous_commit', CASE WHEN %(waits)s THEN current_setting('synchronous_commit') ELSE 'off' END, true)
FROM operation WHERE id = %(id)s AND epoch = %(epoch)s AND lease_owner = %(owner)s AND lease_until > clock_timestamp()
FOR NO KEY UPDATE
"""

BEFORE_WRITE = """
SELECT coalesce((SELECT f.generation FROM fence f WHERE f.environment_id = o.environment_id), 1)
FROM operation o
WHERE o.id = %(id)s AND o.epoch = %(epoch)s AND o.lease_owner = %(owner)s AND o.lease_until > clock_timestamp()
"""

# A row that is locked for the moment (a record under way) is left out, and asked for again a little later: one slow
# transaction must not cost the other operations of the process their leases.
RENEW = """
UPDATE operation SET lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE id IN (
  SELECT id FROM operation
  WHERE (id, epoch) IN (SELECT * FROM unnest(%(ids)s::uuid[], %(epochs)s::bigint[]))
    AND lease_owner = %(owner)s AND lease_until > clock_timestamp()
  FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, epoch, cancel_requested_at IS NOT NULL, deadline < clock_timestamp()
"""

NOTICE = """
SELECT id, epoch, cancel_requested_at IS NOT NULL, deadline < clock_timestamp() FROM operation
WHERE (id, epoch) IN (SELECT * FROM unnest(%(ids)s::uuid[], %(epochs)s::bigint[]))
"""

FREE = """
UPDATE operation SET lease_owner = NULL, lease_until = NULL,
  not_before = greatest(not_before, clock_timestamp() + make_interval(secs => %(again_in)s))
WHERE id = %(id)s AND epoch = %(epoch)s AND lease_owner = %(owner)s AND lease_until > clock_timestamp()
"""


def bound_idle() -> None:
    """Let the database end this transaction when the process stands still in it; not in one nested in a caller's."""
    if not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [IDLE_IN_RECORD])


class Lease:
    """One claimed operation of this process. Shared by the runner's threads and the one that renews."""

    def __init__(
        self, operation_id: uuid.UUID, epoch: int, owner: str, generation: int, *, asked: float, cancel: bool = False
    ) -> None:
        self.id = operation_id
        self.epoch = epoch
        self.owner = owner
        self.generation = generation
        self._changed = threading.Condition()
        self._renewed = asked
        self._lost = False
        self._stopping = False
        self._overdue = False
        self._cancel = cancel
        self._cancel_refused = False

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the statements above."""
        return {"id": self.id, "epoch": self.epoch, "owner": self.owner}

    @property
    def age(self) -> float:
        """Seconds since the last successful renewal was sent, by the monotonic clock."""
        return time.monotonic() - self._renewed

    @property
    def stopping(self) -> bool:
        """Whether the process ends."""
        return self._stopping

    @property
    def overdue(self) -> bool:
        """Whether the operation's deadline has passed."""
        return self._overdue

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked to cancel and the operation can still honour it."""
        return self._cancel and not self._cancel_refused

    @property
    def lost(self) -> bool:
        """Whether the lease is gone, or so old that it may be."""
        return self._lost or self.age > SELF_STOP

    def check(self) -> None:
        """Raise LeaseLost when this process may no longer write."""
        if self.lost:
            self.lose()
            raise LeaseLost(f"epoch {self.epoch} of {self.id}")

    def renew(self, asked: float, *, cancel: bool, overdue: bool) -> None:
        """Take note of a renewal that was sent at `asked` (monotonic), and of what the row says."""
        with self._changed:
            self._renewed = max(self._renewed, asked)
        self.notice(cancel=cancel, overdue=overdue)

    def notice(self, *, cancel: bool, overdue: bool) -> None:
        """Take note of what the row says, and wake the runner that waits."""
        with self._changed:
            self._cancel = cancel
            self._overdue = overdue
            self._changed.notify_all()

    def lose(self) -> None:
        """Give the lease up for lost and wake the runner."""
        with self._changed:
            self._lost = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask the runner to leave at its next boundary, because the process ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def refuse_cancel(self) -> None:
        """Remember that the operation is past the point where it can be cancelled."""
        self._cancel_refused = True

    def interrupted(self, *, undoing: bool = False) -> bool:
        """Whether a waiting runner should wake."""
        return self._lost or self._stopping or (not undoing and (self._overdue or self.cancel_requested))

    def wait(self, seconds: float, *, undoing: bool = False) -> None:
        """Wait until the time is over or something interrupts; an undo is not interrupted by a cancel or a deadline."""
        with self._changed:
            self._changed.wait_for(lambda: self.interrupted(undoing=undoing), timeout=seconds)


def free(lease: Lease, *, again_in: float = 0) -> bool:
    """Give the lease back, so that the next owner starts without a new key; False if it was gone.

    `again_in`: seconds until it may be claimed.
    """
    with connection.cursor() as cursor:
        cursor.execute(FREE, {**lease.parameters, "again_in": again_in})
        freed: bool = cursor.rowcount == 1
        return freed


def renew(leases: Iterable[Lease], owner: str) -> None:
    """Renew all `leases` of this process with one statement; those it does not name were locked or are gone."""
    asked = time.monotonic()
    for lease, cancel, overdue in _told(RENEW, leases, {"seconds": LEASE, "owner": owner}):
        lease.renew(asked, cancel=cancel, overdue=overdue)


def notice(leases: Iterable[Lease]) -> None:
    """Look whether a cancel was asked for, or a deadline has passed, without waiting for the next renewal."""
    for lease, cancel, overdue in _told(NOTICE, leases, {}):
        lease.notice(cancel=cancel, overdue=overdue)


def _told(statement: str, leases: Iterable[Lease], parameters: dict[str, Any]) -> Iterator[tuple[Lease, bool, bool]]:
    """Run one statement over all leases; gives, of each that it names, whether to cancel and whether it is overdue."""
    held = {(lease.id, lease.epoch): lease for lease in leases}
    if not held:
        return
    ids, epochs = zip(*held, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "ids": list(ids), "epochs": list(epochs)})
        rows = cursor.fetchall()
    for operation_id, epoch, cancel, overdue in rows:
        yield held[operation_id, epoch], cancel, overdue
