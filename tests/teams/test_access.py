"""The gate: who holds which right, and what is said to who does not."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from console.kit.errors import Denied, NotFound
from teams import access
from teams.models import Team
from teams.roles import ENTERPRISE_RIGHTS, TEAM_RIGHTS
from tests.access.rows import EVERYONE, MEMBERS, holders
from tests.builders import add_member
from tests.cast import Cast


@pytest.mark.parametrize("right", sorted(TEAM_RIGHTS))
def test_a_team_right_is_held_as_the_table_says(cast: Cast, right: str) -> None:
    held = {part for part in EVERYONE if access.holds(getattr(cast, part), right, cast.team)}
    assert held == set(holders(right))


@pytest.mark.parametrize("right", sorted(TEAM_RIGHTS))
def test_lists_and_the_gate_say_the_same(cast: Cast, right: str) -> None:
    for part in EVERYONE:
        user = getattr(cast, part)
        listed = set(access.teams_with(user, right))
        asked = {team for team in Team.objects.all() if access.holds(user, right, team)}
        assert listed == asked
        assert {team for team in Team.objects.all() if right in access.rights_on(user, team)} == asked


@pytest.mark.parametrize("right", sorted(ENTERPRISE_RIGHTS))
def test_an_enterprise_right_is_held_as_the_table_says(cast: Cast, right: str) -> None:
    held = {part for part in EVERYONE if access.holds(getattr(cast, part), right)}
    assert held == set(holders(right))


@pytest.mark.parametrize("right", sorted(ENTERPRISE_RIGHTS))
def test_an_enterprise_right_ends_at_the_wall(cast: Cast, right: str) -> None:
    assert access.holds(cast.admin, right, cast.team)
    assert not access.holds(cast.admin, right, cast.foreign_team)
    with pytest.raises(NotFound):
        access.require(cast.admin, right, cast.foreign_team)


def test_roles_add_up(cast: Cast) -> None:
    both = add_member(cast.team, cast.loner, "tester", "delivery")
    assert access.holds(both, "mark_version", cast.team)
    assert access.holds(both, "deliver_production", cast.team)
    assert not access.holds(both, "edit_application", cast.team)


def test_nobody_the_disabled_and_those_elsewhere_hold_nothing(cast: Cast) -> None:
    cast.admin.is_active = cast.lead.is_active = False
    cast.admin.save()
    cast.lead.save()
    for user in (AnonymousUser(), cast.admin, cast.lead, cast.stranger):
        assert not access.holds(user, "view_team", cast.team)
        assert access.rights_on(user, cast.team) == frozenset()
    for user in (AnonymousUser(), cast.admin):
        assert not access.holds(user, "manage_users")
        assert not access.teams_with(user, "view_team").exists()
        assert access.rights_by_team(user) == {}


def test_a_removed_team_gives_nobody_a_right(cast: Cast) -> None:
    cast.team.removed_at = timezone.now()
    cast.team.save()
    for part in ("admin", *MEMBERS):
        user = getattr(cast, part)
        assert not access.holds(user, "view_team", cast.team)
        assert cast.team not in access.teams_with(user, "view_team")


def test_who_sees_the_team_is_told_what_is_missing(cast: Cast) -> None:
    with pytest.raises(Denied) as caught:
        access.require(cast.viewer, "deliver_production", cast.team)
    assert caught.value.params == {
        "right": "deliver_production",
        "team": "Shop",
        "roles": ["admin", "delivery"],
        "who": ["Lead"],
    }


def test_who_does_not_see_the_team_is_told_nothing(cast: Cast) -> None:
    for part in ("market", "neighbour", "loner", "stranger"):
        with pytest.raises(NotFound):
            access.require(getattr(cast, part), "deliver_production", cast.team)
    with pytest.raises(NotFound):
        access.require(cast.viewer, "deliver_production", cast.team, seen=False)
    with pytest.raises(NotFound):
        access.require(cast.viewer, "manage_clusters", seen=False)


def test_a_team_without_admins_names_those_of_the_enterprise(cast: Cast) -> None:
    with pytest.raises(Denied) as caught:
        access.require(cast.viewer, "manage_clusters")
    assert (caught.value.params["team"], caught.value.params["who"]) == (None, ["Admin"])
    cast.lead.is_active = False
    cast.lead.save()
    assert access.granters(cast.viewer, "edit_application", cast.team) == ["Admin"]


def test_at_most_five_people_are_named(cast: Cast) -> None:
    from tests.builders import make_user

    for number in range(7):
        add_member(cast.team, make_user(cast.enterprise, f"extra{number}"), "admin")
    assert len(access.granters(cast.viewer, "edit_application", cast.team)) == 5


def test_a_mistake_of_code_is_no_answer(cast: Cast) -> None:
    with pytest.raises(KeyError):
        access.holds(cast.admin, "fly", cast.team)
    with pytest.raises(TypeError):
        access.holds(cast.admin, "view_team")
    with pytest.raises(KeyError):
        access.teams_with(cast.admin, "manage_users")


def test_rights_are_read_anew_each_time(cast: Cast) -> None:
    user = cast.developer
    assert access.holds(user, "edit_application", cast.team)
    add_member(cast.team, user, "viewer")
    assert not access.holds(user, "edit_application", cast.team)
    assert access.rights_by_team(user) == {"shop": frozenset({"view_team"})}
