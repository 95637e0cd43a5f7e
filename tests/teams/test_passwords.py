"""One-time passwords, and one's own."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.utils.module_loading import import_string

from console import settings as own
from console.kit.errors import Denied, Invalid, NotFound, Stale, TooMany
from teams.actions.sessions import PER_ACCOUNT, check_own_password
from teams.actions.users import change_own_password, change_profile, reset_password
from teams.models import AuditEvent
from teams.secret import new_password
from tests.builders import make_user
from tests.cast import Cast
from tests.teams.refusals import refused

GOOD = "a long sentence is a good one"


def test_a_reset_gives_a_password_for_one_use_and_ends_sessions(cast: Cast) -> None:
    before = cast.viewer.get_session_auth_hash()
    password = reset_password(user=cast.viewer, acting_user=cast.admin)
    cast.viewer.refresh_from_db()
    assert cast.viewer.check_password(password)
    assert cast.viewer.must_change_password
    assert cast.viewer.get_session_auth_hash() != before
    event = AuditEvent.objects.get(action="user.password_reset")
    assert (event.before, event.after) == (None, None)


def test_a_reset_needs_the_right_and_the_same_enterprise(cast: Cast) -> None:
    with refused(Denied, "role_required"):
        reset_password(user=cast.viewer, acting_user=cast.lead)
    with refused(NotFound, "not_found"):
        reset_password(user=cast.viewer, acting_user=cast.stranger)
    with refused(Stale, "etag_mismatch"):
        reset_password(user=cast.viewer, acting_user=cast.admin, expected_version=7)


def test_a_password_of_ones_own_ends_the_one_time_password(cast: Cast) -> None:
    user = make_user(cast.enterprise, password="first one of all", must_change_password=True)
    changed = change_own_password(new=GOOD, acting_user=user)
    assert changed.check_password(GOOD)
    assert not changed.must_change_password
    event = AuditEvent.objects.get(action="user.changed")
    assert (event.before, event.after) == ({"password": "(changed)"}, {"password": "(changed)"})


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("short", "password_too_short"),
        ("password123", "password_too_common"),
        ("firstofall-user", "password_too_similar"),
        ("the one in use now", "password_unchanged"),
    ],
)
def test_a_weak_password_is_refused(cast: Cast, new: str, reason: str) -> None:
    user = make_user(cast.enterprise, "firstofall", password="the one in use now")
    with pytest.raises(Invalid) as caught:
        change_own_password(new=new, acting_user=user)
    assert reason in [fault.params["reason"] for fault in caught.value.errors]
    user.refresh_from_db()
    assert user.check_password("the one in use now")


def test_the_present_password_is_asked_and_its_guesses_are_counted(cast: Cast) -> None:
    user = make_user(cast.enterprise, password=GOOD)
    check_own_password(password=GOOD, acting_user=user)
    for _ in range(PER_ACCOUNT):
        with refused(Invalid, "invalid", ("/current", "sign_in_refused")):
            check_own_password(password="wrong", acting_user=user)
    with refused(TooMany, "too_many_requests"):
        check_own_password(password=GOOD, acting_user=user)


def test_one_time_passwords_are_long_and_different() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert {len(password) for password in made} == {16}


def test_ones_own_preferences(cast: Cast) -> None:
    user = change_profile(
        changes={"language": "zh-hans", "theme": "dark", "time_zone": "Asia/Shanghai"}, acting_user=cast.viewer
    )
    assert (user.language, user.theme, user.time_zone) == ("zh-hans", "dark", "Asia/Shanghai")
    with refused(Invalid, "invalid", ("/language", "choice_unknown"), ("/time_zone", "choice_unknown")):
        change_profile(changes={"language": "tlh", "time_zone": "Mars/Olympus"}, acting_user=cast.viewer)


def test_what_is_kept_of_a_password_is_costly_to_guess_from() -> None:
    kind = import_string(own.PASSWORD_HASHERS[0])
    assert issubclass(kind, Argon2PasswordHasher)
    assert kind.time_cost >= 2 and kind.memory_cost >= 19 * 1024, "tests hash cheaply, the console does not"
