"""Signing in: counted per account and per network, and silent about who exists."""

from __future__ import annotations

import threading
import time
from statistics import median
from typing import Any

import pytest
from django.db import connection

from console.kit.context import RequestContext, surrounding
from console.kit.errors import Invalid, TooMany, WaybillError
from teams.actions import sessions
from teams.actions.sessions import PER_ACCOUNT, PER_NETWORK, sign_in, sign_out
from teams.models import AuditEvent, Enterprise, User
from tests.builders import make_enterprise, make_user
from tests.teams.refusals import refused

PASSWORD = "the right password"


@pytest.fixture
def user(db: None) -> User:
    return make_user(make_enterprise("main"), "hanmei", password=PASSWORD)


def failures(**columns: Any) -> Any:
    return AuditEvent.objects.filter(action="session.sign_in_failed", **columns)


def fail(login: str, times: int, *, ip: str | None = None) -> None:
    """Write failures as signing in writes them, without the cost of hashing."""
    with surrounding(RequestContext("r-1234567", ip)):
        for _ in range(times):
            sessions._record_failure(sessions._account(login), User.objects.filter(login=login).first())


def test_the_right_password_signs_in(user: User) -> None:
    assert sign_in(login=" HanMei ", password=PASSWORD) == user
    event = AuditEvent.objects.get(action="session.signed_in")
    assert (event.actor, event.object_label, event.result) == (user, "hanmei", "done")
    sign_out(acting_user=user)
    assert AuditEvent.objects.filter(action="session.signed_out", actor=user).exists()


def test_wrong_unknown_and_disabled_are_told_alike(user: User) -> None:
    make_user(user.enterprise, "gone", password=PASSWORD, is_active=False)
    make_user(user.enterprise, "empty")
    told = []
    for login, password in (("hanmei", "wrong"), ("ghost", PASSWORD), ("gone", PASSWORD), ("empty", ""), ("", "")):
        with pytest.raises(Invalid) as caught:
            sign_in(login=login, password=password)
        told.append((caught.value.code, caught.value.params))
    assert set(map(str, told)) == {str(("sign_in_refused", {}))}
    assert failures().count() == 5


def test_a_failure_is_written_without_what_was_typed(user: User) -> None:
    with pytest.raises(Invalid):
        sign_in(login="my-secret-password", password="my-secret-password")
    event = failures().get()
    assert (event.object_label, event.actor, event.result, event.enterprise) == ("", None, "refused", user.enterprise)
    assert "my-secret-password" not in str(vars(event))
    with pytest.raises(Invalid):
        sign_in(login="hanmei", password="wrong")
    assert failures(object_label="hanmei").count() == 1


@pytest.mark.parametrize("login", ["hanmei", "ghost"])
def test_an_account_is_closed_after_too_many_failures(user: User, login: str) -> None:
    fail(login, PER_ACCOUNT - 1)
    with refused(Invalid, "sign_in_refused"):
        sign_in(login=login, password="wrong")
    with pytest.raises(TooMany) as caught:
        sign_in(login=login, password=PASSWORD)
    assert 0 < caught.value.params["retry_after"] <= 900
    assert failures().count() == PER_ACCOUNT
    assert not AuditEvent.objects.filter(action="session.signed_in").exists()


def test_another_account_stays_open(user: User) -> None:
    fail("ghost", PER_ACCOUNT)
    assert sign_in(login="hanmei", password=PASSWORD) == user


def test_failures_leave_the_window(user: User) -> None:
    fail("hanmei", PER_ACCOUNT)
    # The trail itself cannot be moved back, so the window is looked at from later on.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_insert_only")
        cursor.execute("UPDATE audit_event SET at = at - interval '14 minutes 50 seconds'")
    with pytest.raises(TooMany) as caught:
        sign_in(login="hanmei", password=PASSWORD)
    assert 1 <= caught.value.params["retry_after"] <= 11
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET at = at - interval '20 seconds'")
    assert sign_in(login="hanmei", password=PASSWORD) == user


@pytest.mark.parametrize(
    ("tried", "same", "other"),
    [("203.0.113.7", "203.0.113.200", "203.0.114.7"), ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")],
)
def test_a_network_is_closed_after_too_many_failures(user: User, tried: str, same: str, other: str) -> None:
    for number in range(PER_NETWORK):
        fail(f"ghost{number}", 1, ip=tried)
    with surrounding(RequestContext("r-1234567", same)), refused(TooMany, "too_many_requests"):
        sign_in(login="hanmei", password=PASSWORD)
    with surrounding(RequestContext("r-1234567", other)):
        assert sign_in(login="hanmei", password=PASSWORD) == user


def test_a_thousand_tries_look_at_ten_passwords(user: User) -> None:
    with surrounding(RequestContext("r-1234567", "203.0.113.7")):
        for number in range(1000):
            with pytest.raises(WaybillError):
                sign_in(login="hanmei", password=f"guess {number}")
    assert failures().count() == PER_ACCOUNT


def test_nothing_is_written_before_there_is_an_enterprise(db: None) -> None:
    assert not Enterprise.objects.exists()
    with refused(Invalid, "sign_in_refused"):
        sign_in(login="a", password="b")


def test_a_known_and_an_unknown_login_take_the_same_time(user: User) -> None:
    def spent(login: str) -> float:
        took = []
        for _ in range(4):
            start = time.process_time()
            with pytest.raises(Invalid):
                sign_in(login=login, password="wrong")
            took.append(time.process_time() - start)
        return median(took)

    spent("warm")
    known, unknown = spent("hanmei"), spent("ghost")
    assert 0.5 < known / unknown < 2


@pytest.mark.django_db(transaction=True)
def test_tries_at_once_are_counted_as_those_one_after_another() -> None:
    enterprise = make_enterprise()
    make_user(enterprise, "hanmei", password=PASSWORD)
    told: list[str] = []

    def guess() -> None:
        try:
            sign_in(login="hanmei", password="wrong")
        except WaybillError as error:
            told.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(PER_ACCOUNT + 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert told.count("sign_in_refused") == PER_ACCOUNT
    assert told.count("too_many_requests") == 6
