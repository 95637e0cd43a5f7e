"""The JSON of revisions: the records of what an application was told to be, and how each attempt went."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, cast

from django.db.models import Prefetch, QuerySet

from clusters.diff import component_changes
from clusters.models import Application, Revision
from clusters.present.places import time_text
from clusters.values import Values
from console.kit.api import Either, MapOf
from console.kit.secrets import fingerprint
from operations.models import Step

VERIFY = "verify"


def with_parts(rows: QuerySet[Revision]) -> QuerySet[Revision]:
    """Read along what the JSON shows."""
    verified = Prefetch("operation__steps", queryset=Step.objects.filter(key=VERIFY), to_attr="verified")
    related = rows.select_related("operation__initiator", "based_on", "rolls_back_to")
    return related.defer("document", "sealed", "based_on__document", "rolls_back_to__document").prefetch_related(
        verified
    )


def revision_json(row: Revision) -> dict[str, Any]:
    """Give a revision as a record, read `with_parts`; after a rollback with what the comparison found."""
    operation = row.operation
    began, ended = operation.started_at, operation.finished_at
    source: dict[str, Any] = row.source or {}
    seen = _verified(row)
    return {
        "number": row.number,
        "kind": row.kind,
        "state": row.state,
        "version": source.get("number"),
        "rolls_back_to": row.rolls_back_to.number if row.rolls_back_to else None,
        "based_on": row.based_on.number if row.based_on else None,
        "by": operation.initiator.login if operation.initiator else None,
        "at": time_text(row.created_at),
        "seconds": round((ended - began).total_seconds()) if began and ended else None,
        "operation": operation.name,
        "reason": row.reason,
        "values": row.values,
        "digests_match": seen.get("digests_match"),
        "equals": _equals(seen),
        "not_restored": seen.get("not_restored") or [],
    }


def revision_whole_json(row: Revision) -> dict[str, Any]:
    """Give a revision with its document and its inventory."""
    return {**revision_json(row), "components": row.document["components"], "objects": row.objects_applied or []}


def manifests_json(row: Revision) -> list[dict[str, Any]]:
    """Give the manifests a revision has recorded; none before they were rendered. Data of Secrets is fingerprints."""
    salt = row.application.open_salt()
    stored: list[dict[str, Any]] = row.content().get("manifests") or []
    return [
        {
            "kind": entry["manifest"]["kind"],
            "name": entry["manifest"]["metadata"]["name"],
            "hash": entry["hash"],
            "manifest": without_secrets(entry["manifest"], salt),
        }
        for entry in stored
    ]


def without_secrets(manifest: Mapping[str, Any], salt: bytes) -> dict[str, Any]:
    """Give a manifest as people may see it: each value of a Secret as `secret` and its fingerprint."""
    if manifest["kind"] != "Secret":
        return dict(manifest)
    data = {name: f"secret {fingerprint(salt, _decoded(value))}" for name, value in manifest["data"].items()}
    return {**manifest, "data": data}


def differences_json(application: Application, row: Revision, former: Revision | None) -> dict[str, Any]:
    """Give what one revision changes over another, per component and property, and per object."""
    old = former.document["components"] if former else []
    before = (
        {f"{item['kind']}/{item['name']}": item["hash"] for item in (former.objects_applied or [])} if former else {}
    )
    after = {f"{item['kind']}/{item['name']}": item["hash"] for item in row.objects_applied or []}
    return {
        "app": application.slug,
        "from": former.number if former else None,
        "to": row.number,
        "components": component_changes(old, row.document["components"], values=cast(Values, row.values)),
        "objects": {
            "create": [name for name in after if name not in before],
            "change": [name for name in after if name in before and after[name] != before[name]],
            "remove": [name for name in before if name not in after],
            "keep": [name for name in after if before.get(name) == after[name]],
        },
    }


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode()


def _verified(row: Revision) -> dict[str, Any]:
    steps: list[Step] = getattr(row.operation, "verified", [])
    return dict(steps[0].observed or {}) if steps else {}


def _equals(seen: Mapping[str, Any]) -> dict[str, Any] | None:
    if "equal" not in seen:
        return None
    fields = [found["field"] for found in seen.get("differences") or []]
    return {"checked_at": seen.get("checked_at"), "equal": seen["equal"], "differences": fields}


EXAMPLE: dict[str, Any] = {
    "number": 4,
    "kind": "rollback",
    "state": "deployed",
    "version": "1.0",
    "rolls_back_to": 2,
    "based_on": 3,
    "by": "zhaomin",
    "at": "2026-03-02T14:20:00Z",
    "seconds": 71,
    "operation": "op-4830",
    "reason": "web 2.0 answered slowly",
    "values": MapOf(
        {
            "web.replicas": Either(
                (
                    {"value": 3, "origin": "given"},
                    {"value": "debug", "origin": "given"},
                    {"secret": "4f1c92aa", "origin": "given"},
                )
            )
        }
    ),
    "digests_match": True,
    "equals": {"checked_at": "2026-03-02T14:21:11Z", "equal": True, "differences": [".spec.replicas"]},
    "not_restored": ["data-admin-console-db-0"],
}

WHOLE_EXAMPLE: dict[str, Any] = {
    **EXAMPLE,
    "components": [MapOf()],
    "objects": [{"kind": "Deployment", "name": "admin-console-web", "hash": "139d544b821b13eb"}],
}

MANIFEST_EXAMPLE: dict[str, Any] = {
    "kind": "Secret",
    "name": "admin-console-db-env-5be0c1d2",
    "hash": "139d544b821b13eb",
    "manifest": MapOf(),
}

DIFFERENCES_EXAMPLE: dict[str, Any] = {
    "app": "admin-console",
    "from": 2,
    "to": 4,
    "components": [{"key": "web", "action": "change", "changes": [MapOf()]}],
    "objects": {
        "create": ["ConfigMap/admin-console-web-files-5be0c1d2"],
        "change": ["Deployment/admin-console-web"],
        "remove": ["ConfigMap/admin-console-web-files-6ddd0dd9"],
        "keep": ["Service/admin-console-web"],
    },
}
