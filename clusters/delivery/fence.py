"""The fence: after a lease ran out, nothing that its former holder still sends may change anything.

The statement that takes the operation over has raised the number of the environment's key. Here the new key is made
and the old one dropped, and each live object of the application is moved on, so that every resourceVersion the former
holder knows is stale.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from clusters.delivery import inventory
from clusters.delivery.live import api_version, generation_of, is_terminating, object_id, uid_of, version_of
from clusters.delivery.run import TAKE_OVER, Run, observed
from clusters.kube import connect, keys
from clusters.kube.errors import CredentialsRefused, Forbidden, Outdated
from clusters.kube.protocol import Answer, Kube, Manifest
from clusters.manifests import labels
from clusters.models import AppliedObject, Environment
from operations.engine.work import Work
from operations.models import Step

Result = TypeVar("Result")
FORMER_KEYS = 5
"""So many former keys are looked for: as many as one operation may lose leases."""
SETTLES = 15.0
"""So many seconds the newest key of an environment may be refused before that is believed."""
AGAIN = 1.0
"""Seconds between two tries with a key that was refused."""


def open_attempts(run: Run) -> int | None:
    """Give the number of lost leases that no fence stands after yet; None when there is none."""
    attempts = run.work.operation.attempts
    return attempts if attempts > int(observed(run.work, TAKE_OVER).get("fenced", 0)) else None


def close_attempts(run: Run, attempts: int) -> None:
    """Remember that the fence stands after this many lost leases."""
    with run.work.record():
        step = Step.objects.get(operation=run.work.operation, key=TAKE_OVER)
        step.observed = {**step.observed, "fenced": attempts}
        step.save(update_fields=["observed"])
    run.work.log("fenced", level="warning", generation=run.work.generation)


def replace_key(work: Work, environment: Environment) -> None:
    """Make the key of the operation's generation the only one of the environment."""
    work.before_write()
    generation = work.generation
    keys.replace_key(environment.cluster, environment, max(1, generation - FORMER_KEYS), generation, work)


def with_key(work: Work, environment: Environment, act: Callable[[], Result]) -> Result:
    """Do something with the environment's key, again when that was refused and may soon no longer be.

    Operations of one environment that lost their leases together are taken over one after the other, and each replaces
    the key: whoever is at work meanwhile may find its own gone, the newest not made yet, or made and not bound. Whoever
    needs that one makes it; making it twice is harmless. An API server that has just started, or whose store has,
    knows for some seconds less than is stored: it refuses even the newest key, bound as it is. So CredentialsRefused
    and Forbidden are raised once a key that stayed the newest was refused for SETTLES seconds.
    """
    refused: dict[int, float] = {}
    while True:
        try:
            if refused:
                _mend_key(work, environment)
            return act()
        except (CredentialsRefused, Forbidden):
            again = bool(refused)
            work.before_write()  # reads the number of the key anew
            since = refused.setdefault(work.generation, time.monotonic())
            if time.monotonic() - since > SETTLES:
                raise
            if again:
                work.pause(AGAIN)


def _mend_key(work: Work, environment: Environment) -> None:
    """Make the environment's key where there is none of its generation, or none that is bound."""
    if not keys.is_bound(connect.for_cluster(environment.cluster), environment, work.generation):
        replace_key(work, environment)


def bump(run: Run) -> None:
    """Write the epoch on each live object, metadata only, so that nothing restarts and every known version is stale."""
    kube = run.kube(TAKE_OVER)
    there = [manifest for manifest in run.live.objects.values() if not is_terminating(manifest)]
    moved = run.work.parallel(lambda manifest: _bump_one(run, kube, manifest), there, width=kube.window)
    seen: dict[str, Manifest] = {}
    for before, answer in zip(there, moved, strict=True):
        name = object_id(before)
        if answer is None:
            run.live.drop(name)
            continue
        run.live.put(answer.object)
        row = run.rows.get(name)
        # An object a hand had moved stays told apart: only what stood where the inventory left it is followed.
        if row is not None and row.uid == uid_of(before) and _stood(row, before):
            seen[name] = answer.object
    inventory.moved(run.work, seen, run.rows)


def _stood(row: AppliedObject, live: Manifest) -> bool:
    generation = generation_of(live)
    return row.generation == generation if generation is not None else row.resource_version == version_of(live)


def _bump_one(run: Run, kube: Kube, live: Manifest) -> Answer | None:
    """Move one object; None when it is gone or is another by now."""
    kind = live["kind"]
    manifest = {
        "apiVersion": api_version(kind),
        "kind": kind,
        "metadata": {
            "name": live["metadata"]["name"],
            "namespace": run.namespace,
            "annotations": {labels.EPOCH: str(run.work.epoch)},
        },
    }
    try:
        return kube.apply(manifest, f"waybill-epoch:{run.application_id}", uid=uid_of(live), force=True)
    except Outdated:
        return None
