"""What is typed outlives the end of a session and a change of language; secrets do not, and nobody else gets it."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from clusters.actions.components import add_component, change_component
from clusters.models import Application
from teams.models import User
from tests.pages.conftest import PASSWORD, SignIn, person
from tests.pages.test_typing import drafted

NEW = "/environments/test/apps/shop/components/new"
KEPT = "sessionStorage.getItem('waybill.typed')"


def sign_in(page: Page, user: User) -> None:
    """Sign in on the page one was led to."""
    page.wait_for_url("**/auth/sign-in**")
    page.fill("#id_login", user.login)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")


def fill_in(page: Page) -> None:
    """Fill in a component, a variable and a secret one, with more rows than the form begins with."""
    page.fill("#id_name", "Cache")
    page.fill("#id_image_reference", "registry.example.com/dev/cache:1")
    page.locator("#s-variables > summary").click()
    page.locator("#s-variables button[name=more]").click()
    page.wait_for_load_state()
    page.fill("#id_variables_5_name", "LEVEL")
    page.fill("#id_variables_5_value", "info")
    page.fill("#id_variables_0_name", "TOKEN")
    page.check("#id_variables_0_secret")
    page.fill("#id_variables_0_value", "hunter2-of-the-variable")
    page.fill("#id_image_password", "hunter2-of-the-registry")


def test_a_form_that_came_too_late_is_filled_in_again(
    base: str, signed_in: SignIn, developer: User, admin: User
) -> None:
    drafted(admin)
    page = signed_in(developer)
    page.goto(f"{base}{NEW}")
    fill_in(page)
    Session.objects.all().delete()
    page.click("#save")
    page.wait_for_url("**/auth/sign-in**")
    kept = page.evaluate(KEPT)
    assert "Cache" in kept and "hunter2" not in kept and "csrfmiddlewaretoken" not in kept
    sign_in(page, developer)
    note = page.locator("#typed-again")
    expect(note.get_by_text("It was not saved.")).to_be_visible()
    expect(note.get_by_text("Secrets are never kept: type them once more.")).to_be_visible()
    expect(note.locator("[data-if-lost]")).to_be_hidden()
    assert page.input_value("#id_name") == "Cache"
    assert page.input_value("#id_variables_5_value") == "info"
    assert (page.input_value("#id_variables_0_name"), page.is_checked("#id_variables_0_secret")) == ("TOKEN", True)
    assert page.input_value("#id_variables_0_value") == page.input_value("#id_image_password") == ""
    assert page.evaluate(KEPT) is None, "filled in once"
    page.fill("#id_variables_0_value", "again")
    page.fill("#id_image_password", "")
    page.click("#save")
    page.wait_for_url("**/components")
    page.goto(f"{base}{NEW}")
    assert page.input_value("#id_name") == "", "what was saved is not filled in again"
    assert page.evaluate(KEPT) is None


def test_signing_in_by_the_notice_brings_it_back_and_nobody_else_gets_it(
    base: str, signed_in: SignIn, admin: User
) -> None:
    other = person(admin.enterprise, "other", enterprise_roles=["admin"])
    page = signed_in(admin)
    for back, shown in ((admin, "Shop"), (other, "")):
        page.clock.install()
        page.goto(f"{base}/teams/new")
        page.clock.fast_forward(70_000)
        Session.objects.all().delete()
        page.fill("#id_name", "Shop")
        page.locator("#signed-out a").click()
        sign_in(page, back)
        page.wait_for_url("**/teams/new")
        expect(page.locator("#id_name")).to_have_value(shown)
        expect(page.locator("#typed-again")).to_be_visible(visible=bool(shown))
        assert page.evaluate(KEPT) is None


def test_signing_out_keeps_nothing(base: str, signed_in: SignIn, admin: User) -> None:
    page = signed_in(admin)
    page.goto(f"{base}/teams/new")
    page.fill("#id_name", "Shop")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/sign-in**")
    assert page.evaluate(KEPT) is None


def test_another_language_keeps_the_address_and_what_is_typed(
    base: str, signed_in: SignIn, developer: User, admin: User
) -> None:
    drafted(admin)
    page = signed_in(developer)
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.goto(f"{base}{NEW}")
    page.fill("#id_name", "Cache")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("#id_name")).to_have_value("Cache")
    assert page.url == f"{base}{NEW}" and asked == []
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#id_name")).to_have_value("Cache")


def test_a_form_typed_over_an_older_state_does_not_win_over_a_newer_one(
    base: str, signed_in: SignIn, developer: User, admin: User
) -> None:
    drafted(admin)
    data: dict[str, object] = {"name": "Web", "key": "web", "image": {"reference": "registry.example.com/dev/web:1"}}
    component = add_component(application=Application.objects.get(), data=data, acting_user=developer)
    page = signed_in(developer)
    page.goto(f"{base}/environments/test/apps/shop/components/web")
    page.fill("#id_name", "Mine")
    Session.objects.all().delete()
    change_component(component=component, data=data | {"name": "Theirs"}, acting_user=developer)
    page.click("#save")
    sign_in(page, developer)
    expect(page.locator("#id_name")).to_have_value("Mine")
    page.click("#save")
    page.locator("[role=alert]#problems").wait_for()
    component.refresh_from_db()
    assert component.name == "Theirs"
