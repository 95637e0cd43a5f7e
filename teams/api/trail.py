"""The audit trail."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Endpoint, MapOf, operation
from console.kit.errors import FieldError, Invalid
from teams import access, present
from teams.models import AuditEvent
from teams.narrowing import narrowed

EVENT = {
    "at": "2026-03-02T14:02:11Z",
    "action": "member.added",
    "label": "Member added",
    "result": "done",
    "actor": {"login": "hanmei", "name": "Han Mei"},
    "token": "wb3f9a1c",
    "object": {"type": "user", "name": "zhaomin"},
    "team": "prod-qingdao",
    "before": MapOf(roles=None),
    "after": MapOf(roles=None),
    "reason": "OPS-77",
    "request_id": "3f1be0c2d9a40195",
    "ip": "203.0.113.7",
}


class AuditEventList(Endpoint):
    """What was done and refused."""

    @operation(
        SIGNED_IN,
        _("List audit events"),
        listed=True,
        query={
            "actor": _("The login of who did it."),
            "action": _("The action, such as member.added, or its object: member."),
            "team": _("The slug of the team."),
            "since": _("Events from this time on (RFC 3339)."),
        },
        answers={200: EVENT},
        about=_("All of the enterprise with the right `view_audit`; that of one's own teams for their admins."),
    )
    def get(self, request: Request) -> HttpResponse:
        """Give them, newest first; 403 for who administers nothing."""
        if not access.teams_with(self.user, "manage_members").exists():
            access.require(self.user, "view_audit")
        query = self.query("actor", "action", "team", "since")
        seen = AuditEvent.objects.permitted(self.user).select_related("actor", "token", "team")
        rows = narrowed(seen, actor=query["actor"], action=query["action"], team=query["team"])
        if query["since"]:
            rows = rows.filter(at__gte=_moment(query["since"]))
        return self.paginated(rows, order=("-id",), present=present.audit_json)


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid("invalid", errors=[FieldError("?since", "malformed", {"example": "2026-03-02T14:00:00Z"})])
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment, UTC)
