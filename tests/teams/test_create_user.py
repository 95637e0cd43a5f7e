"""Creating a user."""

from __future__ import annotations

import pytest

from console.kit.errors import Denied, Invalid, Refused
from teams.actions.users import create_user
from teams.models import AuditEvent, User
from tests.cast import Cast
from tests.teams.refusals import refused


def test_gives_a_password_for_one_use(cast: Cast) -> None:
    user, password = create_user(login=" HanMei ", name=" 韩梅 ", email="h@example.com", acting_user=cast.admin)
    user.refresh_from_db()
    assert (user.login, user.name, user.email, user.enterprise) == ("hanmei", "韩梅", "h@example.com", cast.enterprise)
    assert user.must_change_password
    assert user.check_password(password)
    assert len(password) == 16
    event = AuditEvent.objects.get(action="user.created")
    assert (event.actor, event.object_label) == (cast.admin, "hanmei")
    assert event.after == {"login": "hanmei", "name": "韩梅", "email": "h@example.com", "enterprise_roles": []}


def test_gives_enterprise_roles(cast: Cast) -> None:
    user, _ = create_user(login="a", name="A", enterprise_roles=["market_admin", "admin"], acting_user=cast.admin)
    assert user.enterprise_roles == ["admin", "market_admin"]


@pytest.mark.parametrize("part", ["market", "lead", "viewer", "loner"])
def test_needs_the_right(cast: Cast, part: str) -> None:
    with refused(Denied, "role_required"):
        create_user(login="a", name="A", acting_user=getattr(cast, part))
    assert not User.objects.filter(login="a").exists()


def test_a_login_is_taken_once_in_any_case_and_enterprise(cast: Cast) -> None:
    for login in ("viewer", "VIEWER", "stranger"):
        with refused(Refused, "name_taken", ("/login", "name_taken")):
            create_user(login=login, name="A", acting_user=cast.admin)


def test_an_address_is_taken_once_in_any_case(cast: Cast) -> None:
    create_user(login="a", name="A", email="a@example.com", acting_user=cast.admin)
    with refused(Refused, "name_taken", ("/email", "name_taken")):
        create_user(login="b", name="B", email="A@Example.com", acting_user=cast.admin)


@pytest.mark.parametrize(
    ("login", "code"),
    [("", "required"), ("a b", "malformed"), ("-a", "malformed"), ("韩梅", "malformed"), ("x" * 31, "too_long")],
)
def test_a_login_has_a_form(cast: Cast, login: str, code: str) -> None:
    with refused(Invalid, "invalid", ("/login", code)):
        create_user(login=login, name="A", acting_user=cast.admin)


def test_a_name_has_a_form(cast: Cast) -> None:
    with refused(Invalid, "invalid", ("/name", "required")):
        create_user(login="a", name=" ", acting_user=cast.admin)
