"""The record: the ConfigMap `waybill-{app}`, for people, for rebuilding, and for two consoles on one namespace."""

from __future__ import annotations

from clusters.delivery import inventory
from clusters.delivery.apply import look_again
from clusters.delivery.run import TAKE_OVER, Run
from clusters.kube.errors import Exists, Outdated
from clusters.kube.protocol import Manifest
from clusters.manifests import Rendered, labels, manifest_hash, names, record
from clusters.models import AppliedObject


def record_id(run: Run) -> str:
    """Give `ConfigMap/waybill-{app}`."""
    return f"ConfigMap/{names.record(run.application.slug)}"


def hold_record(run: Run, step: str = TAKE_OVER) -> Manifest:
    """Write the record under this epoch: created, or taken over from where the inventory or one look finds it.

    Gives the record as it stands now. Raises Rejected object_name_taken when a record of that name belongs to somebody
    else: another console manages an application of this name in the same namespace.
    """
    item = _rendered(run)
    row = run.rows.get(item.id)
    known = row if row is not None and row.uid and row.state == AppliedObject.State.APPLIED else None
    inventory.intend(run.work, run.revision, [item], run.rows)
    kube = run.kube(step)
    try:
        if known is None:
            answer = kube.apply(item.manifest, run.manager, create_only=True)
        else:
            # The record is ours alone: what a hand wrote into it is taken back.
            answer = kube.apply(
                item.manifest, run.manager, uid=known.uid, resource_version=known.resource_version, force=True
            )
    except (Exists, Outdated) as error:
        fresh = look_again(run, kube, item, error)
        if fresh is None:
            answer = kube.apply(item.manifest, run.manager, create_only=True)
        else:
            at = fresh["metadata"]
            answer = kube.apply(
                item.manifest, run.manager, uid=at["uid"], resource_version=at["resourceVersion"], force=True
            )
    inventory.settle(run.work, {item.id: answer.object}, run.rows)
    run.live.put(answer.object)
    return answer.object


def _rendered(run: Run) -> Rendered:
    source = run.revision.source or {}
    manifest = record(
        app=run.application.slug,
        application_id=run.application_id,
        part_of=run.part_of,
        namespace=run.namespace,
        operation=run.work.operation.name,
        epoch=run.work.epoch,
        revision=run.revision.number,
        version=source.get("number"),
        inventory=[
            {"kind": row.kind, "name": row.name, "uid": row.uid, "state": row.state}
            for name, row in sorted(run.rows.items())
            if name != record_id(run)
        ],
    )
    name = manifest["metadata"]["name"]
    return Rendered("v1", "ConfigMap", name, None, manifest, manifest_hash(manifest, run.salt))


def is_record(name: str) -> bool:
    """Whether an object id is that of a record."""
    return name.startswith(f"ConfigMap/{labels.CONSOLE}-")
