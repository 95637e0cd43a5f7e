"""The JSON of applications: rows, what was last seen, and what of the draft does not run yet."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils import timezone

from clusters.actions.deploy import changed_components
from clusters.models import Application, ApplicationStatus, Cluster
from clusters.present.places import time_text
from console.kit import messages
from operations.models import Operation

if TYPE_CHECKING:
    from teams.models import User

STALE_AFTER = timedelta(seconds=30)
"""So old may a look be; older ones are shown with their time and never as how things are."""

Part = Callable[[Sequence[Application], "User"], Mapping[uuid.UUID, Any]]
_parts: dict[str, tuple[Part, Any, Any]] = {}


def extend_application(key: str, part: Part, *, example: Any, empty: Any) -> None:
    """Add `key` to the JSON of applications: `part(rows, user)` gives id → value for all rows of a page at once.

    `empty` stands for a row it leaves out; `example` is shown in the API's documentation. Call it when the app starts.
    """
    _parts[key] = (part, example, empty)


def with_parts(rows: QuerySet[Application]) -> QuerySet[Application]:
    """Read along what the JSON shows, with as many queries for one row as for fifty."""
    return rows.select_related(
        "environment__cluster", "environment__team", "status", "current_revision__operation"
    ).prefetch_related("components")


def applications_json(rows: Iterable[Application], user: User) -> list[dict[str, Any]]:
    """Give the JSON of several applications."""
    applications = list(rows)
    running = _running(applications)
    found = [_json(row, running.get(row.lock_key)) for row in applications]
    for key, (part, _, empty) in _parts.items():
        values = part(applications, user)
        for row, data in zip(applications, found, strict=True):
            data[key] = values.get(row.pk, empty)
    return found


def application_json(row: Application, user: User) -> dict[str, Any]:
    """Give the JSON of one application, read `with_parts`."""
    return applications_json([row], user)[0]


def application_example() -> dict[str, Any]:
    """Give an example, with every part that apps have added."""
    return EXAMPLE | {key: shown for key, (_, shown, _) in _parts.items()}


def is_current(status: ApplicationStatus, cluster: Cluster) -> bool:
    """Whether what was last seen may be shown as how things are."""
    online = cluster.health == Cluster.Health.ONLINE
    return online and timezone.now() - status.observed_at <= STALE_AFTER


def is_awaited(row: Application) -> bool:
    """Whether the first look since the last deployment is just about to come, on a cluster that answers."""
    status: ApplicationStatus | None = getattr(row, "status", None)
    ended = row.current_revision.operation.finished_at if row.current_revision is not None else None
    if ended is None or row.environment.cluster.health != Cluster.Health.ONLINE:
        return False
    return timezone.now() - ended <= STALE_AFTER and (status is None or status.observed_at < ended)


def _json(row: Application, operation: str | None) -> dict[str, Any]:
    status: ApplicationStatus | None = getattr(row, "status", None)
    current = status is not None and not _is_before(status, row) and is_current(status, row.environment.cluster)
    return {
        "slug": row.slug,
        "name": row.name,
        "environment": row.environment.slug,
        "origin": row.origin,
        "desired": row.desired,
        "status": _status(row, status, current=current),
        "components": _components(row, status, current=current),
        "access": list(status.access) if status is not None else [],
        "revision": row.current_revision.number if row.current_revision is not None else None,
        "undeployed_changes": len(changed_components(row)),
        "running_operation": operation,
    }


def _status(row: Application, status: ApplicationStatus | None, *, current: bool) -> dict[str, Any]:
    if status is None:
        # Nothing was ever sent, or nobody has looked yet.
        state = "idle" if row.current_revision is None else "unknown"
        return {"state": state, "last_state": None, "cause": None, "observed_at": None, "digests_match": None}
    return {
        "state": status.state if current else "unknown",
        "last_state": status.state,
        "cause": cause_json(status.cause_code, status.cause_params),
        "observed_at": time_text(status.observed_at),
        "digests_match": status.digests_match if current else None,
    }


def cause_json(code: str | None, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give a cause with its sentence; `params` hold the component and the cluster's words."""
    if not code:
        return None
    component, words = params.get("component") or "", params.get("words") or ""
    text = messages.title("not_ready", {"component": component, "cause": code, "words": words})
    return {"code": code, "params": {"component": component, "words": words}, "text": text}


def _is_before(status: ApplicationStatus, row: Application) -> bool:
    """Whether the last look is older than what was deployed last: then it tells nothing of it."""
    ended = row.current_revision.operation.finished_at if row.current_revision is not None else None
    return ended is not None and status.observed_at < ended


def _components(row: Application, status: ApplicationStatus | None, *, current: bool) -> list[dict[str, Any]]:
    if status is not None and status.components and not _is_before(status, row):
        return [_seen(component, current=current) for component in status.components]
    if row.current_revision is not None:
        parts = row.current_revision.document["components"]
        return [_unseen(part, "unknown") for part in parts]
    return [_unseen(component.definition, "idle") for component in row.components.all()]


def _seen(component: Mapping[str, Any], *, current: bool) -> dict[str, Any]:
    cause = component.get("cause")
    params = {"component": component["key"], "words": cause["words"]} if cause else {}
    return {
        "key": component["key"],
        "name": component["name"],
        "kind": component["kind"],
        "state": component["state"] if current else "unknown",
        "ready": component["ready"],
        "desired": component["desired"],
        "image": component["image"],
        "digest": component["digest"],
        "digests_match": component.get("digests_match") if current else None,
        "restarts": component["restarts"],
        "cause": cause_json(cause["code"], params) if cause else None,
    }


def _unseen(part: Mapping[str, Any], state: str) -> dict[str, Any]:
    image = part["image"]
    return {
        "key": part["key"],
        "name": part["name"],
        "kind": part["kind"],
        "state": state,
        "ready": 0,
        "desired": part["replicas"]["default"] if state == "unknown" else 0,
        "image": image.get("reference") or image.get("path"),
        "digest": image.get("digest"),
        "digests_match": None,
        "restarts": 0,
        "cause": None,
    }


def _running(applications: Sequence[Application]) -> dict[str, str]:
    """Give lock → name of the operation that holds it, with one query."""
    keys = [row.lock_key for row in applications]
    rows = Operation.objects.active().filter(lock_key__in=keys).values_list("lock_key", "number")
    return {str(key): f"op-{number}" for key, number in rows}


_CAUSE = {
    "code": "probe_failing",
    "params": {"component": "web", "words": "HTTP probe failed with statuscode: 503"},
    "text": "web runs, but its health check fails: HTTP probe failed with statuscode: 503",
}

EXAMPLE: dict[str, Any] = {
    "slug": "admin-console",
    "name": "Admin console",
    "environment": "prod-qingdao",
    "origin": "market",
    "desired": "running",
    "status": {
        "state": "degraded",
        "last_state": "degraded",
        "cause": _CAUSE,
        "observed_at": "2026-03-02T14:02:05Z",
        "digests_match": True,
    },
    "components": [
        {
            "key": "web",
            "name": "Pages",
            "kind": "stateless",
            "state": "degraded",
            "ready": 2,
            "desired": 3,
            "image": "admin-console/web:1.0",
            "digest": "sha256:de7054699c48e2d03d03020348f220acd9669eb0f16a9f217705d33b7252ef46",
            "digests_match": True,
            "restarts": 0,
            "cause": _CAUSE,
        }
    ],
    "access": [
        {
            "component": "web",
            "port": "http",
            "kind": "node_port",
            "node_port": 30233,
            "confirmed": None,
            "url": "http://10.77.0.12:30233",
        }
    ],
    "revision": 3,
    "undeployed_changes": 0,
    "running_operation": "op-12",
}
