"""Membership and guardian's groups, written together so that both always say the same.

Each team has one group per role, named `team:<team id>:<role>`, whose rights on the team are those of the table in
`teams.roles`. A person who holds the role is in the group. Only this module writes either side.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from teams.models import Membership, Team, TeamGroupPermission, User
from teams.roles import TEAM_RIGHTS, TEAM_ROLES, rights_of


def group_name(team: Team, role: str) -> str:
    """Give the name of the group that stands for `role` in `team`."""
    return f"team:{team.pk}:{role}"


def make_groups(team: Team) -> None:
    """Make the groups of a new team with their rights. Call it in the transaction that makes the team."""
    rights = _rights()
    groups = Group.objects.bulk_create([Group(name=group_name(team, role)) for role in TEAM_ROLES])
    TeamGroupPermission.objects.bulk_create(
        TeamGroupPermission(group=group, permission=rights[right], content_object=team)
        for role, group in zip(TEAM_ROLES, groups, strict=True)
        for right in sorted(rights_of([role]))
    )


def set_roles(team: Team, user: User, roles: Iterable[str], *, granted_by: User) -> tuple[set[str], set[str]]:
    """Give `user` exactly `roles` in `team`; answers the roles before and after. Call it inside a transaction."""
    wanted = set(roles)
    held = set(Membership.objects.filter(team=team, user=user).values_list("role", flat=True))
    if taken := held - wanted:
        Membership.objects.filter(team=team, user=user, role__in=taken).delete()
        user.groups.remove(*Group.objects.filter(name__in=[group_name(team, role) for role in taken]))
    if given := wanted - held:
        Membership.objects.bulk_create(
            Membership(team=team, user=user, role=role, granted_by=granted_by) for role in sorted(given)
        )
        user.groups.add(*Group.objects.filter(name__in=[group_name(team, role) for role in given]))
    return held, wanted


def rewrite_group_rights() -> int:
    """Make every group's rights equal to the table of roles; answers how many rows were added or removed.

    Run after each migration, since that is when the table can have changed.
    """
    rights = _rights()
    written = 0
    with transaction.atomic():
        TeamGroupPermission.objects.exclude(permission__in=rights.values()).delete()
        for role in TEAM_ROLES:
            wanted = [rights[right] for right in rights_of([role])]
            there = TeamGroupPermission.objects.filter(
                group__name__startswith="team:", group__name__endswith=f":{role}"
            )
            written += there.exclude(permission__in=wanted).delete()[0]
            written += _add_missing(role, wanted)
    return written


def _add_missing(role: str, wanted: list[Permission]) -> int:
    added = 0
    for right in wanted:
        without = Team.objects.exclude(
            pk__in=TeamGroupPermission.objects.filter(permission=right, group__name__endswith=f":{role}").values(
                "content_object"
            )
        )
        teams = {group_name(team, role): team for team in without}
        groups = Group.objects.filter(name__in=teams)
        rows = [
            TeamGroupPermission(group=group, permission=right, content_object=teams[group.name]) for group in groups
        ]
        added += len(TeamGroupPermission.objects.bulk_create(rows))
    return added


def _rights() -> dict[str, Permission]:
    found = Permission.objects.filter(
        content_type__app_label="teams", content_type__model="team", codename__in=TEAM_RIGHTS
    )
    return {permission.codename: permission for permission in found}
