"""From a kill to the moment when all work that was under way is in living hands again, as the rows tell it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from operations.engine.lease import LEASE
from operations.states import TERMINAL
from tests.faults.town import Target, Town

UNDER_WAY = """
SELECT o.number FROM operation o LEFT JOIN cluster c ON c.id = o.cluster_id
WHERE o.state IN ('running', 'waiting') AND NOT o.is_batch
  AND (%(owner)s::text IS NULL OR (o.lease_owner LIKE %(owner)s AND o.lease_until > clock_timestamp()))
  AND (%(cluster)s::text IS NULL OR c.slug = %(cluster)s) AND (%(kind)s::text IS NULL OR o.kind = %(kind)s)
"""
HANDS = """
SELECT number, state, extract(epoch FROM finished_at)::float8, extract(epoch FROM lease_until)::float8 - %(lease)s,
  split_part(lease_owner, ':', 2)
FROM operation WHERE number = ANY(%(numbers)s)
"""
STEPS = """
SELECT count(*) FROM step WHERE greatest(started_at, finished_at, updated_at) > to_timestamp(%(since)s)
"""


@dataclass
class Kill:
    """One kill, and what was under way then."""

    target: Target
    at: float
    victim: int | None
    under_way: set[int]
    back: float | None = None
    again: dict[int, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the kill until the last of what was under way is in living hands, and never before the thing is back."""
        assert self.back is not None
        return max([self.back, *self.again.values()]) - self.at

    def __str__(self) -> str:
        back = f"{self.back - self.at:.1f}" if self.back else "never"
        left = sorted(self.under_way - set(self.again))
        return f"{self.target.name}, back after {back} s, {len(self.under_way)} under way, not taken up: {left}"


class Watch:
    """Looks at the rows of a town; patient while its database is away."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._link: psycopg.Connection[tuple[object, ...]] | None = None

    def rows(self, sql: str, **said: object) -> list[tuple[object, ...]]:
        """Ask. Raises psycopg.OperationalError while nobody answers."""
        if self._link is None or self._link.closed:
            self._link = psycopg.connect(self._town.postgres.url, autocommit=True, connect_timeout=2)
        try:
            return self._link.execute(sql.encode(), said).fetchall()
        except psycopg.OperationalError:
            self._link.close()
            raise

    def under_way(self, target: Target) -> set[int]:
        """The operations that this kill would disturb: a worker's own, a cluster's, copies, or all."""
        town = self._town
        owner = f"%:{town.pid(target.name)}:%" if target.kind == "worker" else None
        kind = "publish" if target.kind == "registry" else None
        rows = self.rows(UNDER_WAY, owner=owner, cluster=target.cluster, kind=kind)
        return {int(str(number)) for (number,) in rows}

    def kill(self, target: Target) -> Kill:
        """Kill it, and remember what was under way."""
        under_way = self.under_way(target)
        victim = self._town.pid(target.name) if target.kind == "worker" else None
        at = time.time()
        target.kill()
        return Kill(target, at, victim, under_way)

    def is_over(self, kill: Kill) -> bool:
        """Whether the thing is back and all that was under way went on: it ended, or a living worker holds it in a
        step, by a lease renewed since."""
        if kill.back is None:
            if not kill.target.is_back(kill.at):
                return False
            kill.back = time.time()
        missing = sorted(kill.under_way - set(kill.again))
        if not missing:
            return True
        try:
            rows = self.rows(HANDS, numbers=missing, lease=LEASE)
        except psycopg.OperationalError:
            return False
        # A worker's successor needs nobody to be back: the other worker takes over.
        since = kill.at if kill.victim is not None else kill.back
        for number, state, finished, renewed, owner in rows:
            if state in TERMINAL and isinstance(finished, float):
                kill.again[int(str(number))] = max(finished, kill.at)
            elif state == "running" and isinstance(renewed, float) and renewed >= since and owner != str(kill.victim):
                kill.again[int(str(number))] = renewed
        return kill.under_way <= set(kill.again)

    def moves(self, since: float) -> bool:
        """Whether any step began, went on or ended since."""
        try:
            return self.rows(STEPS, since=since) != [(0,)]
        except psycopg.OperationalError:
            return False


def by_kind(kills: Sequence[Kill]) -> list[str]:
    """Give a line for each kind of process: how many were killed, seconds until it was back, until all went on."""
    lines = []
    for kind in dict.fromkeys(kill.target.kind for kill in kills):
        own = [kill for kill in kills if kill.target.kind == kind]
        backs = sorted(kill.back - kill.at for kill in own if kill.back is not None)
        seconds = sorted(kill.seconds for kill in own if kill.back is not None)
        if seconds:
            middle, last = len(own) // 2, -1
            lines.append(
                f"{kind:<11} {len(own):>3} kills, back after {backs[middle]:.1f} (longest {backs[last]:.1f}) s, "
                f"all went on after {seconds[middle]:.1f} (longest {seconds[last]:.1f}) s"
            )
    return lines
