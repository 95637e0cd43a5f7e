"""Nobody climbs: whatever moves of granting people make, rights come only from those who hold them."""

from __future__ import annotations

import itertools

import pytest
from django.db import transaction

from console.kit.errors import Invalid, WaybillError
from teams.access import rights_on
from teams.actions.members import check_grant, set_member_roles
from teams.actions.users import change_user, create_user
from teams.models import Team, User
from teams.roles import ENTERPRISE_ROLES, TEAM_ROLES, rights_of
from tests.cast import Cast

CLIMBERS = ("market", "developer", "tester", "delivery", "viewer", "neighbour", "loner", "stranger")


def everything(cast: Cast) -> dict[str, frozenset[str]]:
    """Give what each climber holds on the team `shop` and in the enterprise."""
    cast.team.refresh_from_db()
    held = {}
    for part in CLIMBERS:
        user = User.objects.get(pk=getattr(cast, part).pk)
        held[part] = rights_on(user, cast.team) | (user.enterprise_rights if part != "stranger" else frozenset())
    return held


def test_no_move_of_anyone_gives_anyone_a_right_in_the_team(cast: Cast) -> None:
    """Breadth first over all moves of all climbers: none of them changes what any of them holds."""
    before = everything(cast)
    moves = [
        (acting, target, [role])
        for acting, target, role in itertools.product(CLIMBERS, CLIMBERS, TEAM_ROLES)
        if acting != "lead"
    ]
    for acting, target, roles in moves:
        with pytest.raises(WaybillError), transaction.atomic():
            set_member_roles(
                team=cast.team, login=getattr(cast, target).login, roles=roles, acting_user=getattr(cast, acting)
            )
    assert everything(cast) == before


def test_no_move_of_anyone_gives_an_enterprise_role(cast: Cast) -> None:
    before = everything(cast)
    for acting, target, role in itertools.product((*CLIMBERS, "lead"), (*CLIMBERS, "lead"), ENTERPRISE_ROLES):
        if acting == target == "stranger":
            continue  # an admin of their own enterprise, who may
        with pytest.raises(WaybillError), transaction.atomic():
            change_user(
                user=getattr(cast, target), changes={"enterprise_roles": [role]}, acting_user=getattr(cast, acting)
            )
    for acting in (*CLIMBERS, "lead"):
        if acting != "stranger":
            with pytest.raises(WaybillError), transaction.atomic():
                create_user(login="x", name="X", enterprise_roles=["admin"], acting_user=getattr(cast, acting))
    assert everything(cast) == before


def test_the_neighbours_reach_ends_at_their_team(cast: Cast) -> None:
    set_member_roles(team=cast.other_team, login="loner", roles=["admin"], acting_user=cast.neighbour)
    with pytest.raises(WaybillError):
        set_member_roles(team=cast.team, login="loner", roles=["viewer"], acting_user=cast.loner)
    assert rights_on(cast.loner, cast.team) == frozenset()


@pytest.mark.parametrize("part", ["developer", "tester", "delivery", "viewer"])
def test_who_lacks_a_right_cannot_give_a_role_that_holds_it(cast: Cast, part: str) -> None:
    """The rule itself, so that it also holds for a role that is one day given the right to manage members."""
    own = rights_on(getattr(cast, part), cast.team)
    for role in TEAM_ROLES:
        if rights_of([role]) <= own:
            check_grant(cast.team, getattr(cast, part), [role])
        else:
            with pytest.raises(Invalid) as caught:
                check_grant(cast.team, getattr(cast, part), [role])
            assert (caught.value.code, caught.value.params) == ("cannot_grant", {"role": role})


def test_every_team_of_the_enterprise_is_open_to_its_admin_and_no_other(cast: Cast) -> None:
    assert {team.slug for team in Team.objects.permitted(cast.admin)} == {"shop", "depot"}
    assert {team.slug for team in Team.objects.permitted(cast.stranger)} == {"foreign"}
