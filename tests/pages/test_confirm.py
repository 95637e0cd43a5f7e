"""What ends something for others asks first, says what comes of it, and works without scripts; whose trail is whose."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.builders import make_token
from tests.cast import Cast
from tests.marketplace import world
from tests.pages.test_market import client_of


def asked(page: str, button: str) -> str:
    """Give what is said above a button that stands in a closed question."""
    for box in re.findall(r'<details class="confirm">(.*?)</details>', page, re.DOTALL):
        if button in box:
            return str(re.search(r'<div class="ask"><p>(.*?)</p>', box, re.DOTALL)[1])  # type: ignore[index]
    raise AssertionError(f"{button} is not asked about")


def test_ending_things_is_asked_about_with_what_comes_of_it(cast: Cast) -> None:
    make_token(cast.lead)
    place = world.make_place(cast.team, "test")
    world.deployed(place, [world.part("web", "registry.example.com/dev/web:1", f"sha256:{'ab' * 32}")], slug="shop")
    lead, admin = client_of(cast.lead), client_of(cast.admin)
    assert "loses every role" in asked(lead.get("/teams/shop/members").content.decode(), "Remove Viewer from the team")
    assert "cannot be brought back" in asked(lead.get("/account/tokens").content.decode(), "Revoke the token")
    assert "signed out everywhere" in asked(admin.get("/users/viewer").content.decode(), "Disable Viewer")
    assert "volumes stay" in asked(lead.get("/environments/test/apps/shop").content.decode(), 'id="stop"')


@pytest.mark.parametrize(("person", "seen"), [("lead", True), ("admin", True), ("developer", False), ("viewer", False)])
@pytest.mark.parametrize("page", ["", "/members", "/environments"])
def test_a_teams_trail_is_a_click_away_for_those_who_may_read_it(
    cast: Cast, person: str, page: str, *, seen: bool
) -> None:
    client = Client()
    client.force_login(getattr(cast, person))
    text = client.get(f"/teams/shop{page}").content.decode()
    assert ('href="/audit?team=shop"' in text) is seen
    assert client.get("/audit?team=shop").status_code == (200 if seen else 404)
