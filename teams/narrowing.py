"""Narrowing the trail: names are looked up first, so that the events are read through the index of what they name."""

from __future__ import annotations

from django.db.models import QuerySet

from teams import audit
from teams.models import AuditEvent, Team, User


def narrowed(
    rows: QuerySet[AuditEvent], *, actor: str | None, action: str | None, team: str | None
) -> QuerySet[AuditEvent]:
    """Keep the events of an actor (a login), an action or a whole group of them (`member`), a team (a slug)."""
    if actor:
        rows = rows.filter(actor__in=list(User.objects.filter(login=actor.lower()).values_list("pk", flat=True)))
    if action and "." in action:
        rows = rows.filter(action=action)
    elif action:
        rows = rows.filter(action__in=[name for name in audit.actions() if name.startswith(f"{action}.")])
    if team:
        rows = rows.filter(team__in=list(Team.objects.filter(slug=team).values_list("pk", flat=True)))
    return rows
