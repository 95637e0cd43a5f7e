"""Pages that say no: inside the usual frame, with the number of the request and a way on."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from console.views import broken
from tests.cast import Cast


def _as(user: object, **more: object) -> Client:
    client = Client(raise_request_exception=False, **more)  # type: ignore[arg-type]
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_an_absent_page_keeps_the_frame_and_says_the_number_of_the_request(cast: Cast) -> None:
    answer = _as(cast.viewer).get("/teams/nowhere")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "There is nothing here" in page
    assert 'aria-label="Main"' in page
    assert answer.headers["X-Request-Id"] in page
    assert page.count("<h1") == 1


def test_signed_out_there_is_no_frame(client: Client, db: None) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert 'aria-label="Main"' not in answer.content.decode()


def test_a_missing_role_is_told_with_who_gives_it_and_the_way_back(cast: Cast) -> None:
    answer = _as(cast.viewer).post(
        f"/teams/{cast.team.slug}/members/{cast.developer.login}/removal",
        headers={"Referer": f"http://testserver/teams/{cast.team.slug}/members?page=1"},
    )
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Lead" in page
    assert f'href="/teams/{cast.team.slug}/members?page=1"' in page


def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(client: Client, db: None) -> None:
    path = "/teams/shop/members/lead/removal"
    sent = client.post(path, headers={"Referer": "http://testserver/teams/shop/members?page=2"})
    assert sent["Location"] == "/auth/sign-in?next=/teams/shop/members%3Fpage%3D2"
    assert client.post(path)["Location"] == "/auth/sign-in?next=/"
    assert client.get("/teams?q=a")["Location"] == "/auth/sign-in?next=/teams%3Fq%3Da"


def test_a_form_from_elsewhere_names_no_way_back_there(cast: Cast) -> None:
    answer = _as(cast.viewer, enforce_csrf_checks=True).post("/account/profile", headers={"Referer": "http://evil/x"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form could not be accepted" in page
    assert "evil" not in page


def test_when_the_database_is_away_the_fault_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    request = RequestFactory().get("/")

    class Away:
        @property
        def is_authenticated(self) -> bool:
            raise OperationalError("gone")

    request.user = Away()  # type: ignore[assignment]
    answer = broken(request)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
