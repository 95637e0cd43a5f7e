"""The one gate: who holds which right. Every read starts at `permitted`, every write at `require`.

Rights are read from the rows at each call, so a right that was taken away is gone with the next request. Guardian
answers for one team, on writes; lists are filtered by the flat membership table, which is always equal to it.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from guardian.core import ObjectPermissionChecker

from console.kit.errors import Denied, NotFound
from teams.models import Membership, Team, User
from teams.roles import ENTERPRISE_RIGHTS, RIGHTS, TEAM_RIGHTS, rights_of, roles_with

Person = User | AnonymousUser
"""Whoever asks: a user, or nobody."""

_NAMED_AT_MOST = 5


def holds(user: Person, right: str, team: Team | None = None) -> bool:
    """Whether `user` holds `right`: a team right on `team`, or an enterprise right.

    A `team` given with an enterprise right has to be a live one of the user's enterprise: the right ends at its wall.

    Raises KeyError for an unknown right and TypeError for a team right without a team: both are mistakes of code.
    """
    if right not in RIGHTS:
        raise KeyError(right)
    if team is None and right in TEAM_RIGHTS:
        raise TypeError(f"{right} is held on a team")
    if not isinstance(user, User) or not user.is_active:
        return False
    if team is not None and (team.enterprise_id != user.enterprise_id or team.removed_at is not None):
        return False
    if right in ENTERPRISE_RIGHTS:
        return right in user.enterprise_rights
    assert team is not None
    return user.is_enterprise_admin or ObjectPermissionChecker(user).has_perm(right, team)


def require(user: Person, right: str, team: Team | None = None, *, seen: bool = True) -> None:
    """Let `user` pass who holds `right`.

    Raises NotFound when the thing is not there for this person: it was not `seen` through `permitted`, or the team is
    one whose right `view_team` is missing too. Otherwise raises Denied("role_required"), which names the roles that
    would do and the people who can give them.
    """
    if holds(user, right, team):
        return
    visible = seen and (team is None or holds(user, "view_team", team))
    if not visible:
        raise NotFound()
    raise Denied(
        "role_required",
        right=right,
        team=team.name if team else None,
        roles=list(roles_with(right)),
        who=granters(user, right, team),
    )


def granters(user: Person, right: str, team: Team | None = None) -> list[str]:
    """Give the names of people who can give `right` to `user`: the team's admins, else the enterprise's. At most 5."""
    if not isinstance(user, User):
        return []
    if right in TEAM_RIGHTS and team is not None:
        admins = User.objects.filter(is_active=True, memberships__team=team, memberships__role="admin").order_by(
            "login"
        )
        names = list(admins.values_list("name", flat=True)[:_NAMED_AT_MOST])
        if names:
            return names
    everyone = User.objects.enterprise_admins(user.enterprise).order_by("login")
    return list(everyone.values_list("name", flat=True)[:_NAMED_AT_MOST])


def teams_with(user: Person, right: str) -> QuerySet[Team]:
    """Give the live teams on which `user` holds the team right `right`: one join, for filtering lists."""
    return Team.objects.permitted(user, right)


def rights_on(user: Person, team: Team) -> frozenset[str]:
    """Give all team rights `user` holds on `team`, with one query (for a page's buttons)."""
    if not isinstance(user, User) or not user.is_active or team.enterprise_id != user.enterprise_id:
        return frozenset()
    if user.is_enterprise_admin:
        return frozenset(TEAM_RIGHTS)
    return rights_of(Membership.objects.filter(user=user, team=team).values_list("role", flat=True))


def rights_by_team(user: Person) -> dict[str, frozenset[str]]:
    """Give team slug → rights for every team `user` is a member of, with one query (for the rows of a list).

    An enterprise admin holds every right on all teams; ask `User.is_enterprise_admin` first.
    """
    if not isinstance(user, User) or not user.is_active:
        return {}
    roles: dict[str, list[str]] = {}
    rows = Membership.objects.filter(user=user, team__removed_at=None).values_list("team__slug", "role")
    for slug, role in rows:
        roles.setdefault(slug, []).append(role)
    return {slug: rights_of(held) for slug, held in roles.items()}
