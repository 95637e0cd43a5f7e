"""Lists and pages bring themselves up to date and leave in peace what the reader is doing there."""

from __future__ import annotations

import re

from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from operations.models import Operation
from teams.models import User
from tests.pages.conftest import SignIn
from tests.pages.test_pages import an_operation

MARK = "one => { one.untouched = true; }"
IS_MARKED = "document.activeElement.untouched === true"


def test_a_list_shows_news_and_keeps_focus_and_what_is_typed(base: str, signed_in: SignIn, admin: User) -> None:
    operation = an_operation(admin, state="running")
    page = signed_in(admin)
    page.goto(f"{base}/operations")
    page.check("#f-mine")
    link = page.locator("th[scope=row] a")
    link.evaluate(MARK)
    link.focus()
    assert "60 %" in page.inner_text("table")
    Operation.objects.filter(pk=operation.pk).update(done=4)
    page.locator("table").get_by_text("80 %").wait_for()
    assert page.evaluate(IS_MARKED)
    assert page.is_checked("#f-mine")
    an_operation(admin, state="running")
    page.locator("tbody tr").nth(1).wait_for()
    assert page.locator("tbody tr").count() == 2


def test_the_title_tells_how_far_an_operation_is_until_it_ended(base: str, signed_in: SignIn, admin: User) -> None:
    operation = an_operation(admin, state="running")
    page = signed_in(admin)
    # No stream passes here: the page asks by itself.
    page.route("**/events/**", lambda route: route.fulfill(status=502))
    page.goto(f"{base}/operations/{operation.name}")
    assert page.title().startswith("(60%) ")
    Operation.objects.filter(pk=operation.pk).update(done=4)
    expect(page).to_have_title(re.compile(r"^\(80%\) "))
    Operation.objects.filter(pk=operation.pk).update(done=5, state="succeeded", finished_at=timezone.now())
    expect(page).to_have_title(re.compile(r"^[^(]"))
    assert page.locator("[data-ended]").count() == 1
    expect(page.locator(".topbar")).not_to_contain_text("running", timeout=15_000)
    expect(page.locator(".rail")).to_have_text(re.compile(r"Operations\s*Platform management"))


def test_a_page_whose_session_ended_says_so(base: str, signed_in: SignIn, admin: User) -> None:
    an_operation(admin, state="running")
    page = signed_in(admin)
    page.goto(f"{base}/operations")
    Session.objects.all().delete()
    note = page.locator("#signed-out")
    note.wait_for(state="visible")
    assert "What you typed is still here" in note.inner_text()
    note.get_by_role("link", name="Sign in again").click()
    page.wait_for_url("**/auth/sign-in?next=/operations")
