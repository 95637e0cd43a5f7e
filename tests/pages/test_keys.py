"""The console by keys alone: shortcuts that can be switched off, questions that close, and the road of a delivery."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from clusters.models import Application
from marketplace.models import Template, Version
from operations.models import Operation
from teams.models import User
from tests.builders import make_token
from tests.pages.conftest import SignIn
from tests.pages.test_install import published, zhaomin
from tests.pages.test_pages import an_operation
from tests.pages.test_upgrade import finish

__all__ = ["zhaomin"]
ACTIVE = "document.activeElement"
SEEN = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  const bar = document.querySelector('.topbar').getBoundingClientRect();
  const fixed = one.closest('.topbar, .rail, .skip, dialog') !== null;
  const label = one.labels && one.labels[0] ? one.labels[0].textContent : one.textContent;
  if (one === document.body) { return { name: 'body' }; }
  return {
    name: (one.getAttribute('aria-label') || label || '').replace(/\\s+/g, ' ').trim(),
    what: one.outerHTML.slice(0, 120),
    ring: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || one.type === 'file',
    clear: fixed || (box.top >= bar.bottom - 1 && box.bottom <= innerHeight + 1) || box.height > innerHeight / 2,
  };
}"""


def test_keys_search_go_and_show_themselves(base: str, signed_in: SignIn, admin: User) -> None:
    page = signed_in(admin)
    page.goto(f"{base}/operations")
    page.keyboard.press("/")
    assert page.evaluate(f"{ACTIVE}.id") == "f-q"
    page.keyboard.type("g m/?")
    assert page.input_value("#f-q") == "g m/?" and page.url == f"{base}/operations", "in a field they are letters"
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url(f"{base}/market")
    button = page.get_by_role("button", name="Keyboard shortcuts")
    button.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate(f"{ACTIVE} === document.body || {ACTIVE}.closest('dialog') !== null"), "it keeps the focus"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()


def test_keys_can_be_switched_off(base: str, signed_in: SignIn, admin: User) -> None:
    page = signed_in(admin)
    page.goto(f"{base}/operations")
    page.keyboard.press("?")
    page.get_by_label("Use shortcuts of a single key in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("/")
    assert page.evaluate(f"{ACTIVE}.id") != "f-q"
    page.reload()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").count() == 0
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use shortcuts of a single key in this browser").check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()


def test_a_question_closes_by_escape_and_by_a_click_beside_it(base: str, signed_in: SignIn, admin: User) -> None:
    make_token(admin)
    page = signed_in(admin)
    page.goto(f"{base}/account/tokens")
    question = page.locator("details.confirm").first
    summary = question.locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(question).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(question).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()
    summary.click()
    page.locator("h1").click()
    expect(question).not_to_have_attribute("open", "")


def press(page: Page, wanted: str, key: str = "Enter", *, most: int = 80) -> None:
    """Tab on until what has the focus is called `wanted`, then press it; every stop shows where one is."""
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(SEEN)
        if found["name"] == "body":
            break
        assert found["ring"] and found["clear"], found
        if wanted in found["name"]:
            page.keyboard.press(key)
            return
    raise AssertionError(f"{wanted} is not reached by Tab on {page.url}")


@pytest.mark.timeout(240)  # every stop of the keys is looked at
def test_a_version_is_installed_and_upgraded_by_keys_alone(base: str, signed_in: SignIn, zhaomin: User) -> None:
    page = signed_in(zhaomin)
    page.goto(f"{base}/market")
    page.keyboard.press("Tab")
    assert page.evaluate(SEEN)["name"] == "Skip to content"
    page.keyboard.press("Enter")
    press(page, "Install 后台管理系统")
    page.wait_for_url("**/install*")
    press(page, "生产-青岛", "Space")
    page.locator("[data-plan-box] [data-live]").wait_for()
    press(page, "Install")
    page.wait_for_url(re.compile("/operations/op-"))
    app = Application.objects.get()
    finish(app, Version.objects.get(number="1.0"))
    published(Template.objects.get(), "3.0", zhaomin, mark="release")
    page.goto(f"{base}/environments/{app.environment.slug}/apps/{app.slug}")
    press(page, "Review upgrade")
    page.wait_for_url("**/upgrade*")
    press(page, "Upgrade to 3.0")
    page.wait_for_url(re.compile("/operations/op-"))
    assert Operation.objects.filter(kind="upgrade").count() == 1


def test_times_tell_their_exact_moment_under_the_pointer_and_on_focus(
    base: str, signed_in: SignIn, admin: User
) -> None:
    page = signed_in(admin)
    an_operation(admin)
    page.goto(f"{base}/operations")
    told = page.locator("time.when").first
    exact = told.get_attribute("data-exact") or ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", exact)
    shown = "one => getComputedStyle(one, '::after').content"
    assert told.evaluate(shown) == "none"
    told.focus()
    assert told.evaluate(shown) == f'"{exact}"'
    page.locator("h1").click()
    assert told.evaluate(shown) == "none"
    told.hover()
    assert told.evaluate(shown) == f'"{exact}"'


def test_the_tiles_of_the_overview_go_on_by_themselves(base: str, signed_in: SignIn, admin: User) -> None:
    page = signed_in(admin)
    page.goto(f"{base}/")
    tile = page.locator(".tile", has_text="Operations, 24 h").locator(".figure")
    expect(tile).to_have_text("0")
    page.locator("a.push").first.focus()
    an_operation(admin, state="running")
    expect(tile).to_have_text("1", timeout=15_000)
    expect(page.locator(".topbar")).to_contain_text("1 running")
    assert page.evaluate(f"{ACTIVE}.classList.contains('push')"), "focus stays where it was"
