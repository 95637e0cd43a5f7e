"""The first pages in a real browser: signing in, language, theme, and what a strict content policy lets through."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from django.db import transaction
from playwright.sync_api import Browser, Page

from operations.actions.enqueue import Subject, enqueue
from operations.models import Operation, OperationEvent, Step
from teams.models import AuditEvent, User
from tests.pages.conftest import PASSWORD, SignIn
from tests.pages.judging import HAN, as_looked_at, judge, watched

PATHS = ("/", "/operations", "/account/profile", "/account/password")


def an_operation(user: User, *, kind: str = "cluster_check", **more: object) -> Operation:
    """Make an operation of a kind nobody runs, in the middle of its work."""
    with transaction.atomic():
        row = enqueue(
            kind=kind,
            subject=Subject(type="app", id=None, name="后台管理系统", href="/api/v1/me"),
            enterprise=user.enterprise,
            initiator=user,
            deadline_seconds=3600,
        )
    Operation.objects.filter(pk=row.pk).update(done=3, total=5, unit="components", **more)
    Step.objects.create(operation=row, seq=1, key="check", state="done")
    Step.objects.create(operation=row, seq=2, key="component:web", state="pending")
    OperationEvent.objects.create(operation=row, code="started")
    return Operation.objects.get(pk=row.pk)


def test_signing_in_leads_to_where_one_wanted_to_be(base: str, page: Page, admin: User) -> None:
    page.goto(f"{base}/operations?state=failed")
    assert "/auth/sign-in" in page.url
    page.fill("#id_login", "WangFang ")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}/operations?state=failed")
    assert AuditEvent.objects.filter(action="session.signed_in", actor=admin).count() == 1


@pytest.mark.parametrize("login", ["wangfang", "nobody-of-that-name"])
def test_a_wrong_password_and_an_unknown_login_read_alike(base: str, page: Page, admin: User, login: str) -> None:
    page.goto(f"{base}/auth/sign-in")
    page.fill("#id_login", login)
    page.fill("#id_password", "not the password")
    page.click("main button[type=submit]")
    problem = page.locator("#problem")
    assert "password" in problem.inner_text().lower()
    assert page.evaluate("document.activeElement.id") == "problem"
    assert page.input_value("#id_login") == login
    assert page.input_value("#id_password") == ""


def test_a_one_time_password_is_replaced_before_anything_else(base: str, signed_in: SignIn, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(must_change_password=True)
    page = signed_in(admin)
    assert page.url == f"{base}/account/password"
    page.goto(f"{base}/operations")
    assert page.url == f"{base}/account/password"
    page.fill("#id_current", PASSWORD)
    page.fill("#id_new", "short")
    page.click("main button[type=submit]")
    assert page.locator(".field-error").count() == 1
    page.fill("#id_current", PASSWORD)
    page.fill("#id_new", "another rather long password")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{base}/")
    admin.refresh_from_db()
    assert not admin.must_change_password
    assert admin.check_password("another rather long password")


def test_the_language_changes_on_the_page_one_is_on(base: str, signed_in: SignIn, admin: User) -> None:
    page = signed_in(admin)
    page.goto(f"{base}/operations?state=failed")
    page.get_by_role("button", name="中文").click()
    page.wait_for_load_state()
    assert page.url == f"{base}/operations?state=failed"
    assert page.get_attribute("html", "lang") == "zh-Hans"
    admin.refresh_from_db()
    assert admin.language == "zh-hans"
    page.get_by_role("button", name="English").click()
    page.wait_for_load_state()
    assert page.get_attribute("html", "lang") == "en"


def test_the_theme_is_the_persons_choice(base: str, signed_in: SignIn, admin: User) -> None:
    page = signed_in(admin)
    page.goto(f"{base}/account/profile")
    assert page.get_attribute("html", "data-bs-theme") == "light"
    page.select_option("#id_theme", "dark")
    page.get_by_role("button", name="Save").click()
    page.wait_for_load_state()
    assert page.get_attribute("html", "data-bs-theme") == "dark"


def test_the_system_decides_where_nobody_chose(base: str, browser: Browser, admin: User) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{base}/auth/sign-in")
    assert page.get_attribute("html", "data-bs-theme") == "dark"
    context.close()


def test_people_see_their_roles(base: str, signed_in: SignIn, developer: User) -> None:
    page = signed_in(developer)
    page.goto(f"{base}/account/profile")
    assert "Developer" in page.inner_text("main")


def test_an_operation_is_told_by_its_own_page(base: str, signed_in: SignIn, admin: User) -> None:
    operation = an_operation(admin)
    page = signed_in(admin)
    page.goto(f"{base}/operations")
    page.get_by_role("link", name=re.compile("后台管理系统")).click()
    assert page.url == f"{base}/operations/{operation.name}"
    assert page.locator("ol.steps > li").count() == 2
    assert page.locator("progress.big").get_attribute("value") == "60"
    assert "A worker has begun" in page.inner_text("[role=log]")


def test_a_foreign_operation_does_not_exist(base: str, signed_in: SignIn, admin: User, developer: User) -> None:
    operation = an_operation(admin)
    page = signed_in(developer)
    for path in (f"/operations/{operation.name}", f"/operations/{operation.name}/parts", "/operations/op-999999"):
        answer = page.goto(f"{base}{path}")
        assert answer is not None and answer.status == 404
        assert "There is nothing here" in page.inner_text("main")


def test_without_scripts_pages_work(base: str, browser: Browser, admin: User) -> None:
    operation = an_operation(admin)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base}/operations/{operation.name}")
    page.fill("#id_login", admin.login)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    assert page.locator("ol.steps > li").count() == 2
    assert page.get_by_role("link", name="Load the page again").is_visible()
    context.close()


@pytest.mark.parametrize(
    ("language", "theme", "size"),
    [
        ("en-GB", "light", (1280, 800)),
        ("zh-CN", "dark", (1280, 800)),
        ("en-GB", "dark", (390, 844)),
        ("zh-CN", "light", (390, 844)),
        ("en-GB", "light", (320, 640)),
    ],
    ids=["en-light-desktop", "zh-dark-desktop", "en-dark-phone", "zh-light-phone", "en-light-narrow"],
)
def test_every_page_is_accessible_and_fits(
    base: str,
    browser: Browser,
    signed_in: SignIn,
    admin: User,
    language: str,
    theme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    operation = an_operation(admin)
    context = as_looked_at(browser, (language, theme, size))
    seen = watched(context)
    page = context.new_page()
    page.goto(f"{base}/auth/sign-in")
    judge(page)
    page.close()
    page = signed_in(admin, within=context)
    for path in (*PATHS, f"/operations/{operation.name}"):
        page.goto(f"{base}{path}")
        judge(page)
        if language == "en-GB":
            shown = page.inner_text("main").replace("后台管理系统", "").replace("王芳", "")
            assert not HAN.search(shown), path
    context.close()
    assert seen == []
