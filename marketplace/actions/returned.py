"""Versions an application was brought back from: whoever goes there again should know."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clusters.models import Application, Revision
from marketplace.models import Version

LOOKED_THROUGH = 200
"""So many of the newest revisions are looked through; what was longer ago is no news any more."""
_ONCE_DEPLOYED = (Revision.State.DEPLOYED, Revision.State.SUPERSEDED)
_COLUMNS = ("kind", "state", "source", "based_on__source", "created_at", "operation__initiator__name")


def rolled_back_from(application: Application, version: Version) -> dict[str, Any] | None:
    """Give the warning `rolled_back_before` (number, by, since) where the last thing that happened to `version` here is
    that somebody rolled back from it, also when it had failed to come up; None otherwise."""
    rows = application.revisions.exclude(kind=Revision.Kind.UNINSTALL).order_by("-number").values(*_COLUMNS)
    way_back: dict[str, Any] | None = None
    for row in rows[:LOOKED_THROUGH]:
        number = _number(row["source"])
        if way_back is not None and number == version.number:
            return _warning(way_back, version.number)  # the attempt that was left, whatever had come of it
        way_back = None
        if row["state"] not in _ONCE_DEPLOYED:
            continue
        if number == version.number:
            return None
        if row["kind"] == Revision.Kind.ROLLBACK:
            if _number(row["based_on__source"]) == version.number:
                return _warning(row, version.number)
            way_back = row
    return None


def _number(source: dict[str, Any] | None) -> str | None:
    return (source or {}).get("number")


def _warning(way_back: dict[str, Any], number: str) -> dict[str, Any]:
    at: datetime = way_back["created_at"]
    since = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    by = way_back["operation__initiator__name"]
    return {"code": "rolled_back_before", "params": {"number": number, "by": by, "since": since}}
