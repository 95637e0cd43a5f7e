"""The life of a session: how long it may idle, how long it may last, whose language it speaks."""

from __future__ import annotations

import time

import pytest
from django.test import Client, override_settings

from console.kit.middleware import SEEN_AT, SIGNED_IN_AT
from teams.models import AuditEvent
from tests.builders import make_user
from tests.cast import Cast


@pytest.fixture
def browser(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.viewer)
    assert client.get("/api/v1/me").status_code == 200
    return client


def age(client: Client, **marks: int) -> None:
    session = client.session
    for name, seconds in marks.items():
        session[name] = int(time.time()) - seconds
    session.save()


def test_a_session_in_use_goes_on(browser: Client) -> None:
    age(browser, **{SEEN_AT: 1000, SIGNED_IN_AT: 40_000})
    assert browser.get("/api/v1/me").status_code == 200
    assert int(time.time()) - browser.session[SEEN_AT] < 60


def test_a_session_that_idled_is_over(browser: Client) -> None:
    age(browser, **{SEEN_AT: 1800})
    assert browser.get("/api/v1/me").status_code == 401
    assert SIGNED_IN_AT not in browser.session


def test_a_session_is_over_in_the_end_however_busy(browser: Client) -> None:
    age(browser, **{SIGNED_IN_AT: 43_200})
    assert browser.get("/api/v1/me").status_code == 401


def test_a_page_that_asks_for_its_news_keeps_no_session_alive(browser: Client) -> None:
    age(browser, **{SEEN_AT: 1000})
    assert browser.get("/operations", headers={"X-Requested-With": "fetch"}).status_code == 200
    assert int(time.time()) - browser.session[SEEN_AT] >= 1000
    assert browser.get("/operations").status_code == 200
    assert int(time.time()) - browser.session[SEEN_AT] < 60


@override_settings(WAYBILL_SESSION_IDLE=100)
def test_the_limits_are_settings(browser: Client) -> None:
    age(browser, **{SEEN_AT: 101})
    assert browser.get("/api/v1/me").status_code == 401


def test_disabling_ends_a_session_at_once(browser: Client, cast: Cast) -> None:
    cast.viewer.is_active = False
    cast.viewer.save()
    assert browser.get("/api/v1/me").status_code == 401


def test_a_new_password_ends_the_other_sessions(browser: Client, cast: Cast) -> None:
    cast.viewer.set_password("another one altogether")
    cast.viewer.save()
    assert browser.get("/api/v1/me").status_code == 401


def test_pages_lead_to_the_password_while_it_is_one_for_one_use(cast: Cast) -> None:
    client = Client()
    client.force_login(make_user(cast.enterprise, must_change_password=True))
    response = client.get("/")
    assert response.status_code == 302
    assert response.headers["Location"] == "/account/password"
    assert client.get("/account/password").status_code == 200


def test_the_profile_speaks_before_the_browser(cast: Cast, browser: Client) -> None:
    assert browser.get("/api/v1/me", headers={"Accept-Language": "zh-CN"}).headers["Content-Language"] == "zh-hans"
    cast.viewer.language = "en"
    cast.viewer.save()
    assert browser.get("/api/v1/me", headers={"Accept-Language": "zh-CN"}).headers["Content-Language"] == "en"


@pytest.mark.urls("tests.kit.pages")
def test_what_a_page_refuses_is_a_page_with_its_sentences(cast: Cast) -> None:
    told = {}
    for part in ("viewer", "lead", "loner"):
        client = Client()
        client.force_login(getattr(cast, part))
        response = client.get("/test/members")
        told[part] = response.status_code, response.content.decode()
    status, text = told["viewer"]
    assert status == 403
    assert "These people can give you the role: Lead." in text
    assert told["lead"][0] == 409
    assert "Give someone else the admin role first" in told["lead"][1]
    assert told["loner"][0] == 404
    event = AuditEvent.objects.get(action="access.refused")
    assert (event.actor, event.object_label) == (cast.viewer, "GET /test/members")
