"""Sending objects: written down first, eight in flight, each with its preconditions, every answer read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from clusters.delivery import inventory
from clusters.delivery.live import WORKLOADS, is_ours, is_terminating, owner_of, uid_of
from clusters.delivery.run import Run
from clusters.delivery.sending import Sending, decide, preconditions
from clusters.kube.errors import Exists, FieldConflict, Outdated, Untyped
from clusters.kube.protocol import Answer, Kube, Manifest
from clusters.manifests import Rendered
from console.kit.errors import NotHealthy, Rejected, WaybillError

GONE_SECONDS = 60.0
"""So long an object that is being deleted is waited for before its successor is created."""


@dataclass(frozen=True)
class Sent:
    """One object's outcome: the answer, or the error it met."""

    id: str
    answer: Answer | None = None
    error: WaybillError | Untyped | None = None


def send(run: Run, items: Sequence[Rendered], step: str) -> list[str]:
    """Bring these objects to what their manifests say; give the ids of those that were sent.

    What is unchanged is not touched. Everything sent is in the inventory before the first request. After an error of
    one object the others' answers are recorded all the same; then the first error is raised.
    """
    wanted = [sending for sending in decide(items, run.rows, run.live) if sending.action != "keep"]
    if not wanted:
        return []
    with run.work.record():
        inventory.intend(run.work, run.revision, [sending.item for sending in wanted], run.rows)
        run.work.changed("part")
    kube = run.kube(step)
    sent = run.work.parallel(lambda sending: _sent(run, kube, sending), wanted, width=kube.window)
    done = [item for item in sent if item.answer is not None]
    for item in done:
        assert item.answer is not None
        run.live.put(item.answer.object)
    with run.work.record():
        inventory.settle(run.work, {item.id: item.answer.object for item in done if item.answer}, run.rows)
        _warn(run, done)
    for item in sent:
        if item.error is not None:
            raise item.error
    return [item.id for item in sent]


def _sent(run: Run, kube: Kube, sending: Sending) -> Sent:
    try:
        return Sent(sending.id, _send_one(run, kube, sending))
    except (WaybillError, Untyped) as error:
        return Sent(sending.id, error=error)


def _send_one(run: Run, kube: Kube, sending: Sending) -> Answer:
    """Send one object; when it moved or appeared meanwhile, look at it again and send once more."""
    try:
        answer = _apply(run, kube, sending.item, sending.live)
    except (Exists, Outdated) as error:
        fresh = look_again(run, kube, sending.item, error)
        answer = _apply(run, kube, sending.item, fresh, again=True)
    if answer.terminating:
        _wait_until_gone(run, kube, sending.item)
        answer = _apply(run, kube, sending.item, None)
    return answer


def _apply(run: Run, kube: Kube, item: Rendered, live: Manifest | None, *, again: bool = False) -> Answer:
    force = item.id in run.forced
    if live is not None and is_terminating(live):
        _wait_until_gone(run, kube, item)
        live = None
    if live is None:
        return kube.apply(item.manifest, run.manager, create_only=True, force=force)
    workload = item.kind in WORKLOADS
    held = {"uid": uid_of(live)} if again and workload else preconditions(live, workload=workload)
    return kube.apply(item.manifest, run.manager, force=force, **held)  # type: ignore[arg-type]


def look_again(run: Run, kube: Kube, item: Rendered, error: Exists | Outdated) -> Manifest | None:
    """Look at one object under the lease after a precondition failed: absent (None), ours, or a stranger's.

    Raises Rejected object_name_taken for a stranger's object.
    """
    fresh = kube.get(item.kind, item.name, run.namespace)
    if fresh is None:
        return None
    if not is_ours(fresh, run.application_id):
        raise Rejected("object_name_taken", object=item.id, owner=owner_of(fresh)) from error
    return fresh


def _wait_until_gone(run: Run, kube: Kube, item: Rendered) -> None:
    """Wait for an object that is being deleted; an apply to it would be answered and lost."""
    until = time.monotonic() + GONE_SECONDS
    while kube.get(item.kind, item.name, run.namespace) is not None:
        if time.monotonic() > until:
            raise NotHealthy("not_ready", component=item.component or "", cause="stuck_terminating", words=item.id)
        run.work.lease.check()
        time.sleep(0.2)


def _warn(run: Run, done: Sequence[Sent]) -> None:
    for item in done:
        for words in item.answer.warnings if item.answer else ():
            run.work.log("cluster_warned", level="warning", object=item.id, words=words[:300])


__all__ = ["FieldConflict", "Sent", "look_again", "send"]
