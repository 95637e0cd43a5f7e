"""Filling in a form keeps the session, and a form half filled in is not left by mistake."""

from __future__ import annotations

import time

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Dialog, expect

from clusters.models import Environment
from console.kit.middleware import SEEN_AT
from teams.models import Team, User
from tests.builders import add_member
from tests.marketplace import world
from tests.pages.conftest import SignIn


def _session() -> SessionStore:
    return SessionStore(Session.objects.get().session_key)


def _idle(seconds: int) -> None:
    store = _session()
    store[SEEN_AT] = int(time.time()) - seconds
    store.save()


def test_typing_counts_as_being_there_and_a_session_that_ended_is_told(
    base: str, signed_in: SignIn, admin: User
) -> None:
    page = signed_in(admin)
    page.clock.install()
    page.goto(f"{base}/teams/new")
    _idle(1000)
    page.fill("#id_name", "Shop")
    assert int(time.time()) - _session()[SEEN_AT] >= 1000, "just opened: that was enough"
    page.clock.fast_forward(70_000)
    with page.expect_response("**/api/v1/me"):
        page.fill("#id_name", "Shops")
    assert int(time.time()) - _session()[SEEN_AT] < 60
    Session.objects.all().delete()
    page.clock.fast_forward(70_000)
    page.fill("#id_name", "Shops and more")
    expect(page.locator("#signed-out")).to_be_visible()
    assert page.input_value("#id_name") == "Shops and more"


def drafted(admin: User) -> tuple[User, Environment]:
    place = world.make_place(Team.objects.get(slug="shop"), "test")
    world.deployed(place, [world.part("web", "registry.example.com/dev/web:1", f"sha256:{'ab' * 32}")], slug="shop")
    return add_member(place.team, admin, "developer", granted_by=admin), place


def test_a_component_half_filled_in_is_not_left_without_a_word(
    base: str, signed_in: SignIn, developer: User, admin: User
) -> None:
    drafted(admin)
    page = signed_in(developer)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.goto(f"{base}/environments/test/apps/shop/components/new")
    page.fill("#id_name", "Cache")
    page.get_by_role("link", name="Operations").first.click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert page.input_value("#id_name") == "Cache"
    page.fill("#id_image_reference", "registry.example.com/dev/cache:1")
    page.click("#save")
    page.wait_for_url("**/components*")
    assert asked == ["beforeunload"], "sending is no leaving"
