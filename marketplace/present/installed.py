"""What an application holds from the market, as its JSON shows it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery

from clusters.models import Application, Environment
from clusters.present.applications import extend_application
from marketplace.models import Installation, Version

if TYPE_CHECKING:
    from teams.models import User

EXAMPLE = {"template": "admin-console", "version": "1.0", "mark": "release", "newer": "2.0"}


def installed(rows: Sequence[Application], user: User) -> Mapping[uuid.UUID, Any]:
    """Give application id → template, version, its mark, and the newest later version the environment accepts.

    One query. The version is None until one was deployed.
    """
    newest = Version.objects.published().filter(template=OuterRef("template")).order_by("-sort_key")
    releases = newest.filter(mark=Version.Mark.RELEASE)
    found = (
        Installation.objects.filter(application__in=rows)
        .select_related("template", "version", "application__environment")
        .defer("version__document")
        .annotate(
            newest=Subquery(newest.values("number")[:1]),
            newest_key=Subquery(newest.values("sort_key")[:1]),
            release=Subquery(releases.values("number")[:1]),
            release_key=Subquery(releases.values("sort_key")[:1]),
        )
    )
    return {row.application_id: _json(row) for row in found}


def _json(row: Any) -> dict[str, Any]:
    version: Version | None = row.version
    release_only = row.application.environment.accepts == Environment.Accepts.RELEASE
    number, key = (row.release, row.release_key) if release_only else (row.newest, row.newest_key)
    is_newer = version is not None and key is not None and key > version.sort_key
    return {
        "template": row.template.slug,
        "version": version.number if version else None,
        "mark": version.mark if version else None,
        "newer": number if is_newer else None,
    }


def register() -> None:
    """Let the JSON of applications show it."""
    extend_application("installed", installed, example=EXAMPLE, empty=None)
