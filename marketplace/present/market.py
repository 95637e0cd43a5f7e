"""How the market is read and shown: templates, versions, marks. As many queries for fifty rows as for one."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from clusters.models import Revision
from console.kit.among import among
from marketplace.models import Installation, MarkEvent, Template, Version
from teams import access
from teams.models import User


def market(user: User) -> QuerySet[Template]:
    """Give the templates a person sees in the market, with their newest versions.

    A template without a published version does not stand there.
    """
    return (
        Template.objects.permitted(user)
        .shown()
        .annotate(
            newest=F("newest_version__number"),
            newest_release=F("newest_released__number"),
        )
        .select_related("team")
    )


def searched(rows: QuerySet[Template], q: str | None, scope: str | None, mark: str | None) -> QuerySet[Template]:
    """Keep the templates that a word, a scope and a mark of one of their versions fit."""
    if q:
        found = Q(name__icontains=q) | Q(slug__icontains=q) | Q(intro__icontains=q) | Q(tags__contains=[q])
        rows = rows.filter(found)
    if scope:
        rows = rows.filter(scope=scope)
    if mark:
        rows = rows.filter(Exists(Version.objects.published().filter(template=OuterRef("pk"), mark=mark)))
    return rows


def installed_in(user: User, templates: Sequence[Template] | None = None) -> dict[uuid.UUID, int]:
    """Count the installations of some templates, or of all, where the person may look: template id → how many."""
    rows = installations(user).order_by()
    if templates is not None:
        rows = rows.filter(template__in=[template.pk for template in templates])
    return dict(rows.values_list("template").annotate(n=Count("pk")))


def put_installed(templates: Sequence[Any], user: User) -> None:
    """Put it on the rows themselves, for a page."""
    counts = installed_in(user, templates)
    for template in templates:
        template.installed_in = counts.get(template.pk, 0)


def templates_json(templates: Sequence[Any], user: User) -> list[dict[str, Any]]:
    """Several templates out of `market`; how often they are installed, with one query for all."""
    counts = installed_in(user, templates)
    return [_template(template, counts.get(template.pk, 0)) for template in templates]


def _template(template: Any, installed: int) -> dict[str, Any]:
    return {
        "slug": template.slug,
        "name": template.name,
        "team": template.team.slug,
        "scope": template.scope,
        "intro": template.intro,
        "tags": template.tags,
        "newest_release": template.newest_release,
        "newest": template.newest,
        "installed_in": installed,
    }


def versions_of(template: Template) -> QuerySet[Version]:
    """Give a template's published versions with all that showing them needs."""
    marks = MarkEvent.objects.select_related("by", "verified_on__application__environment").order_by("-at", "-id")
    return (
        Version.objects.filter(template=template)
        .exclude(state=Version.State.COPYING)
        .defer("document")
        .select_related("template", "registry", "published_by")
        .prefetch_related(Prefetch("mark_events", queryset=marks))
    )


def versions_json(versions: Sequence[Version], user: User) -> list[dict[str, Any]]:
    """Several versions; where they are installed, with one query for all."""
    places: dict[uuid.UUID, set[str]] = defaultdict(set)
    rows = installations(user).filter(version__in=[version.pk for version in versions])
    for version_id, environment in rows.values_list("version_id", "application__environment__slug"):
        if version_id is not None:
            places[version_id].add(environment)
    return [_version(version, sorted(places[version.pk])) for version in versions]


def _version(version: Version, installed_in: list[str]) -> dict[str, Any]:
    by = version.published_by
    return {
        "template": version.template.slug,
        "number": version.number,
        "alias": version.alias,
        "notes": version.notes,
        "state": version.state,
        "mark": version.mark,
        "marked": _marked(version),
        "content_hash": version.content_hash,
        "registry": version.registry.location,
        "bytes": version.bytes,
        "published_by": by.login if by else None,
        "published_at": version.published_at,
        "installed_in": installed_in,
    }


def _marked(version: Version) -> dict[str, Any] | None:
    newest = next(iter(version.mark_events.all()), None)
    if newest is None or version.mark != Version.Mark.RELEASE:
        return None
    shown = mark_json(newest)
    del shown["mark"]
    return shown


def mark_json(event: MarkEvent) -> dict[str, Any]:
    """One act on the mark."""
    return {
        "mark": event.mark,
        "by": event.by.login,
        "at": event.at,
        "reason": event.reason,
        "verified_on": place_json(event.verified_on) if event.verified_on else None,
    }


def place_json(revision: Revision) -> dict[str, Any]:
    """Where a version was verified."""
    application = revision.application
    return {"environment": application.environment.slug, "app": application.slug, "revision": revision.number}


def installations(user: User) -> QuerySet[Installation]:
    """Give the installations that hold a version now, in places the person may look at."""
    rows = Installation.objects.filter(
        version__isnull=False, application__removed_at=None, application__environment__removed_at=None
    )
    place = "application__environment"
    if user.is_enterprise_admin:
        return rows.filter(**{f"{place}__enterprise": user.enterprise_id, f"{place}__team__removed_at": None})
    return rows.filter(among(f"{place}__team", access.teams_with(user, "view_team")))
