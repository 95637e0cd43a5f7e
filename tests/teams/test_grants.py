"""Guardian's rows and the flat membership table always say the same."""

from __future__ import annotations

from itertools import product

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import get_objects_for_user

from teams import grants
from teams.models import Membership, Team, TeamGroupPermission, User
from teams.roles import TEAM_RIGHTS, TEAM_ROLES, rights_of
from tests.builders import add_member, make_team, make_user
from tests.cast import Cast


def check_equal() -> None:
    """Compare, for every person and every team, what guardian says with what membership says."""
    for team, user in product(Team.objects.all(), User.objects.filter(is_active=True)):
        roles = set(Membership.objects.filter(team=team, user=user).values_list("role", flat=True))
        groups = set(user.groups.filter(name__startswith=f"team:{team.pk}:").values_list("name", flat=True))
        assert groups == {grants.group_name(team, role) for role in roles}
        assert set(ObjectPermissionChecker(user).get_perms(team)) == set(rights_of(roles))


def test_they_are_equal_at_first(cast: Cast) -> None:
    check_equal()


def test_they_stay_equal_through_any_change_of_roles(cast: Cast) -> None:
    user = cast.loner
    for roles in (["tester"], ["tester", "delivery"], ["viewer"], [], TEAM_ROLES, ["admin"], []):
        add_member(cast.team, user, *roles)
        check_equal()


def test_guardian_finds_the_teams_that_lists_show(cast: Cast) -> None:
    for right in TEAM_RIGHTS:
        found = get_objects_for_user(cast.tester, f"teams.{right}", klass=Team, accept_global_perms=False)
        assert set(found) == set(Team.objects.permitted(cast.tester, right))


def test_giving_the_same_roles_again_writes_nothing(cast: Cast, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        held, wanted = grants.set_roles(cast.team, cast.tester, ["tester"], granted_by=cast.admin)
    assert held == wanted == {"tester"}


def test_every_team_has_one_group_per_role(cast: Cast) -> None:
    team = make_team(cast.enterprise)
    names = set(Group.objects.filter(name__startswith=f"team:{team.pk}:").values_list("name", flat=True))
    assert names == {grants.group_name(team, role) for role in TEAM_ROLES}


@pytest.mark.parametrize("role", TEAM_ROLES)
def test_a_migration_mends_group_rights_that_left_the_table(cast: Cast, role: str) -> None:
    group = Group.objects.get(name=grants.group_name(cast.team, role))
    rows = TeamGroupPermission.objects.filter(group=group)
    before = set(rows.values_list("permission__codename", flat=True))
    # A right the table no longer gives, and one it gives that is missing.
    other = next((right for right in TEAM_RIGHTS if right not in before), None)
    if other:
        permission = TeamGroupPermission.objects.filter(permission__codename=other).first()
        assert permission is not None
        TeamGroupPermission.objects.create(group=group, permission=permission.permission, content_object=cast.team)
    rows.filter(permission__codename=sorted(before)[0]).delete()
    call_command("migrate", verbosity=0)
    assert set(rows.values_list("permission__codename", flat=True)) == before == set(rights_of([role]))
    check_equal()


def test_a_second_rewrite_changes_nothing(cast: Cast) -> None:
    make_user(cast.enterprise)
    assert grants.rewrite_group_rights() == 0
