"""The roads of an installed application: upgrade, rollback, uninstall, each by REST, and what each must come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clusters.models import Application, AppliedObject, Revision
from marketplace.models import Installation
from operations.models import Operation
from teams.models import AuditEvent
from tests.clusters.delivery.house import House
from tests.clusters.delivery.living import inventory, owned
from tests.faults.installing import CLAIMS, components, plain, same
from tests.marketplace.deliver.stage import Stage, operation, part
from tests.marketplace.world import key

ROADS = ("upgrade", "rollback", "uninstall")


def second() -> list[Any]:
    """What is upgraded to: one component changed with its file, one dropped, one added, and the stateful one as it
    was."""
    web, db = components(2)
    return [web, db, part("worker", 1, variables=[{"name": "LEVEL", "value": "info"}])]


def first() -> list[Any]:
    """What is installed."""
    return [*components(1), part("report", 1)]


def begin(stage: Stage, place: str, slug: str, road: str) -> Operation:
    """Ask for it; its worker is still to come."""
    base = f"environments/{stage.slug(place)}/apps/{slug}"
    if road == "upgrade":
        return operation(stage.post(f"{base}/upgrades", {"version": "2.0"}))
    if road == "rollback":
        return operation(stage.post(f"{base}/rollbacks", {}))
    return operation(stage.cast.api("delivery").delete(base, headers=key()))


@dataclass(frozen=True)
class End:
    """What a road came to: rows, and objects on the cluster; with the uids of both to hold against each other."""

    rows: dict[str, Any]
    objects: dict[str, Any]
    uids: dict[str, str]
    inventory: dict[str, str | None]


def end(stage: Stage, place: str, slug: str, run: Operation) -> End:
    """Read it, with everything that belongs to this one application by its name alone made the same."""
    house = stage.house(place)
    app = Application.objects.get(environment=house.environment, slug=slug)
    live = owned(house, app)
    claims = {name for name in live if name.startswith(CLAIMS)}
    return End(
        rows=rows(house, app, run),
        objects={same(name, house, app): plain(item, house, app) for name, item in live.items()},
        uids={name: item["metadata"]["uid"] for name, item in live.items() if name not in claims},
        inventory={name: uid for name, uid in inventory(app).items() if name not in claims},
    )


def rows(house: House, app: Application, run: Operation) -> dict[str, Any]:
    """What the rows say, without times, ids and epochs."""
    run.refresh_from_db()
    applied = AppliedObject.objects.filter(application=app)
    return {
        "operation": (run.state, run.changed, run.done, run.total, run.outcome_code),
        "steps": list(run.steps.order_by("seq").values_list("key", "state")),
        "ends": run.events.filter(code__startswith="operation_").count(),
        "revisions": list(
            Revision.objects.filter(application=app).order_by("number").values_list("number", "kind", "state")
        ),
        "current": app.current_revision and app.current_revision.number,
        "removed": app.removed_at is not None,
        "installed": [row.version and row.version.number for row in Installation.objects.filter(application=app)],
        "trail": sorted(AuditEvent.objects.filter(object_id=str(app.pk)).values_list("action", flat=True)),
        "states": sorted((row.kind, row.state) for row in applied),
    }
