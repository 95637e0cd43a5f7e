"""The JSON of people, the same in every answer.

Apps above add what they know about a team with `extend_team`: one call for all teams of a page.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from teams import access, audit
from teams.models import AuditEvent, Membership, Team, Token, User
from teams.roles import TEAM_ROLES, rights_of

API = "/api/v1"

Part = Callable[[Sequence[Team], User], Mapping[uuid.UUID, Any]]

_parts: dict[str, tuple[Part, Any, Any]] = {}


def extend_team(key: str, part: Part, *, example: Any, empty: Any) -> None:
    """Add `key` to the JSON of teams.

    `part(teams, user)` gives team id → value for all teams of a page at once; `empty` stands for a team it leaves out.
    `example` is shown in the API's documentation. Call it when the app starts.
    """
    _parts[key] = (part, example, empty)


def teams_json(teams: Iterable[Team], user: User) -> list[dict[str, Any]]:
    """Give the JSON of several teams: one query for their members, and what each part needs."""
    rows = list(teams)
    members = _members(rows)
    data = [{"slug": team.slug, "name": team.name, "members": members.get(team.pk, [])} for team in rows]
    for key, (part, _, empty) in _parts.items():
        values = part(rows, user)
        for team, item in zip(rows, data, strict=True):
            item[key] = values.get(team.pk, empty)
    return data


def team_json(team: Team, user: User) -> dict[str, Any]:
    """Give the JSON of one team."""
    return teams_json([team], user)[0]


def team_example() -> dict[str, Any]:
    """Give an example of a team, with every part that apps have added."""
    member = {"login": "zhaomin", "name": "Zhao Min", "roles": ["delivery"]}
    example: dict[str, Any] = {"slug": "prod-qingdao", "name": "Production Qingdao", "members": [member]}
    return example | {key: shown for key, (_, shown, _) in _parts.items()}


def member_json(team: Team, user: User) -> dict[str, Any]:
    """Give the JSON of one member."""
    roles = set(Membership.objects.filter(team=team, user=user).values_list("role", flat=True))
    return {"login": user.login, "name": user.name, "roles": _ordered(roles)}


def user_json(user: User, reader: User) -> dict[str, Any]:
    """Give the JSON of a user; contact and roles in the enterprise are for admins and the person alone."""
    data: dict[str, Any] = {"login": user.login, "name": user.name, "is_active": user.is_active}
    if access.holds(reader, "manage_users") or reader.pk == user.pk:
        data |= {
            "email": user.email,
            "enterprise_roles": list(user.enterprise_roles),
            "must_change_password": user.must_change_password,
            "created_at": user.created_at,
            "last_login": user.last_login,
        }
    return data


def me_json(user: User, token: Token | None) -> dict[str, Any]:
    """Give who asks: the person, what they may, and the token in use."""
    teams: dict[str, dict[str, Any]] = {}
    rows = Membership.objects.filter(user=user, team__removed_at=None).order_by("team__slug")
    for slug, name, role in rows.values_list("team__slug", "team__name", "role"):
        teams.setdefault(slug, {"slug": slug, "name": name, "roles": set()})["roles"].add(role)
    return {
        "login": user.login,
        "name": user.name,
        "email": user.email,
        "enterprise": {"slug": user.enterprise.slug, "name": user.enterprise.name},
        "enterprise_roles": list(user.enterprise_roles),
        "rights": sorted(user.enterprise_rights),
        "teams": [
            {**team, "roles": _ordered(team["roles"]), "rights": sorted(rights_of(team["roles"]))}
            for team in teams.values()
        ],
        "language": user.language or None,
        "time_zone": user.time_zone or None,
        "theme": user.theme,
        "must_change_password": user.must_change_password,
        "token": token.prefix if token else None,
    }


def token_json(token: Token) -> dict[str, Any]:
    """Give the JSON of a token, without the token."""
    return {
        "prefix": token.prefix,
        "name": token.name,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "last_used_ip": token.last_used_ip,
    }


def audit_json(event: AuditEvent) -> dict[str, Any]:
    """Give the JSON of an audit event; read with actor, token and team joined."""
    actor, token, team = event.actor, event.token, event.team
    return {
        "at": event.at,
        "action": event.action,
        "label": audit.label(event.action),
        "result": event.result,
        "actor": {"login": actor.login, "name": actor.name} if actor else None,
        "token": token.prefix if token else None,
        "object": {"type": event.object_type, "name": event.object_label},
        "team": team.slug if team else None,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "request_id": event.request_id,
        "ip": event.ip,
    }


def _members(teams: Sequence[Team]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    found: dict[uuid.UUID, dict[str, dict[str, Any]]] = {}
    rows = Membership.objects.filter(team__in=teams).order_by("user__login")
    for team, login, name, role in rows.values_list("team_id", "user__login", "user__name", "role"):
        member = found.setdefault(team, {}).setdefault(login, {"login": login, "name": name, "roles": set()})
        member["roles"].add(role)
    return {
        team: [{**member, "roles": _ordered(member["roles"])} for member in members.values()]
        for team, members in found.items()
    }


def _ordered(roles: set[str]) -> list[str]:
    return [role for role in TEAM_ROLES if role in roles]
