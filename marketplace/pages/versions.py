"""The versions one can choose from, each with its mark in words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from marketplace.models import Template, Version

MOST = 100


@dataclass(frozen=True)
class Choice:
    """One version in a picker. `accepted` is whether the environments one goes to take its mark."""

    number: str
    mark: str
    is_newest_release: bool
    accepted: bool
    current: bool = False


def choices(template: Template, accepts: Collection[str] = (), current: str | None = None) -> list[Choice]:
    """Give the published versions, newest first; `accepts` are the rules of the environments."""
    rows = template.versions.filter(state=Version.State.PUBLISHED).order_by("-sort_key")
    found = list(rows.values_list("number", "mark")[:MOST])
    release = next((number for number, mark in found if mark == Version.Mark.RELEASE), None)
    return [
        Choice(
            number,
            mark,
            is_newest_release=number == release,
            accepted=mark == Version.Mark.RELEASE or "release" not in accepts,
            current=number == current,
        )
        for number, mark in found
    ]


def usual(found: list[Choice]) -> str | None:
    """Give the version one most likely wants: the newest Release, else the newest of all that is accepted."""
    release = next((choice.number for choice in found if choice.is_newest_release), None)
    return release or next((choice.number for choice in found if choice.accepted), None)


def marked(version: Version) -> dict[str, Any] | None:
    """Give who set the mark of a version, and when."""
    event = version.mark_events.select_related("by").order_by(F("at").desc()).first()
    return {"by": event.by.name, "at": event.at} if event and version.mark == Version.Mark.RELEASE else None
