"""Installing into several environments, each with values of its own where they differ: with scripts and without."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from clusters.models import Application
from marketplace.models import Template
from operations.models import Operation
from teams.models import User
from tests.cast import Cast
from tests.pages.conftest import LIGHT_DESK, PASSWORD, SignIn
from tests.pages.judging import every_look, judge
from tests.pages.test_install import VARIABLES, office, place, published, sent, zhaomin
from tests.pages.test_market import client_of, text_of

__all__ = ["office", "zhaomin"]

LEVEL, MAIL = "web.variables.LOG_LEVEL", "web.variables.SMTP_PASSWORD"
BOTH: dict[str, Any] = {"environments": ["one", "two"]}


@pytest.fixture
def two(cast: Cast, office: Template) -> Any:
    """A client of somebody who delivers, and two environments to choose."""
    place(cast.team, "one", name="First")
    place(cast.team, "two", name="Second")
    return client_of(cast.delivery)


def values() -> dict[str, dict[str, Any]]:
    """What each environment's revision was given: slug → address → value."""
    found = {}
    for app in Application.objects.select_related("environment"):
        revision = app.revisions.get()
        secrets = revision.content()["values"]
        given = {address for address, value in revision.values.items() if value["origin"] == "given"}
        found[app.environment.slug] = {
            address: secrets.get(address, revision.values[address].get("value")) for address in given
        }
    return found


def test_the_fields_are_there_once_several_are_chosen(two: Any) -> None:
    path = "/market/back-office/install"
    for query in ("", "?env=one"):
        assert "Different in" not in text_of(two.get(f"{path}{query}"))
    page = two.get(f"{path}?env=one&env=two")
    assert "Different in First" in text_of(page) and "Different in Second" in text_of(page)
    assert "<details" in page.content.decode() and 'id="own-one" open' not in page.content.decode(), "folded away"


def test_the_common_value_holds_where_an_environment_says_nothing_else(two: Any) -> None:
    fields = {f"values_{MAIL}": "common", f"own_two_{LEVEL}": "debug", f"own_two_{MAIL}": "other"}
    assert sent(two, **BOTH, **fields).status_code == 302
    assert values() == {"one": {MAIL: "common"}, "two": {MAIL: "other", LEVEL: "debug"}}


def test_what_the_version_says_itself_may_be_one_environment_s_own_choice(two: Any) -> None:
    fields = {f"values_{MAIL}": "x", f"values_{LEVEL}": "debug", f"own_one_{LEVEL}": "info"}
    assert sent(two, **BOTH, **fields).status_code == 302
    assert {slug: given[LEVEL] for slug, given in values().items()} == {"one": "info", "two": "debug"}


def test_a_value_needed_may_be_given_to_each_alone(two: Any) -> None:
    assert sent(two, **BOTH, **{f"own_one_{MAIL}": "a", f"own_two_{MAIL}": "b"}).status_code == 302
    assert {slug: given[MAIL] for slug, given in values().items()} == {"one": "a", "two": "b"}


def test_what_is_missing_is_told_where_it_is(two: Any) -> None:
    nowhere = sent(two, **BOTH)
    assert nowhere.status_code == 422 and f'id="id_values_{MAIL}_error"' in nowhere.content.decode()
    half = sent(two, **BOTH, **{f"own_one_{MAIL}": "a"})
    page = half.content.decode()
    assert half.status_code == 422 and f'id="id_own_two_{MAIL}_error"' in page
    assert f'id="id_values_{MAIL}_error"' not in page and 'id="own-two" open' in page
    assert 'value="a"' in page, "what was typed stays"
    assert not Operation.objects.filter(kind="install").exists()


def test_a_choice_that_is_none_is_refused_at_the_environment_s_own_field(two: Any) -> None:
    wrong = sent(two, **BOTH, **{f"values_{MAIL}": "x", f"own_two_{LEVEL}": "loud"})
    assert wrong.status_code == 422 and f'id="id_own_two_{LEVEL}_error"' in wrong.content.decode()


def test_values_of_an_environment_that_is_not_chosen_do_not_count(two: Any, cast: Cast) -> None:
    place(cast.team, "three")
    fields = {f"values_{MAIL}": "x", f"own_three_{MAIL}": "y", f"own_nowhere_{MAIL}": "z"}
    assert sent(two, **BOTH, **fields).status_code == 302
    assert values() == {"one": {MAIL: "x"}, "two": {MAIL: "x"}}


def test_the_plan_asks_each_cluster_with_its_own_values(two: Any) -> None:
    asked = sent(two, do="plan", **BOTH, **{f"own_one_{MAIL}": "a", f"own_two_{MAIL}": "b"})
    assert asked.status_code == 200
    assert Operation.objects.filter(kind="plan", parent__is_batch=True).count() == 2


def test_without_scripts_another_look_brings_the_fields_and_keeps_what_was_typed(two: Any) -> None:
    first = two.get("/market/back-office/install").content.decode()
    assert 'name="do" value="own"' in first
    looked = sent(two, do="own", app_name="Mine", **BOTH, **{f"values_{LEVEL}": "debug", f"own_two_{MAIL}": "kept"})
    page = looked.content.decode()
    assert looked.status_code == 200 and 'value="Mine"' in page and 'value="kept"' in page
    assert 'id="own-two" open' in page and 'value="debug" selected' in page
    assert not Operation.objects.exists()


# --- In a real browser ------------------------------------------------------------------------------------------------


def test_ticking_a_second_environment_brings_its_fields(base: str, signed_in: SignIn, zhaomin: User) -> None:
    published(Template.objects.get(), "1.1", zhaomin, mark="release", variables=VARIABLES)
    page = signed_in(zhaomin)
    page.goto(f"{base}/market/admin-console/install?env=prod-qingdao")
    assert page.locator("[data-own-box] details").count() == 0
    page.get_by_text("生产-上海", exact=True).click()
    shanghai = page.locator("#own-prod-shanghai")
    shanghai.wait_for()
    assert not shanghai.evaluate("part => part.open"), "calm until it is wanted"
    page.locator("#own-prod-shanghai summary").click()
    page.fill("[name='own_prod-shanghai_web.variables.SMTP_PASSWORD']", "b")
    page.locator("#own-prod-qingdao summary").click()
    page.fill("[name='own_prod-qingdao_web.variables.SMTP_PASSWORD']", "a")
    page.get_by_role("button", name="Install", exact=True).click()
    page.wait_for_url("**/operations/op-*")
    assert {slug: given[MAIL] for slug, given in values().items()} == {"prod-qingdao": "a", "prod-shanghai": "b"}


def test_unticking_takes_them_away_and_what_was_typed_elsewhere_stays(
    base: str, signed_in: SignIn, zhaomin: User
) -> None:
    published(Template.objects.get(), "1.1", zhaomin, mark="release", variables=VARIABLES)
    page = signed_in(zhaomin)
    page.goto(f"{base}/market/admin-console/install?env=prod-qingdao&env=prod-shanghai")
    common = page.locator("[name='values_web.variables.SMTP_PASSWORD']")
    assert common.get_attribute("required") is None, "each may have its own"
    common.fill("typed")
    page.locator(".pick", has_text="生产-上海").click()
    page.locator("[data-own-box] details").first.wait_for(state="detached")
    assert common.input_value() == "typed"
    page.get_by_role("button", name="Install", exact=True).click()
    page.wait_for_url("**/operations/op-*")
    assert values() == {"prod-qingdao": {MAIL: "typed"}}


def test_it_goes_without_scripts_too(base: str, browser: Browser, signed_in: SignIn, zhaomin: User) -> None:
    published(Template.objects.get(), "1.1", zhaomin, mark="release", variables=VARIABLES)
    context = browser.new_context(java_script_enabled=False)
    page = signed_in(zhaomin, PASSWORD, within=context)
    page.goto(f"{base}/market/admin-console/install")
    for name in ("生产-青岛", "生产-上海"):
        page.get_by_text(name, exact=True).click()
    page.get_by_role("button", name="Other values for each environment chosen").click()
    page.fill("[name='values_web.variables.SMTP_PASSWORD']", "common")
    page.locator("#own-prod-shanghai summary").click()
    page.fill("[name='own_prod-shanghai_web.variables.SMTP_PASSWORD']", "other")
    page.get_by_role("button", name="Install", exact=True).click()
    assert "/operations/op-" in page.url
    assert values() == {"prod-qingdao": {MAIL: "common"}, "prod-shanghai": {MAIL: "other"}}
    context.close()


def test_open_and_wrong_it_is_accessible_and_fits(
    base: str, browser: Browser, signed_in: SignIn, zhaomin: User
) -> None:
    published(Template.objects.get(), "1.1", zhaomin, mark="release", variables=VARIABLES)
    for page in every_look(browser, signed_in, zhaomin, LIGHT_DESK):
        page.goto(f"{base}/market/admin-console/install?env=prod-qingdao&env=prod-shanghai")
        page.locator("#own-prod-shanghai summary").click()
        page.fill("[name='own_prod-shanghai_web.variables.SMTP_PASSWORD']", "b")
        judge(page)
        page.locator("button[value=install]").click()
        page.locator("#own-prod-qingdao[open]").wait_for()
        judge(page)
