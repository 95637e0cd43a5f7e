"""Changing, disabling and enabling a user."""

from __future__ import annotations

from typing import Any

import pytest

from console.kit.errors import Denied, Invalid, NotFound, Refused, Stale
from teams.actions.users import change_user
from teams.models import AuditEvent
from tests.builders import make_user
from tests.cast import Cast
from tests.teams.refusals import refused


def actions(cast: Cast) -> list[str]:
    return list(
        AuditEvent.objects.filter(object_id=str(cast.viewer.pk)).order_by("id").values_list("action", flat=True)
    )


def test_changes_what_is_named_and_nothing_else(cast: Cast) -> None:
    user = change_user(user=cast.viewer, changes={"name": "Vi", "email": "v@example.com"}, acting_user=cast.admin)
    assert (user.name, user.email, user.is_active, user.row_version) == ("Vi", "v@example.com", True, 2)
    event = AuditEvent.objects.get(action="user.changed")
    assert event.before == {"name": "Viewer", "email": None}
    assert event.after == {"name": "Vi", "email": "v@example.com"}


def test_disabling_and_enabling_have_words_of_their_own(cast: Cast) -> None:
    change_user(user=cast.viewer, changes={"is_active": False, "name": "Gone"}, acting_user=cast.admin)
    change_user(user=cast.viewer, changes={"is_active": True}, acting_user=cast.admin)
    assert actions(cast) == ["user.disabled", "user.changed", "user.enabled"]


def test_no_change_leaves_no_trace(cast: Cast) -> None:
    user = change_user(user=cast.viewer, changes={"name": "Viewer", "is_active": True}, acting_user=cast.admin)
    assert user.row_version == 1
    assert actions(cast) == []


def test_the_last_admin_stays(cast: Cast) -> None:
    told: list[dict[str, Any]] = [
        {"is_active": False},
        {"enterprise_roles": []},
        {"enterprise_roles": ["market_admin"]},
    ]
    for changes in told:
        with refused(Refused, "last_admin"):
            change_user(user=cast.admin, changes=changes, acting_user=cast.admin)
    other = make_user(cast.enterprise, enterprise_roles=["admin"])
    change_user(user=cast.admin, changes={"is_active": False}, acting_user=cast.admin)
    with refused(Refused, "last_admin"):
        change_user(user=other, changes={"enterprise_roles": []}, acting_user=other)


def test_an_admin_of_another_enterprise_does_not_count(cast: Cast) -> None:
    assert cast.stranger.is_enterprise_admin
    with refused(Refused, "last_admin"):
        change_user(user=cast.admin, changes={"is_active": False}, acting_user=cast.admin)


def test_a_disabled_admin_may_lose_the_role(cast: Cast) -> None:
    gone = make_user(cast.enterprise, enterprise_roles=["admin"], is_active=False)
    assert change_user(user=gone, changes={"enterprise_roles": []}, acting_user=cast.admin).enterprise_roles == []


@pytest.mark.parametrize("part", ["market", "lead", "viewer"])
def test_needs_the_right(cast: Cast, part: str) -> None:
    with refused(Denied, "role_required"):
        change_user(user=cast.viewer, changes={"name": "x"}, acting_user=getattr(cast, part))


def test_walls_hold(cast: Cast) -> None:
    with refused(NotFound, "not_found"):
        change_user(user=cast.viewer, changes={"name": "x"}, acting_user=cast.stranger)


def test_a_version_read_before_is_stale(cast: Cast) -> None:
    change_user(user=cast.viewer, changes={"name": "One"}, acting_user=cast.admin, expected_version=1)
    with refused(Stale, "etag_mismatch"):
        change_user(user=cast.viewer, changes={"name": "Two"}, acting_user=cast.admin, expected_version=1)


def test_what_is_entered_is_checked(cast: Cast) -> None:
    make_user(cast.enterprise, email="taken@example.com")
    with refused(Refused, "name_taken", ("/email", "name_taken")):
        change_user(user=cast.viewer, changes={"email": "TAKEN@example.com"}, acting_user=cast.admin)
    with refused(Invalid, "invalid", ("/name", "not_allowed")):
        change_user(user=cast.viewer, changes={"name": "a\u202eb"}, acting_user=cast.admin)
