"""Removing what a new state no longer has: the difference of two recorded inventories, never a claim, never a guess."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from clusters.delivery import inventory
from clusters.delivery.deleting import delete
from clusters.delivery.examine import superfluous
from clusters.delivery.live import CLAIM, WORKLOADS, applied_by, component_of, look, object_id, uid_of
from clusters.delivery.record import record_id
from clusters.delivery.run import Run
from clusters.models import AppliedObject
from clusters.spec import levels

if TYPE_CHECKING:
    from clusters.kube.protocol import Manifest
    from operations.engine.step import StepWork


def prune(run: Run, step: StepWork) -> None:
    """Remove the recorded objects that the revision does not have: workloads of dropped components first, the ones
    nothing depends on before those they depend on; then everything else at once. Claims stay and are written as kept.

    Raises RuntimeError, and removes nothing, when the new set is empty or the recorded one cannot be read.
    """
    wanted = {item.id for item in run.bundle.all()}
    if not wanted or run.revision.objects_applied is None:
        raise RuntimeError("nothing is pruned for a revision without objects")
    run.live = look(run.work, run.kube(step.key), run.namespace, run.application_id)
    if run.work.operation.attempts:
        _adopt_strays(run)
    going = to_remove(run, wanted)
    left: list[str] = []
    for wave in waves(run, going):
        left += delete(run, wave, step.key)
    kept = _keep_claims(run, wanted)
    step.conclude(removed=[inventory.row_id(row) for row in going], kept=kept, left=left)
    if left:
        step.warn("still_removing", objects=left)


def to_remove(run: Run, wanted: Iterable[str]) -> list[AppliedObject]:
    """Give the rows whose objects have to go. A row that never got its uid takes it from the object of that name that
    carries the application's label; one whose object was never made is struck by the deletion."""
    names = {*wanted, record_id(run)}
    going = []
    for name, row in run.rows.items():
        if name in names or row.kind == CLAIM or row.state == AppliedObject.State.KEPT:
            continue
        live = run.live.get(name)
        if row.uid is None and live is not None:
            row.uid = uid_of(live)
        going.append(row)
    return going


def waves(run: Run, rows: Iterable[AppliedObject]) -> list[list[AppliedObject]]:
    """Order a removal: workloads level by level against the direction of their dependencies, then all the rest."""
    order = _depths(run)
    by_depth: dict[int, list[AppliedObject]] = {}
    rest = []
    for row in rows:
        if row.kind not in WORKLOADS:
            rest.append(row)
            continue
        live = run.live.get(inventory.row_id(row))
        key = component_of(live) if live is not None else None
        by_depth.setdefault(order.get(key or "", 0), []).append(row)
    return [by_depth[depth] for depth in sorted(by_depth, reverse=True)] + ([rest] if rest else [])


def _depths(run: Run) -> dict[str, int]:
    """Give each component's level in the state one comes from, or else in the new one."""
    based_on = run.revision.based_on
    documents = [run.revision.document] + ([based_on.document] if based_on is not None else [])
    found: dict[str, int] = {}
    for document in documents:
        for depth, keys in enumerate(levels(document["components"])):
            found |= dict.fromkeys(keys, depth)
    return found


def _adopt_strays(run: Run) -> None:
    """Take into the inventory what a former owner of the operation may have created after it lost its lease.

    Only objects applied under the application's own manager: a look-alike with our label was made by somebody else.
    """
    for live in superfluous(run, run.bundle.all()):
        name = object_id(live)
        if name in run.rows or not applied_by(live, run.manager):
            continue
        run.rows[name] = _stray_row(run, live)


def _stray_row(run: Run, live: Manifest) -> AppliedObject:
    with run.work.record():
        return AppliedObject.objects.create(
            application=run.application,
            environment=run.environment,
            api_version=live["apiVersion"],
            kind=live["kind"],
            name=live["metadata"]["name"],
            uid=uid_of(live),
            hash="",
            revision=run.revision,
            state=AppliedObject.State.REMOVING,
        )


def _keep_claims(run: Run, wanted: Iterable[str]) -> list[str]:
    """Write claims whose component or volume is no longer there as kept. A stateful component's claims are known by
    their label: they stand while the component does."""
    names, alive = set(wanted), {component["key"] for component in run.components if component["volumes"]}
    unused = [
        live for live in run.live.of_kind(CLAIM) if object_id(live) not in names and component_of(live) not in alive
    ]
    return inventory.keep_claims(run.work, run.revision, unused, run.rows) if unused else []
