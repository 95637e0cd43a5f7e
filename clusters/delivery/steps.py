"""The steps of a delivery by their keys: what deploying, installing, upgrading and rolling back are all composed of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clusters.delivery import fence, resolving, verify
from clusters.delivery.apply import send
from clusters.delivery.check import check
from clusters.delivery.dry_run import dry_run
from clusters.delivery.finish import finish
from clusters.delivery.prune import prune
from clusters.delivery.ready import note, wait_until_ready
from clusters.delivery.remove import PREFIX as REMOVE
from clusters.delivery.remove import finish_removal, remove_component, volumes
from clusters.delivery.render import store
from clusters.delivery.run import Run, run_of
from clusters.delivery.take_over import take_over
from clusters.spec import levels

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work

COMPONENT = "component:"


def delivery_steps(document: dict[str, Any], *, first: Sequence[str] = ("check",)) -> list[str]:
    """Give the steps that bring a revision about, its components level by level along their dependencies."""
    keys_in_order = [key for level in levels(document["components"]) for key in level]
    components = [f"{COMPONENT}{key}" for key in keys_in_order]
    return [*first, "take_over", "render", "dry_run", "base", *components, "prune", "verify", "finish"]


def perform(work: Work, step: StepWork) -> None:
    """Do one step of a delivery. Whoever has just become the operation's owner takes the application over first.

    What another owner does to the environment's key meanwhile is lived with (see `fence.with_key`).
    """
    if step.key == "check":
        check(work, step)
        return
    fence.with_key(work, run_of(work).environment, lambda: _perform(work, step))


def _perform(work: Work, step: StepWork) -> None:
    run = run_of(work)
    if step.key == "resolve":
        resolving.resolve(run, step)
        return
    if step.key in ("take_over", "render") or run.revision.objects_applied is not None or run.is_removal:
        take_over(run)
    _act(run, step)


def _act(run: Run, step: StepWork) -> None:
    if step.key == "render":
        store(run)
        step.conclude(objects=len(run.revision.objects_applied or []))
    elif step.key == "dry_run":
        dry_run(run, step)
    elif step.key == "base":
        step.conclude(sent=send(run, run.bundle.base, step.key))
    elif step.key.startswith(COMPONENT):
        component(run, step)
    elif step.key.startswith(REMOVE):
        remove_component(run, step)
    elif step.key == "prune":
        prune(run, step)
    elif step.key == "verify":
        verify.verify(run, step)
    elif step.key == "volumes":
        volumes(run, step)
    elif step.key == "finish" and run.is_removal:
        finish_removal(run, step)
    elif step.key == "finish":
        finish(run)
    elif step.key != "take_over":
        raise KeyError(step.key)


def component(run: Run, step: StepWork) -> None:
    """Send a component's workload, with those of its level, and wait until it has started; the last, until all stand.

    The first step of a level sends the whole level, so that its components start side by side; the steps after it only
    wait.
    """
    key = step.key.removeprefix(COMPONENT)
    bundle = run.bundle.levels
    depth = next(depth for depth, level in enumerate(bundle) if any(item.component == key for item in level))
    step.intend(objects=[{"id": item.id, "hash": item.hash} for item in bundle[depth]])
    send(run, bundle[depth], step.key)
    sent = [item for level in bundle[: depth + 1] for item in level if item.component is not None]
    seen = wait_until_ready(run, step, key, sent, last=key == levels(run.components)[-1][-1])
    row = run.rows[run.bundle.workload(key).id]
    note(step, seen)
    step.conclude(uid=row.uid, resource_version=row.resource_version, hash=row.hash)
