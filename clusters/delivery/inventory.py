"""The inventory: rows that say what an application put on its cluster, written before the first request for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from clusters.delivery.live import CLAIM, api_version, generation_of, object_id, uid_of, version_of
from clusters.kube.protocol import Manifest
from clusters.manifests import Rendered
from clusters.models import Application, AppliedObject, Revision
from console.kit.errors import Rejected

if TYPE_CHECKING:
    from operations.engine.work import Work

Rows = dict[str, AppliedObject]


def row_id(row: AppliedObject) -> str:
    """Give `Kind/name`."""
    return f"{row.kind}/{row.name}"


def rows_of(application: Application) -> Rows:
    """Give the application's rows by `Kind/name`."""
    return {row_id(row): row for row in AppliedObject.objects.filter(application=application)}


def intend(work: Work, revision: Revision, items: Iterable[Rendered], rows: Rows) -> None:
    """Write that these objects are about to be sent. Raises Rejected object_name_taken when another application's row
    holds a name."""
    application = revision.application
    with work.record():
        fresh = []
        for item in items:
            row = rows.get(item.id)
            if row is None:
                fresh.append(_new(application, revision, item))
            else:
                row.hash, row.revision, row.state = item.hash, revision, AppliedObject.State.INTENDED
                row.save(update_fields=["hash", "revision", "state"])
        _refuse_foreign(fresh)
        for row in AppliedObject.objects.bulk_create(fresh):
            rows[row_id(row)] = row


def _new(application: Application, revision: Revision, item: Rendered) -> AppliedObject:
    return AppliedObject(
        application=application,
        environment_id=application.environment_id,
        api_version=item.api_version,
        kind=item.kind,
        name=item.name,
        hash=item.hash,
        revision=revision,
    )


def _refuse_foreign(fresh: list[AppliedObject]) -> None:
    if not fresh:
        return
    wanted = {row_id(row) for row in fresh}
    taken = AppliedObject.objects.filter(
        environment_id=fresh[0].environment_id, name__in=[row.name for row in fresh]
    ).select_related("application")
    for row in taken:
        if row_id(row) in wanted:
            raise Rejected("object_name_taken", object=row_id(row), owner=row.application.name)


def settle(work: Work, seen: Mapping[str, Manifest], rows: Rows) -> None:
    """Write that the rows of these objects hold what was seen: uid, generation, resourceVersion, `applied`."""
    with work.record():
        for name, manifest in seen.items():
            row = rows[name]
            row.uid, row.generation = uid_of(manifest), generation_of(manifest)
            row.resource_version, row.state = version_of(manifest), AppliedObject.State.APPLIED
            row.save(update_fields=["uid", "generation", "resource_version", "state"])


def moved(work: Work, seen: Mapping[str, Manifest], rows: Rows) -> None:
    """Write where objects stand that were touched without being sent: their states stay."""
    with work.record():
        for name, manifest in seen.items():
            row = rows[name]
            row.uid = uid_of(manifest)
            row.generation, row.resource_version = generation_of(manifest), version_of(manifest)
            row.save(update_fields=["uid", "generation", "resource_version"])


def removing(work: Work, rows: Iterable[AppliedObject]) -> None:
    """Write that these are about to be removed."""
    with work.record():
        for row in rows:
            row.state = AppliedObject.State.REMOVING
            row.save(update_fields=["state"])


def removed(work: Work, names: Iterable[str], rows: Rows) -> None:
    """Strike rows whose objects are confirmed to be gone."""
    gone = [rows.pop(name) for name in names if name in rows]
    if gone:
        with work.record():
            AppliedObject.objects.filter(pk__in=[row.pk for row in gone]).delete()


def keep_claims(work: Work, revision: Revision, claims: Iterable[Manifest], rows: Rows) -> list[str]:
    """Write volume claims that outlive their use as `kept`; give their names."""
    kept = []
    with work.record():
        for manifest in claims:
            name = object_id(manifest)
            row = rows.get(name)
            if row is None:
                row = AppliedObject(
                    application=revision.application,
                    environment_id=revision.application.environment_id,
                    api_version=api_version(CLAIM),
                    kind=CLAIM,
                    name=manifest["metadata"]["name"],
                    hash="",
                    revision=revision,
                )
                rows[name] = row
            row.uid, row.resource_version = uid_of(manifest), version_of(manifest)
            row.state = AppliedObject.State.KEPT
            row.save()
            kept.append(row.name)
    return kept
