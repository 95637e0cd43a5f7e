"""Claiming: one statement picks a runnable row, takes its lease and raises its epoch.

When the former lease ran out (nobody freed it), the same statement counts a crash and raises the number of the
environment's key, so that epoch and key change together. Only kinds that this process has a runner for are picked:
while workers of two versions run side by side, a new kind waits for a worker that knows it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db import connection

from console.kit.models import uuid7
from operations import registry
from operations.engine.lease import LEASE, Lease
from operations.models import Operation

# The caps are soft: two workers that claim at the same moment may pass one by one.
_DUE = """
    AND (SELECT count(*) FROM operation r WHERE r.lease_until > clock_timestamp() AND r.cluster_id = o.cluster_id)
        < %(per_cluster)s
    AND (SELECT count(*) FROM operation r WHERE r.lease_until > clock_timestamp() AND r.team_id = o.team_id)
        < %(per_team)s
"""

# What has to end ends without asking for a place: a cancel must not queue behind others, nor a passed deadline.
_URGENT = """
    AND (o.cancel_requested_at IS NOT NULL OR o.deadline < clock_timestamp())
"""

_CLAIM = """
WITH picked AS (
  SELECT o.id, o.environment_id, o.lease_until IS NOT NULL AS crashed FROM operation o
  WHERE o.state IN ('queued', 'running', 'waiting') AND o.not_before <= clock_timestamp() AND NOT o.is_batch
    AND o.kind = ANY(%(kinds)s) AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())
    {due}
  ORDER BY
    (SELECT count(*) FROM operation r WHERE r.lease_until > clock_timestamp() AND r.team_id = o.team_id), o.number
  LIMIT 1 FOR UPDATE OF o SKIP LOCKED
), raised AS (
  INSERT INTO fence AS f (id, created_at, environment_id, generation)
  SELECT %(fence)s, clock_timestamp(), environment_id, 2 FROM picked WHERE crashed AND environment_id IS NOT NULL
  ON CONFLICT (environment_id) DO UPDATE SET generation = f.generation + 1
  RETURNING f.generation
), claimed AS (
  UPDATE operation o SET
    epoch = epoch + 1, state = CASE state WHEN 'queued' THEN 'running' ELSE state END, lease_owner = %(owner)s,
    lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    attempts = attempts + picked.crashed::int, started_at = coalesce(started_at, clock_timestamp())
  FROM picked WHERE o.id = picked.id
  RETURNING o.id, o.epoch, o.environment_id, o.cancel_requested_at IS NOT NULL AS cancel,
    o.deadline < clock_timestamp() AS overdue, picked.crashed
)
SELECT c.id, c.epoch, c.cancel, c.overdue, c.crashed, coalesce(
  (SELECT generation FROM raised),
  (SELECT f.generation FROM fence f WHERE f.environment_id = c.environment_id), 1)
FROM claimed c
"""

CLAIM = _CLAIM.format(due=_DUE)
CLAIM_URGENT = _CLAIM.format(due=_URGENT)


@dataclass(frozen=True)
class Claimed:
    """An operation this process has just claimed. `crashed`: the former owner's lease ran out."""

    operation: Operation
    lease: Lease
    crashed: bool


def claim(owner: str, *, per_cluster: int, per_team: int, urgent: bool = False) -> Claimed | None:
    """Claim the next runnable operation for `owner`; None when there is none.

    Fair across teams: the team with the fewest leases comes first, then the older operation. `urgent` claims only what
    must end (a cancel was asked for, or the deadline passed), beyond the caps.
    """
    asked = time.monotonic()
    parameters: dict[str, Any] = {
        "owner": owner,
        "kinds": list(registry.kinds()),
        "lease": LEASE,
        "fence": uuid7(),
        "per_cluster": per_cluster,
        "per_team": per_team,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_URGENT if urgent else CLAIM, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    operation_id, epoch, cancel, overdue, crashed, generation = row
    lease = Lease(operation_id, epoch, owner, generation, asked=asked)
    lease.renew(asked, cancel=cancel, overdue=overdue)
    operation = Operation.objects.select_related("enterprise", "team", "initiator").get(pk=operation_id)
    return Claimed(operation, lease, crashed)
