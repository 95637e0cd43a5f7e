"""Every page of teams, environments and applications: accessible, within its width, in both languages and themes."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser

from clusters.models import Environment
from tests.cast import Cast
from tests.clusters.apps import add, make_app, settle, start
from tests.clusters.apps import make_place as place_of
from tests.pages.conftest import PASSWORD, SignIn
from tests.pages.judging import HAN, as_looked_at, judge, watched
from tests.pages.test_apps import seen

APP = "/environments/test-internal/apps/shop"
ROUTE = {
    "component": "web",
    "port": "http",
    "kind": "http_route",
    "node_port": None,
    "url": "http://shop-web.test-internal.applications.example.com/administration",
    "confirmed": False,
}
PATHS = (
    "/teams",
    "/teams/new",
    "/teams/shop",
    "/teams/shop/members",
    "/teams/shop/environments",
    "/teams/shop/environments/new",
    "/environments/test-internal",
    "/environments/test-internal/apps/new",
    APP,
    f"{APP}/components",
    f"{APP}/components/new",
    f"{APP}/components/web",
    f"{APP}/deploy",
    f"{APP}/events",
    f"{APP}/revisions",
    f"{APP}/revisions/1",
    f"{APP}/settings",
)


@pytest.fixture
def furnished(transactional_db: None, cast: Cast) -> Cast:
    """A team with an environment that has a quota, one that failed, and an application with records."""
    place = place_of(cast, quota={"cpu": "8", "memory": "16Gi"}, quota_used={"cpu": "2"})
    row = make_app(place)
    api = cast.api("admin")
    add(api, row, "db")
    add(api, row, "web", depends_on=["db"], ports=[{"name": "http", "number": 8080, "outside": "node_port"}])
    settle(start(api, row))
    row.refresh_from_db()
    add(api, row, "worker", variables=[{"name": "LOG_LEVEL", "value": "info"}])
    event = {
        "at": "2026-03-02T14:02:03Z",
        "type": "Warning",
        "reason": "Unhealthy",
        "object": "Pod/shop-web-7d9c5bf4-x2x9z",
        "words": "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "count": 4,
    }
    seen(
        row,
        "degraded",
        cause_code="crash_loop",
        cause_params={"component": "web", "words": "exit"},
        events=[event],
        access=[ROUTE],
    )
    Environment.objects.filter(slug="test-internal").update(name="Test internal")
    cast.admin.set_password(PASSWORD)
    cast.admin.save()
    return cast


@pytest.mark.parametrize(
    ("language", "theme", "size"),
    [("en-GB", "light", (1280, 800)), ("zh-CN", "dark", (390, 844)), ("en-GB", "dark", (320, 640))],
    ids=["en-light-desktop", "zh-dark-phone", "en-dark-narrow"],
)
def test_every_page_is_accessible_and_fits(
    base: str,
    browser: Browser,
    signed_in: SignIn,
    furnished: Cast,
    language: str,
    theme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    context = as_looked_at(browser, (language, theme, size))
    seen = watched(context)
    page = signed_in(furnished.admin, within=context)
    for path in PATHS:
        answer = page.goto(f"{base}{path}")
        assert answer is not None and answer.status == 200, path
        page.evaluate("document.querySelectorAll('details').forEach(one => one.setAttribute('open', ''))")
        judge(page)
        assert page.locator("h1").count() == 1, path
        assert page.locator(".btn-primary:visible").count() <= 1, path
        if language == "en-GB":
            assert not HAN.search(page.inner_text("main")), path
    context.close()
    assert seen == []
