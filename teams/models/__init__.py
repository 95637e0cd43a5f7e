"""Row truth of who: enterprises, users, teams, members, tokens, the audit trail."""

from __future__ import annotations

from teams.models.audit import AuditEvent
from teams.models.enterprise import Enterprise
from teams.models.team import Membership, Team, TeamGroupPermission
from teams.models.token import Token
from teams.models.user import User

__all__ = ["AuditEvent", "Enterprise", "Membership", "Team", "TeamGroupPermission", "Token", "User"]
