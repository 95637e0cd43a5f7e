"""The market and a template's pages: who sees what, what narrows the list, marks set, explained and taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import Browser

from marketplace.models import MarkEvent, Template, Version
from teams.models import AuditEvent, User
from tests.builders import add_member, make_team
from tests.cast import Cast
from tests.marketplace import world
from tests.pages.conftest import DARK_DESK, SignIn, person
from tests.pages.judging import every_look, judge

Sent = Callable[..., Any]


def client_of(user: User) -> Client:
    """A browser without scripts, signed in."""
    client = Client()
    client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    """The words of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def office(cast: Cast) -> Template:
    """A template with a Release version and a newer one that still waits for its mark."""
    template = world.make_template(cast.team, "back-office", name="Back office", tags=["Java"], intro="For clerks")
    world.make_version(template, "2.0", cast.developer, mark="release", alias="Faster")
    world.make_version(template, "2.1", cast.developer)
    return template


def test_the_market_shows_every_version_with_its_mark(cast: Cast, office: Template) -> None:
    page = text_of(client_of(cast.viewer).get("/market"))
    assert "Back office" in page and "For clerks" in page
    assert "2.0 Release" in page and "2.1 Test" in page


def test_what_narrows_the_market_stands_in_the_address(cast: Cast, office: Template) -> None:
    other = world.make_template(cast.team, "orders", name="Orders", scope="team", tags=["Go"])
    world.make_version(other, "1.0", cast.developer)
    client = client_of(cast.developer)
    shown = {
        "": {"Back office", "Orders"},
        "q=order": {"Orders"},
        "tag=Java": {"Back office"},
        "scope=team": {"Orders"},
        "mark=release": {"Back office"},
        "scope=nothing": {"Back office", "Orders"},
    }
    for query, names in shown.items():
        page = client.get(f"/market?{query}").content.decode()
        assert {name for name in ("Back office", "Orders") if f">{name}<" in page} == names, query
    nothing = text_of(client.get("/market?q=zzz"))
    assert "No template matches" in nothing and "Clear filters" in nothing


def test_an_empty_market_says_how_it_fills(cast: Cast) -> None:
    assert "Nothing is published yet" in text_of(client_of(cast.viewer).get("/market"))


def test_a_template_of_another_team_or_enterprise_does_not_exist(cast: Cast, office: Template) -> None:
    office.scope = Template.Scope.TEAM
    office.save()
    paths = ["", "/environments", "/introduction", "/marks", "/versions/2.0"]
    for user in (cast.neighbour, cast.stranger):
        client = client_of(user)
        assert "Back office" not in client.get("/market").content.decode()
        for path in paths:
            assert client.get(f"/market/back-office{path}").status_code == 404
        sent = client.post("/market/back-office/versions/2.1/mark", {"mark": "release"})
        assert sent.status_code == 404
    assert client_of(cast.viewer).get("/market/back-office/versions/9.9").status_code == 404
    assert client_of(cast.viewer).get("/market/back-office/versions/2.0.0").status_code == 200


def test_the_versions_say_who_marked_them_and_what_they_are_made_of(cast: Cast, office: Template) -> None:
    place = world.make_place(cast.team, "test-internal", name="Test inside")
    version = office.versions.get(number="2.0")
    world.install(place, version)
    client = client_of(cast.viewer)
    page = text_of(client.get("/market/back-office"))
    assert "Waits for a tester" in page and "Developer" in page and "Test inside" in page and "Faster" in page
    opened = text_of(client.get("/market/back-office?open=2.0"))
    digest = (version.document or {})["components"][0]["image"]["digest"]
    assert digest not in page and digest in opened
    assert digest in text_of(client.get("/market/back-office/versions/2.0"))
    where = text_of(client.get("/market/back-office/environments"))
    assert "Test inside" in where and "2.0 Release" in where


def test_who_may_not_mark_reads_who_could_give_the_right(cast: Cast, office: Template) -> None:
    client = client_of(cast.developer)
    answer = client.get("/market/back-office")
    page = answer.content.decode()
    assert re.search(r'aria-disabled="true"[^>]*aria-describedby="why-mark"', page)
    assert "Lead" in text_of(answer)
    sent = client.post("/market/back-office/versions/2.1/mark", {"mark": "release"})
    assert sent.status_code == 403
    assert office.versions.get(number="2.1").mark == "test"


def test_a_reason_follows_the_mark_and_history_keeps_all(cast: Cast, office: Template) -> None:
    client = client_of(cast.tester)
    mark = "/market/back-office/versions/2.1/mark"
    first = client.post(mark, {"mark": "release"})
    assert first.headers["Location"] == "/market/back-office?marked=2.1#v-2.1"
    noted = text_of(client.get("/market/back-office?marked=2.1"))
    assert "2.1 is marked Release by you, just now." in noted and "Undo" in noted and "Add reason" in noted
    client.post(mark, {"mark": "release", "reason": "412 of 412, OPS-77"})
    assert "OPS-77" in text_of(client.get("/market/back-office"))
    again = client.post(mark, {"mark": "release", "reason": "412 of 412, OPS-77"}, follow=True)
    assert "Undo" not in text_of(again)
    client.post(mark, {"mark": "test"})
    events = MarkEvent.objects.filter(version__number="2.1").order_by("at")
    assert [(event.mark, event.reason) for event in events] == [
        ("release", None),
        ("release", "412 of 412, OPS-77"),
        ("test", None),
    ]
    history = text_of(client.get("/market/back-office/marks"))
    assert history.count("Tester") >= 3
    assert AuditEvent.objects.filter(action="version.marked_release", actor=cast.tester).count() == 2


def test_nobody_explains_the_mark_of_somebody_else(cast: Cast, office: Template) -> None:
    client_of(cast.tester).post("/market/back-office/versions/2.1/mark", {"mark": "release"})
    client_of(cast.lead).post("/market/back-office/versions/2.1/mark", {"mark": "release", "reason": "I say so"})
    assert not MarkEvent.objects.filter(reason="I say so").exists()


def test_intro_and_tags_belong_to_publishers_name_and_scope_to_market_admins(cast: Cast, office: Template) -> None:
    page = "/market/back-office/introduction"
    change = {"intro": "For all clerks", "tags": "Java, Office\uff0cNew", "name": "Stolen", "scope": "team"}
    client_of(cast.developer).post(page, change)
    office.refresh_from_db()
    assert (office.intro, office.tags) == ("For all clerks", ["Java", "Office", "New"])
    assert (office.name, office.scope) == ("Back office", "enterprise")
    client_of(cast.market).post(page, change)
    office.refresh_from_db()
    assert (office.name, office.scope) == ("Stolen", "team")
    assert client_of(cast.viewer).post(page, change).status_code == 403
    assert 'aria-disabled="true"' in client_of(cast.viewer).get(page).content.decode()
    long = client_of(cast.developer).post(page, {"intro": "x", "tags": "y" * 60})
    assert long.status_code == 422 and "y" * 60 in long.content.decode()
    stale = client_of(cast.developer).post(page, {"intro": "x", "tags": "", "version": "1"})
    assert stale.status_code == 422 and office.intro == "For all clerks"


def test_the_market_costs_the_same_for_one_template_and_fifty(cast: Cast, office: Template) -> None:
    client = client_of(cast.delivery)

    def cost(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    few = {path: cost(path) for path in ("/market?size=100", "/market/back-office", "/market/back-office/marks")}
    place = world.make_place(cast.team)
    for number in range(20):
        made = world.make_template(cast.team, tags=[f"tag-{number}"])
        world.make_version(made, "1.0", cast.developer, mark="release")
        more = world.make_version(office, f"1.{number}", cast.developer, mark="release")
        world.install(place, more, slug=f"app-{number}")
    assert {path: cost(path) for path in few} == few


# --- In a real browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def tester(admin: User) -> User:
    """A tester of the team that owns the template, which is there too."""
    team = make_team(admin.enterprise, "shop")
    user = person(admin.enterprise, "hanmei", name="韩梅")
    add_member(team, user, "tester", granted_by=admin)
    template = world.make_template(team, "admin-console", name="后台管理系统", tags=["Java"])
    world.make_version(template, "1.0", admin, mark="release")
    world.make_version(template, "2.0", admin, published_at=timezone.now())
    return user


def test_marking_release_is_one_click_and_can_be_undone(base: str, signed_in: SignIn, tester: User) -> None:
    page = signed_in(tester)
    page.goto(f"{base}/market/admin-console")
    page.get_by_role("button", name="Mark Release 2.0").click()
    page.wait_for_url(re.compile("marked=2.0"))
    assert "Release" in page.inner_text("#v-2\\.0") and "韩梅" in page.inner_text("#v-2\\.0")
    assert "by you, just now" in page.inner_text("main [role=status]:visible")
    page.get_by_text("Add reason").click()
    page.get_by_label("Reason").fill("All tests passed")
    page.get_by_role("button", name="Save reason").click()
    page.wait_for_load_state()
    assert "All tests passed" in page.inner_text("#v-2\\.0")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_load_state()
    assert "Test" in page.inner_text("#v-2\\.0")
    assert Version.objects.get(number="2.0").mark == "test"
    assert MarkEvent.objects.filter(version__number="2.0").count() == 3


def test_market_pages_are_accessible_and_fit(base: str, browser: Browser, signed_in: SignIn, tester: User) -> None:
    for page in every_look(browser, signed_in, tester, DARK_DESK):
        for path in ("", "/admin-console?open=1.0", "/admin-console/versions/1.0", "/admin-console/introduction"):
            page.goto(f"{base}/market{path}")
            judge(page)
        page.goto(f"{base}/market?q=nothing-like-it")
        judge(page)
