"""A live server and people who can sign in to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import BrowserContext, Page

from teams.models import Enterprise, User
from tests.builders import add_member, make_enterprise, make_team, make_user

PASSWORD = "a long enough password of the tests"


def person(enterprise: Enterprise, login: str, **more: Any) -> User:
    """Make a person who signs in with PASSWORD."""
    user = make_user(enterprise, login, **more)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def admin(transactional_db: None) -> User:
    """An enterprise admin."""
    return person(make_enterprise("main"), "wangfang", name="王芳", enterprise_roles=["admin"])


@pytest.fixture
def developer(admin: User) -> User:
    """A developer of one team."""
    user = person(admin.enterprise, "lilei", name="李雷")
    add_member(make_team(admin.enterprise, "shop"), user, "developer", granted_by=admin)
    return user


@pytest.fixture
def base(live_server: Any) -> str:
    """The live server's address."""
    return str(live_server.url)


Look = tuple[str, Literal["light", "dark"], tuple[int, int]]
DARK_DESK: tuple[Look, ...] = (("en-GB", "dark", (1280, 800)), ("zh-CN", "light", (390, 844)))
LIGHT_DESK: tuple[Look, ...] = (("en-GB", "light", (1280, 800)), ("zh-CN", "dark", (390, 844)))
"""Two looks that between them have both languages, both themes, a desk and a phone."""

SignIn = Callable[..., Page]


@pytest.fixture
def signed_in(base: str, context: BrowserContext) -> SignIn:
    """Sign somebody in and give the page one lands on."""

    def sign_in(user: User, password: str = PASSWORD, *, within: BrowserContext | None = None) -> Page:
        page = (within or context).new_page()
        page.goto(f"{base}/auth/sign-in")
        page.locator("#id_login").fill(user.login)
        page.locator("#id_password").fill(password)
        page.locator("main button[type=submit]").click()
        page.wait_for_load_state()
        return page

    return sign_in
