"""Publishing on pages: the form filled in with what is usual, bytes per image, and the word that publishes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from clusters.models import Application
from marketplace.models import Publication, Template, Version
from operations.models import Operation
from teams.models import User
from tests.builders import add_member, make_team
from tests.cast import Cast
from tests.marketplace import world
from tests.pages.conftest import LIGHT_DESK, SignIn, person
from tests.pages.judging import every_look, judge
from tests.pages.test_install import place
from tests.pages.test_market import client_of, text_of

VARIABLES = [
    {"name": "LOG_LEVEL", "value": "info"},
    {"name": "SMTP_PASSWORD", "secret": True},
    {"name": "SESSION_KEY", "secret": True, "generate": {"length": 20, "alphabet": "hex"}},
]
PAGE = "/environments/test-one/apps/back-office/publish"
ONE = "/environments/test-one/apps/back-office/publications/1"


def deployed(team: Any, by: User) -> Application:
    """An application of two components that runs, and a registry to publish to."""
    world.make_registry(by, "registry.example.com")
    web = world.part(
        "web", "registry.example.com/dev/web:1", f"sha256:{'a' * 64}", variables=VARIABLES, depends_on=["db"], size=1000
    )
    return world.deployed(
        place(team, "test-one"),
        [web, world.part("db", "registry.example.com/dev/db:1", f"sha256:{'b' * 64}", size=3000)],
    )


@pytest.fixture
def app(cast: Cast) -> Application:
    """The application."""
    return deployed(cast.team, cast.admin)


def send(client: Any, **fields: Any) -> Any:
    """Send the form as it is filled in, with what is typed."""
    found = re.search(r'name="key" value="([^"]+)"', client.get(PAGE).content.decode())
    assert found is not None
    usual = {
        "key": found[1],
        "template": "",
        "new_name": "Back office",
        "new_slug": "back-office",
        "new_scope": "enterprise",
        "number": "1.0",
        "components": ["web", "db"],
    }
    return client.post(PAGE, usual | fields)


def copied(publication: Publication) -> None:
    """End the copying well, as its runner does."""
    rows = Operation.objects.filter(pk=publication.operation_id)
    rows.update(state="running")
    rows.update(state="succeeded", finished_at=timezone.now())
    publication.images.update(state="done")
    for image in publication.images.all():
        image.bytes_done = image.bytes_total
        image.save()
    Publication.objects.filter(pk=publication.pk).update(state="ready")


def test_the_form_is_filled_in_and_secrets_never_leave(cast: Cast, app: Application) -> None:
    answer = client_of(cast.developer).get(PAGE)
    page, words = answer.content.decode(), text_of(answer)
    assert re.search(r'name="number" value="1.0"', page) and re.search(r'name="new_name" value="Back-Office"', page)
    assert "generated on install" in words and "secret, never in the version" in words
    assert "has to be given" in words and "revision 1" in words
    assert 'name="offer_web.variables.SMTP_PASSWORD"' not in page


def test_a_publication_starts_once_and_its_page_counts_bytes(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    offered = {
        "offer_web.variables.LOG_LEVEL": "on",
        "label_web.variables.LOG_LEVEL": "Log level",
        "type_web.variables.LOG_LEVEL": "choice",
        "choices_web.variables.LOG_LEVEL": "info, debug",
        "key": "the-same",
    }
    first, second = send(client, **offered), send(client, **offered)
    assert first.url == second.url == ONE
    publication = Publication.objects.get()
    assert publication.settings["parameters"][0] == {
        "address": "web.variables.LOG_LEVEL",
        "label": "Log level",
        "type": "choice",
        "required": False,
        "choices": ["info", "debug"],
    }
    assert [one["type"] for one in publication.settings["parameters"]] == ["choice", "secret"]
    publication.images.filter(path__endswith="/db").update(state="copying", bytes_done=2000, bytes_there=500)
    answer = client.get(ONE)
    page, words = answer.content.decode(), text_of(answer)
    assert page.count("<progress") == 3
    assert re.search(r'value="2000" max="3000" aria-label="back-office/db"', page)
    assert "50 %" in words and "500\xa0bytes there already" in words.replace("500 bytes", "500\xa0bytes")
    assert "Confirm publish" not in words and "Give up" in words
    assert 'data-part="publication"' in client.get(f"{ONE}/parts").content.decode()


def test_confirming_publishes_and_the_next_number_is_suggested(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    send(client)
    early = client.post(f"{ONE}/confirmation", follow=True)
    assert not Version.objects.filter(state="published").exists() and early.status_code == 200
    copied(Publication.objects.get())
    assert "Confirm publish" in text_of(client.get(ONE))
    done = client.post(f"{ONE}/confirmation", follow=True)
    assert "Back office 1.0 is published." in text_of(done) and "To the version" in text_of(done)
    page = client.get(PAGE).content.decode()
    assert re.search(r'<option value="back-office" data-next="1.1" data-taken="1.0" selected>', page)
    assert re.search(r'name="number" value="1.1"', page)
    taken = send(client, template="back-office", number="1.0")
    assert taken.status_code == 409
    assert "1.1" in text_of(taken) and 'id="id_number_error"' in taken.content.decode()


def test_giving_up_leaves_nothing(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    send(client)
    copied(Publication.objects.get())
    given = client.post(f"{ONE}/removal", follow=True)
    assert "Given up" in text_of(given)
    assert not Version.objects.exists() and Template.objects.get().removed_at is not None
    assert send(client).url.endswith("/publications/2"), "its number is free again"


def test_a_failed_one_says_why_and_can_be_tried_again(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    send(client)
    publication = Publication.objects.get()
    rows = Operation.objects.filter(pk=publication.operation_id)
    rows.update(state="running")
    params = {"image": "registry.example.com/dev/db:1"}
    rows.update(state="failed", finished_at=timezone.now(), outcome_code="image_not_found", outcome_params=params)
    publication.images.filter(path__endswith="/db").update(state="failed", code="image_not_found", params=params)
    Publication.objects.update(state="failed")
    page = client.get(ONE)
    assert "Nothing is published yet" in text_of(page) and "dev/db:1" in text_of(page)
    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())
    assert key is not None
    client.post(f"{ONE}/retry", {"key": key[1]})
    again = Publication.objects.get()
    assert again.state == "copying" and again.operation_id != publication.operation_id


def test_what_is_wrong_stands_at_its_field(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    assert 'id="id_number_error"' in send(client, number="one").content.decode()
    assert 'id="id_new_name_error"' in send(client, new_name="").content.decode()
    apart = send(client, components=["web"])
    assert apart.status_code == 422, "web depends on db"
    row = {"offer_web.variables.LOG_LEVEL": "on", "type_web.variables.LOG_LEVEL": "choice"}
    empty = send(client, **row)
    assert empty.status_code == 422
    assert 'id="id_choices_web.variables.LOG_LEVEL_error"' in empty.content.decode()
    assert not Publication.objects.exists()


def test_who_may_not_publish_reads_why_and_strangers_read_nothing(cast: Cast, app: Application) -> None:
    page = client_of(cast.tester).get(PAGE)
    assert 'aria-disabled="true"' in page.content.decode() and "Lead" in text_of(page)
    assert client_of(cast.tester).post(PAGE, {"key": "x"}).status_code == 422
    assert send(client_of(cast.tester)).status_code == 403
    send(client_of(cast.developer))
    assert client_of(cast.tester).post(f"{ONE}/confirmation").status_code == 403
    for path in (PAGE, ONE, f"{ONE}/parts", ONE.replace("/1", "/9")):
        assert client_of(cast.neighbour).get(path).status_code == 404


def test_nothing_deployed_and_no_registry_are_told(cast: Cast) -> None:
    where = place(cast.team, "test-one")
    Application.objects.create(environment=where, slug="back-office", name="Back office", origin="made")
    assert "Nothing is deployed yet" in text_of(client_of(cast.developer).get(PAGE))
    Application.objects.all().delete()
    world.deployed(where, [world.part("web", "registry.example.com/dev/web:1", f"sha256:{'a' * 64}")])
    assert "No image registry is set" in text_of(client_of(cast.developer).get(PAGE))


# --- In a real browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def lilei(admin: User) -> User:
    """A developer whose application runs."""
    team = make_team(admin.enterprise, "shop")
    user = person(admin.enterprise, "lilei", name="李雷")
    add_member(team, user, "developer", granted_by=admin)
    deployed(team, admin)
    return user


def test_from_the_app_a_publication_takes_three_clicks(base: str, signed_in: SignIn, lilei: User) -> None:
    page = signed_in(lilei)
    page.goto(f"{base}/environments/test-one/apps/back-office")
    page.get_by_role("link", name="Publish").first.click()
    page.get_by_role("button", name="Start image sync").click()
    page.wait_for_url(re.compile("/publications/1$"))
    copied(Publication.objects.get())
    page.get_by_role("button", name="Confirm publish").click()
    page.wait_for_load_state()
    assert Version.objects.get().state == "published"
    page.goto(f"{base}{PAGE}")
    page.fill("#id_number", "1")
    assert page.locator("[data-taken-note]").is_visible()
    page.locator("[data-take]").click()
    assert page.input_value("#id_number") == "1.1"
    page.select_option("#id_template", "")
    assert page.locator("#id_new_name").is_visible()


def test_the_pages_are_accessible_and_fit(base: str, browser: Browser, signed_in: SignIn, lilei: User) -> None:
    for page in every_look(browser, signed_in, lilei, LIGHT_DESK):
        page.goto(f"{base}{PAGE}")
        judge(page)
        if not Publication.objects.exists():
            page.locator("main button.btn-primary").click()
            page.wait_for_url(re.compile("/publications/1$"))
        page.goto(f"{base}{ONE}")
        judge(page)
