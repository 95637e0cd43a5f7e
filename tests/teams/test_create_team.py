"""Creating and renaming a team."""

from __future__ import annotations

import pytest

from console.kit.errors import Denied, Invalid, NotFound, Refused, Stale
from teams.actions.teams import create_team, rename_team
from teams.models import AuditEvent, Membership, Team
from tests.cast import Cast
from tests.teams.refusals import refused
from tests.teams.test_grants import check_equal


def test_a_team_with_its_members(cast: Cast) -> None:
    members = [{"login": "LONER", "roles": ["tester", "developer"]}, {"login": "viewer", "roles": ["admin"]}]
    team = create_team(name="生产-青岛", slug="prod-qingdao", members=members, acting_user=cast.admin)  # type: ignore[arg-type]
    held = Membership.objects.filter(team=team).values_list("user__login", "role", "granted_by__login")
    assert set(held) == {("loner", "tester", "admin"), ("loner", "developer", "admin"), ("viewer", "admin", "admin")}
    event = AuditEvent.objects.get(action="team.created")
    assert (event.team, event.actor, event.object_label) == (team, cast.admin, "prod-qingdao")
    assert event.after is not None
    assert event.after["members"] == {"loner": ["developer", "tester"], "viewer": ["admin"]}
    check_equal()


def test_a_slug_is_made_from_the_name(cast: Cast) -> None:
    slugs = [
        create_team(name=name, acting_user=cast.admin).slug for name in ("生产-青岛", "生产 青岛", "Shop!", "12", "?")
    ]
    assert slugs == ["sheng-chan-qing-dao", "sheng-chan-qing-dao-2", "shop-2", "team-12", "team"]


def test_names_are_taken_once_in_the_enterprise(cast: Cast) -> None:
    with refused(Refused, "slug_taken", ("/slug", "slug_taken")):
        create_team(name="Other", slug="shop", acting_user=cast.admin)
    with refused(Refused, "name_taken", ("/name", "name_taken")):
        create_team(name=" Shop ", slug="other", acting_user=cast.admin)
    assert create_team(name="Shop", slug="shop", acting_user=cast.stranger).enterprise == cast.elsewhere


def test_all_or_nothing(cast: Cast) -> None:
    members = [
        {"login": "viewer", "roles": ["tester"]},
        {"login": "stranger", "roles": ["tester"]},
        {"login": "viewer", "roles": ["tester"]},
    ]
    with refused(Invalid, "invalid", ("/members/1/login", "unknown_user"), ("/members/2/login", "duplicate")):
        create_team(name="New", members=members, acting_user=cast.admin)  # type: ignore[arg-type]
    assert not Team.objects.filter(name="New").exists()
    assert not AuditEvent.objects.filter(action="team.created").exists()


@pytest.mark.parametrize("part", ["market", "lead", "viewer", "loner"])
def test_needs_the_right(cast: Cast, part: str) -> None:
    with refused(Denied, "role_required"):
        create_team(name="New", acting_user=getattr(cast, part))


def test_a_team_gets_another_name_and_keeps_its_slug(cast: Cast) -> None:
    team = rename_team(team=cast.team, name="Store", acting_user=cast.admin, expected_version=1)
    assert (team.name, team.slug, team.row_version) == ("Store", "shop", 2)
    event = AuditEvent.objects.get(action="team.renamed")
    assert (event.before, event.after) == ({"name": "Shop"}, {"name": "Store"})
    assert rename_team(team=team, name=" Store", acting_user=cast.admin).row_version == 2


def test_renaming_refuses(cast: Cast) -> None:
    with refused(Refused, "name_taken", ("/name", "name_taken")):
        rename_team(team=cast.team, name="Depot", acting_user=cast.admin)
    with refused(Stale, "etag_mismatch"):
        rename_team(team=cast.team, name="Store", acting_user=cast.admin, expected_version=9)
    with refused(Denied, "role_required"):
        rename_team(team=cast.team, name="Store", acting_user=cast.lead)
    with refused(Invalid, "invalid", ("/name", "too_long")):
        rename_team(team=cast.team, name="x" * 65, acting_user=cast.admin)
    with refused(NotFound, "not_found"):
        rename_team(team=cast.foreign_team, name="Store", acting_user=cast.admin)
