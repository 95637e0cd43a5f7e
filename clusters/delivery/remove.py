"""The end of an application on its cluster: component by component against the direction of their dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clusters.delivery import inventory
from clusters.delivery.deleting import delete
from clusters.delivery.live import CLAIM, WORKLOADS, component_of, look
from clusters.delivery.record import record_id
from clusters.delivery.run import Run
from clusters.models import Application, AppliedObject, Revision
from clusters.spec import levels

if TYPE_CHECKING:
    from operations.engine.step import StepWork

PREFIX = "remove:"


def removal_keys(application: Application) -> list[str]:
    """Give the components that may stand on the cluster, dependants first: of each revision whose objects are there."""
    standing = AppliedObject.objects.filter(application=application).values_list("revision", flat=True).distinct()
    revisions = Revision.objects.filter(pk__in=list(standing)).order_by("number")
    depths: dict[str, int] = {}
    for revision in revisions:
        for depth, keys in enumerate(levels(revision.document["components"])):
            depths |= dict.fromkeys(keys, depth)
    return sorted(depths, key=lambda key: (-depths[key], key))


def remove_component(run: Run, step: StepWork) -> None:
    """Remove one component's objects, its workload first; its claims stay."""
    key = step.key.removeprefix(PREFIX)
    mine = [row for name, row in run.rows.items() if _component(run, name) == key and row.kind != CLAIM]
    left = delete(run, [row for row in mine if row.kind in WORKLOADS], step.key)
    left += delete(run, [row for row in mine if row.kind not in WORKLOADS], step.key)
    step.conclude(removed=[inventory.row_id(row) for row in mine], left=left)
    if left:
        step.warn("still_removing", objects=left)


def _component(run: Run, name: str) -> str | None:
    live = run.live.get(name)
    return component_of(live) if live is not None else None


def volumes(run: Run, step: StepWork) -> None:
    """Keep the volume claims, written as kept; or remove them where the person who uninstalls said so."""
    run.live = look(run.work, run.kube(step.key), run.namespace, run.application_id)
    claims = list(run.live.of_kind(CLAIM))
    kept = inventory.keep_claims(run.work, run.revision, claims, run.rows)
    if run.work.operation.input.get("volumes") != "delete":
        step.conclude(kept=kept, removed=[])
        return
    rows = [row for row in run.rows.values() if row.kind == CLAIM]
    left = delete(run, rows, step.key)
    step.conclude(kept=[], removed=kept, left=left)
    if left:
        step.warn("still_removing", objects=left)


def finish_removal(run: Run, step: StepWork) -> None:
    """Remove whatever else the inventory holds, the record last."""
    rest = [row for name, row in run.rows.items() if row.kind != CLAIM and name != record_id(run)]
    left = delete(run, rest, step.key)
    record = run.rows.get(record_id(run))
    if record is not None:
        left += delete(run, [record], step.key)
    step.conclude(left=left)
    run.work.changed("all")
