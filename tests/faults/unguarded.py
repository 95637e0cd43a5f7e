"""The negative controls: each takes one guard away from this process, so that its proof must turn red."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clusters.delivery import apply, record, take_over
from clusters.delivery.live import Live
from operations.engine import claim, drive, lease, loop
from operations.engine.lease import Lease
from operations.engine.step import StepWork


def epoch() -> None:
    """Write without asking whose the operation is: neither epoch nor lease, nor the own clock."""
    whose = "AND epoch = %(epoch)s AND lease_owner = %(owner)s AND lease_until > clock_timestamp()"
    lease.GUARD = lease.GUARD.replace(whose, "")
    lease.BEFORE_WRITE = lease.BEFORE_WRITE.replace(
        "AND o.epoch = %(epoch)s AND o.lease_owner = %(owner)s AND o.lease_until > clock_timestamp()", ""
    )
    Lease.check = lambda self: None  # type: ignore[method-assign]
    Lease.lose = lambda self: None  # type: ignore[method-assign]


def fence() -> None:
    """Take an operation over without changing the environment's key."""
    claim.CLAIM = claim.CLAIM.replace("FROM picked WHERE crashed AND environment_id", "FROM picked WHERE false AND id")


def expiry() -> None:
    """Believe that whoever holds a lease is alive."""
    dead = "OR o.lease_until < clock_timestamp()"
    claim.CLAIM, claim.CLAIM_URGENT = claim.CLAIM.replace(dead, ""), claim.CLAIM_URGENT.replace(dead, "")


def sweep() -> None:
    """Look at the table when the bell rings, and at no other time."""
    loop.SWEEP = 3600


def observe() -> None:
    """The toy acts without looking first (see `hooks.arrange`)."""


def caps() -> None:
    """Claim without counting what a team and a cluster have already."""
    for count in ("%(per_cluster)s", "%(per_team)s"):
        claim.CLAIM = claim.CLAIM.replace(count, "1000000")


def order() -> None:
    """Write a step down as done when it begins."""
    begin = StepWork.begin

    def early(self: StepWork) -> None:
        begin(self)
        with self._work.record():
            self.end()

    StepWork.begin = early  # type: ignore[method-assign]


def look() -> None:
    """Send to a cluster without looking what a former owner has left there."""

    def blind(run: Any, kube: Any, item: Any, error: Exception) -> Any:
        raise error

    take_over.look = lambda *_: Live()  # type: ignore[attr-defined]
    apply.look_again = record.look_again = blind  # type: ignore[attr-defined]


def patience() -> None:
    """Fail at what is away instead of waiting for it."""
    drive._wait = lambda work, error: None


REMOVE: dict[str, Callable[[], None]] = {
    "epoch": epoch,
    "fence": fence,
    "expiry": expiry,
    "sweep": sweep,
    "observe": observe,
    "caps": caps,
    "order": order,
    "look": look,
    "patience": patience,
}
