"""Nobody climbs: whatever moves of granting people make, rights come only from those who hold them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import pytest
from django.db import transaction

from console.kit.errors import Invalid, WaybillError
from teams.access import rights_on
from teams.actions.members import check_grant, set_member_roles
from teams.actions.users import change_user, create_user, reset_password
from teams.models import Membership, Team, User
from teams.roles import ENTERPRISE_RIGHTS, ENTERPRISE_ROLES, TEAM_RIGHTS, TEAM_ROLES, rights_of
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


ROOT_OF_ALL = "admin"


class Climb:
    """One person who is up to no good: what they can reach by any row of moves, and whom they can become on the way.

    Rights are only ever gathered: more of them never close a move, so the search ends when no move gives a new one.
    """

    def __init__(self, cast: Cast, start: str) -> None:
        self.cast = cast
        self.owned = {getattr(cast, start).login}
        self.tried = 0

    def reach(self, rounds: int = 9) -> dict[str, frozenset[str]]:
        """Make every move of everyone they have become, breadth first, until none gives anything new."""
        before = None
        while rounds and before != (known := (frozenset(self.owned), tuple(self.rights().items()))):
            before, rounds = known, rounds - 1
            for login in sorted(self.owned):
                self._moves(User.objects.get(login=login))
        return self.rights()

    def rights(self) -> dict[str, frozenset[str]]:
        """Give team (or enterprise) → everything that those they have become hold there."""
        people = list(User.objects.filter(login__in=self.owned))
        found = {
            team.slug: frozenset[str]().union(*(rights_on(person, team) for person in people))
            for team in (self.cast.team, self.cast.other_team, self.cast.foreign_team)
        }
        for enterprise in (self.cast.enterprise, self.cast.elsewhere):
            own = [person.enterprise_rights for person in people if person.enterprise_id == enterprise.pk]
            found[f"enterprise {enterprise.slug}"] = frozenset[str]().union(*own)
        return found

    def _moves(self, acting: User) -> None:
        logins = list(User.objects.values_list("login", flat=True))
        for team, login, role in itertools.product(Team.objects.all(), logins, TEAM_ROLES):
            held = set(Membership.objects.filter(team=team, user__login=login).values_list("role", flat=True))
            if role not in held:
                self._try(set_member_roles, team=team, login=login, roles=[*held, role], acting_user=acting)
        for login, role in itertools.product(logins, ENTERPRISE_ROLES):
            user = User.objects.get(login=login)
            if role not in user.enterprise_roles:
                changes = {"enterprise_roles": [*user.enterprise_roles, role]}
                self._try(change_user, user=user, changes=changes, acting_user=acting)
        for login in logins:
            if self._try(reset_password, user=User.objects.get(login=login), acting_user=acting):
                self.owned.add(login)
        for role in ENTERPRISE_ROLES:
            login = f"made-{role.replace('_', '-')}-{acting.enterprise.slug}"
            if login not in logins and self._try(
                create_user, login=login, name="Made", enterprise_roles=[role], acting_user=acting
            ):
                self.owned.add(login)

    def _try(self, move: Callable[..., object], **words: object) -> bool:
        self.tried += 1
        try:
            with transaction.atomic():
                move(**words)
        except WaybillError:
            return False
        return True


STARTS = [*CLIMBERS, "lead"] if os.environ.get("TESTS_FULL") else ["lead", "neighbour", "stranger"]
"""From whom the search starts: from everybody with TESTS_FULL, else from those who may grant something."""


@pytest.mark.parametrize("start", STARTS)
def test_no_row_of_moves_leads_to_more_than_one_had(cast: Cast, start: str) -> None:
    climb = Climb(cast, start)
    before = climb.rights()
    after = climb.reach()
    assert climb.tried > 100
    for place, rights in after.items():
        allowed = before[place]
        if start == "stranger" and place != "enterprise elsewhere" and place != "foreign":
            allowed = frozenset()
        assert rights == allowed, f"{start} gained {set(rights) - set(allowed)} in {place}"


def test_the_search_finds_a_way_where_there_is_one(cast: Cast) -> None:
    """The control: the enterprise's admin becomes everybody and gathers everything of this enterprise, and no more."""
    climb = Climb(cast, ROOT_OF_ALL)
    after = climb.reach(rounds=1)
    assert {"lead", "market", "loner"} <= climb.owned
    assert after["shop"] == after["depot"] == frozenset(TEAM_RIGHTS)
    assert after["enterprise main"] == frozenset(ENTERPRISE_RIGHTS)
    assert after["foreign"] == after["enterprise elsewhere"] == frozenset()
