"""Installations on real clusters by worker processes that are disturbed, and what each must come to."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from clusters.manifests import restored
from clusters.models import Application, AppliedObject, Revision
from marketplace.models import Delivery, Installation
from operations.models import Operation
from teams.models import AuditEvent
from tests.clusters.delivery.house import House, make_environment
from tests.clusters.delivery.living import inventory, owned, without_given
from tests.marketplace.deliver.stage import Stage, operation, part

CLAIMS = "PersistentVolumeClaim/"
"""What a StatefulSet makes by itself: on the cluster, and in no inventory."""


def components(version: int = 1) -> list[Any]:
    """Two levels: a stateful one with a volume, and one that depends on it, with ports, a file and a secret."""
    file = {"path": "/etc/app.conf", "content": f"version {version}"}
    ports = [{"name": "http", "number": 8080, "outside": "node_port"}]
    secret = {"name": "TOKEN", "secret": True}
    disk = [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}]
    return [
        part("web", version, depends_on=["db"], files=[file], ports=ports, variables=[secret]),
        part("db", 1, kind="stateful", volumes=disk, ports=[{"name": "db", "number": 5432}]),
    ]


def begin(stage: Stage, place: str, slug: str, values: dict[str, Any] | None = None, version: str = "1.0") -> Operation:
    """Ask by REST for an installation under a name of its own; its worker is still to come."""
    given = {"web.variables.TOKEN": "s3cret"} if values is None else values
    return operation(stage.install(place, app={"slug": slug, "name": slug.title()}, values=given, version=version))


def add_place(stage: Stage, place: str) -> None:
    """Give the stage one more environment, with a name as long as the others'."""
    slug = f"{place[:4]:x<4}-{stage.slug('test')[-8:]}"
    stage.places[place] = make_environment(stage.cast.enterprise, stage.cast.team, stage.cluster, slug)


@dataclass(frozen=True)
class Left:
    """What an installation came to: `rows` of it, `objects` on the cluster by `Kind/name`, and `uids` of both."""

    rows: dict[str, Any]
    objects: dict[str, Any]
    uids: dict[str, str]
    inventory: dict[str, str | None]


def left(stage: Stage, place: str, slug: str) -> Left:
    """Read it, with everything that belongs to this one installation by its name alone made the same."""
    house = stage.house(place)
    app = Application.objects.get(environment=house.environment, slug=slug)
    live = owned(house, app)
    return Left(
        rows=_rows(app),
        objects={same(name, house, app): plain(item, house, app) for name, item in live.items()},
        uids={name: item["metadata"]["uid"] for name, item in live.items() if not name.startswith(CLAIMS)},
        inventory=inventory(app),
    )


def _rows(app: Application) -> dict[str, Any]:
    """What the rows say, without times, ids and epochs."""
    run = Operation.objects.get(kind="install", subject_id=app.pk)
    revisions = list(Revision.objects.filter(application=app).values_list("number", "kind", "state"))
    revision = app.revisions.get()
    recorded = {item.id: item.hash for item in restored(revision.content()["manifests"]).all()}
    applied = {f"{row.kind}/{row.name}": row for row in AppliedObject.objects.filter(application=app)}
    record = f"ConfigMap/waybill-{app.slug}"
    return {
        "operation": (run.state, run.changed, run.done, run.total, run.outcome_code),
        "steps": list(run.steps.order_by("seq").values_list("key", "state")),
        "ends": run.events.filter(code__startswith="operation_").count(),
        "revisions": revisions,
        "current": app.current_revision_id == revision.pk,
        "installed": [row.version and row.version.number for row in Installation.objects.filter(application=app)],
        "evidence": Delivery.objects.filter(revision__application=app).count(),
        "trail": sorted(AuditEvent.objects.filter(object_id=str(app.pk)).values_list("action", flat=True)),
        "states": sorted({row.state for row in applied.values()}),
        "hashes": {name: row.hash for name, row in applied.items() if name != record} == recorded,
    }


def plain(item: dict[str, Any], house: House, app: Application) -> str:
    """What was sent of an object. The record tells its own operation, so only its keys count."""
    is_record = item["metadata"]["name"] == f"waybill-{app.slug}"
    data = sorted(item["data"]) if is_record else item.get("data")
    told = {"labels": item["metadata"]["labels"], "spec": without_given(item.get("spec")), "data": data}
    return same(json.dumps(told, sort_keys=True), house, app)


def same(text: str, house: House, app: Application) -> str:
    """Replace an installation's own names. Names by content hold eight digits made with the application's salt."""
    for own, name in ((str(app.pk), "ID"), (house.environment.namespace, "PLACE"), (app.slug, "APP")):
        text = text.replace(own, name)
    return re.sub(r"-(env|files)-[0-9a-f]{8}", r"-\1-SALTED", text)


def created(house: House) -> dict[str, Counter[str]]:
    """Count by the cluster's audit log, for each operation in this environment, how often it created which object."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in house.real.audit_entries():
        words = entry.get("userAgent", "").split()
        what = entry.get("objectRef", {})
        if words[:1] != ["waybill"] or len(words) < 2 or what.get("namespace") != house.environment.namespace:
            continue
        if entry.get("responseStatus", {}).get("code") == 201 and "dryRun" not in entry.get("requestURI", ""):
            found[words[1]][f"{what['resource']}/{what.get('name')}"] += 1
    return found
