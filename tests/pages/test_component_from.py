"""The choice of where an image is taken from, in a real browser: there only where an engine is set."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from clusters.models import Component
from teams.models import User
from tests.builders import add_member, make_team
from tests.clusters.apps import make_app
from tests.pages.conftest import LIGHT_DESK, PASSWORD, SignIn, person
from tests.pages.judging import every_look, judge
from tests.pages.test_install import place

NEW = "/environments/dev-box/apps/shop/components/new"


def developer(admin: User) -> User:
    """Somebody who makes applications, and an empty one."""
    team = make_team(admin.enterprise, "dev", name="开发")
    user = person(admin.enterprise, "lilei", name="李雷")
    add_member(team, user, "developer", granted_by=admin)
    make_app(place(team, "dev-box"))
    return user


def test_an_image_of_the_engine_is_chosen_without_scripts(
    base: str, browser: Browser, signed_in: SignIn, admin: User, settings: Any
) -> None:
    user = developer(admin)
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = signed_in(user, PASSWORD, within=context)
    settings.WAYBILL_DOCKER_HOST = None
    page.goto(f"{base}{NEW}")
    assert page.get_by_text("Docker engine").count() == 0
    settings.WAYBILL_DOCKER_HOST = "unix:///run/nowhere.sock"
    page.goto(f"{base}{NEW}")
    assert page.get_by_label("A registry", exact=True).is_checked()
    page.get_by_label("The console's Docker engine").check()
    page.get_by_label("Component name").fill("web")
    page.get_by_label("Image", exact=True).fill("web:2.0")
    page.get_by_role("button", name="Save in the draft").click()
    assert page.get_by_text("from the Docker engine").is_visible()
    assert Component.objects.get().definition["image"]["from"] == "docker"
    page.get_by_role("link", name="web", exact=True).click()
    assert page.get_by_label("The console's Docker engine").is_checked()
    context.close()


def test_the_choice_is_accessible_and_fits(
    base: str, browser: Browser, signed_in: SignIn, admin: User, settings: Any
) -> None:
    settings.WAYBILL_DOCKER_HOST = "unix:///run/nowhere.sock"
    user = developer(admin)
    for page in every_look(browser, signed_in, user, LIGHT_DESK):
        page.goto(f"{base}{NEW}")
        page.locator("input[name=image_from][value=docker]").check()
        judge(page)
