"""The inventory: rows that say what an application put on its cluster, written before the first request for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import connection

from clusters.delivery.live import CLAIM, api_version, generation_of, object_id, uid_of, version_of
from clusters.kube.protocol import Manifest
from clusters.manifests import Rendered
from clusters.models import Application, AppliedObject, Revision
from console.kit.errors import Rejected

if TYPE_CHECKING:
    from operations.engine.work import Work

Rows = dict[str, AppliedObject]

# One statement for all rows of a wave: a statement each would take longer than the requests themselves.
_WRITE = """
UPDATE applied_object a SET uid = w.uid, generation = w.generation, resource_version = w.resource_version,
  hash = w.hash, revision_id = w.revision, state = w.state, row_version = a.row_version + 1, updated_at = now()
FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::uuid[], %s::text[])
  AS w (id, uid, generation, resource_version, hash, revision, state)
WHERE a.id = w.id
"""


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
        fresh, known = [], []
        for item in items:
            row = rows.get(item.id)
            if row is None:
                fresh.append(_new(application, revision, item))
            else:
                row.hash, row.revision, row.state = item.hash, revision, AppliedObject.State.INTENDED
                known.append(row)
        _write(known)
        _refuse_foreign(fresh)
        for row in AppliedObject.objects.bulk_create(fresh):
            rows[row_id(row)] = row


def _write(rows: Sequence[AppliedObject]) -> None:
    """Write rows as they are in memory; inside a record. Nobody else changes them while the operation is ours."""
    if not rows:
        return
    columns = ("pk", "uid", "generation", "resource_version", "hash", "revision_id", "state")
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [[getattr(row, column) for row in rows] for column in columns])
    for row in rows:
        row.row_version += 1


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
    for name in seen:
        rows[name].state = AppliedObject.State.APPLIED
    moved(work, seen, rows)


def moved(work: Work, seen: Mapping[str, Manifest], rows: Rows) -> None:
    """Write where objects stand that were touched without being sent: their states stay."""
    if not seen:
        return
    for name, manifest in seen.items():
        row = rows[name]
        row.uid, row.generation, row.resource_version = uid_of(manifest), generation_of(manifest), version_of(manifest)
    with work.record():
        _write([rows[name] for name in seen])


def removing(work: Work, rows: Sequence[AppliedObject]) -> None:
    """Write that these are about to be removed."""
    for row in rows:
        row.state = AppliedObject.State.REMOVING
    with work.record():
        _write(rows)


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
