"""Deleting: only what the inventory holds, by its uid, and until it is gone."""

from __future__ import annotations

import time
from collections.abc import Sequence

from clusters.delivery import inventory
from clusters.delivery.live import WORKLOADS, is_terminating, uid_of, version_of
from clusters.delivery.run import Run
from clusters.delivery.sending import is_rolling
from clusters.kube.errors import Outdated
from clusters.kube.protocol import Kube, Manifest, Propagation
from clusters.models import AppliedObject

GONE_SECONDS = 180.0
LOOK_EVERY = 0.5


def delete(run: Run, rows: Sequence[AppliedObject], step: str) -> list[str]:
    """Delete the objects of these rows and wait until they are gone; give the ids of those still going.

    A workload goes in the foreground: gone means that its pods are gone too. An object that is another by now (its uid
    differs) is left alone and its row struck.
    """
    if not rows:
        return []
    with run.work.record():
        inventory.removing(run.work, rows)
        run.work.changed("part")
    kube = run.kube(step)
    width = kube.window
    leaving = run.work.parallel(lambda row: _delete_one(run, kube, row), rows, width=width)
    gone = [inventory.row_id(row) for row, going in zip(rows, leaving, strict=True) if not going]
    _strike(run, gone)
    open_rows = [row for row, going in zip(rows, leaving, strict=True) if going]
    return _wait(run, kube, open_rows)


def _delete_one(run: Run, kube: Kube, row: AppliedObject) -> bool:
    """Ask for one object's removal; false when it is gone, or was never ours."""
    live = run.live.get(inventory.row_id(row))
    if live is None or row.uid is None or uid_of(live) != row.uid:
        return False
    if is_terminating(live):
        return True
    propagation: Propagation = "Foreground" if row.kind in WORKLOADS else "Background"
    rolls = row.kind in WORKLOADS and is_rolling(live)
    try:
        answer = kube.delete(
            row.kind,
            row.name,
            run.namespace,
            uid=row.uid,
            resource_version=None if rolls else version_of(live),
            propagation=propagation,
        )
    except Outdated:
        fresh = kube.get(row.kind, row.name, run.namespace)
        if fresh is None or uid_of(fresh) != row.uid:
            return False
        version = None if row.kind in WORKLOADS else version_of(fresh)
        answer = kube.delete(
            row.kind, row.name, run.namespace, uid=row.uid, resource_version=version, propagation=propagation
        )
    return answer is not None and _stays(answer)


def _stays(answer: Manifest) -> bool:
    """Whether the object outlives the answer: finalizers hold it."""
    return bool((answer.get("metadata") or {}).get("deletionTimestamp"))


def _wait(run: Run, kube: Kube, rows: Sequence[AppliedObject]) -> list[str]:
    until = time.monotonic() + GONE_SECONDS
    left = list(rows)
    while left and time.monotonic() < until:
        seen = run.work.parallel(lambda row: kube.get(row.kind, row.name, run.namespace), left, width=kube.window)
        there = list(zip(left, seen, strict=True))
        gone = [inventory.row_id(row) for row, live in there if live is None or uid_of(live) != row.uid]
        _strike(run, gone)
        left = [row for row, live in there if inventory.row_id(row) not in gone]
        if left:
            run.work.pause(LOOK_EVERY)
    return [inventory.row_id(row) for row in left]


def _strike(run: Run, names: Sequence[str]) -> None:
    for name in names:
        run.live.drop(name)
    inventory.removed(run.work, names, run.rows)
