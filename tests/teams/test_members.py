"""Members of a team and their roles."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from console.kit.errors import Denied, Invalid, NotFound, Refused, Stale, WaybillError
from teams.actions.members import remove_member, set_member_roles
from teams.models import AuditEvent, Membership, Team, User
from tests.builders import add_member, make_enterprise, make_team, make_user
from tests.cast import Cast
from tests.teams.refusals import refused
from tests.teams.test_grants import check_equal


def roles(team: Team, user: User) -> set[str]:
    return set(Membership.objects.filter(team=team, user=user).values_list("role", flat=True))


def test_adding_changing_and_removing(cast: Cast) -> None:
    team, lead = cast.team, cast.lead
    _, new = set_member_roles(team=team, login="Loner", roles=["tester"], acting_user=lead)
    assert new
    _, new = set_member_roles(team=team, login="loner", roles=["viewer", "delivery"], acting_user=lead)
    assert not new
    assert roles(team, cast.loner) == {"viewer", "delivery"}
    remove_member(team=team, login="loner", acting_user=lead)
    assert roles(team, cast.loner) == set()
    events = AuditEvent.objects.filter(team=team).order_by("id").values_list("action", "before", "after")
    assert list(events) == [
        ("member.added", {"roles": []}, {"roles": ["tester"]}),
        ("member.roles_changed", {"roles": ["tester"]}, {"roles": ["delivery", "viewer"]}),
        ("member.removed", {"roles": ["delivery", "viewer"]}, {"roles": []}),
    ]
    check_equal()


def test_the_team_is_newer_after_each_change(cast: Cast) -> None:
    set_member_roles(team=cast.team, login="loner", roles=["tester"], acting_user=cast.lead, expected_version=1)
    set_member_roles(team=cast.team, login="loner", roles=["tester"], acting_user=cast.lead, expected_version=2)
    with refused(Stale, "etag_mismatch"):
        remove_member(team=cast.team, login="loner", acting_user=cast.lead, expected_version=1)


def test_the_last_admin_stays(cast: Cast) -> None:
    for acting in (cast.lead, cast.admin):
        with refused(Refused, "last_admin"):
            remove_member(team=cast.team, login="lead", acting_user=acting)
        with refused(Refused, "last_admin"):
            set_member_roles(team=cast.team, login="lead", roles=["viewer"], acting_user=acting)
    add_member(cast.team, make_user(cast.enterprise, is_active=False), "admin")
    with refused(Refused, "last_admin"):
        remove_member(team=cast.team, login="lead", acting_user=cast.lead)
    add_member(cast.team, cast.loner, "admin")
    remove_member(team=cast.team, login="lead", acting_user=cast.lead)
    assert roles(cast.team, cast.lead) == set()


def test_only_people_of_the_enterprise_who_are_active(cast: Cast) -> None:
    make_user(cast.enterprise, "gone", is_active=False)
    for login in ("stranger", "gone", "nobody", ""):
        with refused(Invalid, "unknown_user"):
            set_member_roles(team=cast.team, login=login, roles=["viewer"], acting_user=cast.lead)


def test_a_disabled_member_can_be_removed(cast: Cast) -> None:
    add_member(cast.team, make_user(cast.enterprise, "gone", is_active=False), "tester")
    remove_member(team=cast.team, login="gone", acting_user=cast.lead)


def test_who_is_no_member_is_not_found(cast: Cast) -> None:
    for login in ("loner", "stranger", "ghost"):
        with refused(NotFound, "not_found"):
            remove_member(team=cast.team, login=login, acting_user=cast.lead)


@pytest.mark.parametrize("part", ["developer", "tester", "delivery", "viewer"])
def test_needs_the_right(cast: Cast, part: str) -> None:
    with refused(Denied, "role_required"):
        set_member_roles(team=cast.team, login=part, roles=["admin"], acting_user=getattr(cast, part))


@pytest.mark.parametrize("part", ["market", "neighbour", "loner", "stranger"])
def test_walls_hold(cast: Cast, part: str) -> None:
    with refused(NotFound, "not_found"):
        set_member_roles(team=cast.team, login=part, roles=["admin"], acting_user=getattr(cast, part))


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_remove_each_other_at_once_leave_one() -> None:
    enterprise = make_enterprise()
    team = make_team(enterprise)
    one, two = (add_member(team, make_user(enterprise, login), "admin") for login in ("one", "two"))
    told: list[str] = []
    start = threading.Barrier(2)

    def remove(acting: User, other: User) -> None:
        start.wait(timeout=10)
        try:
            remove_member(team=team, login=other.login, acting_user=acting)
            told.append("done")
        except WaybillError as error:
            told.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    # The slower one finds that it is no member any longer.
    assert sorted(told) == ["done", "not_found"]
    assert Membership.objects.filter(team=team, role="admin").count() == 1
