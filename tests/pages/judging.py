"""What every page is held to, whoever looks: no hurdle, no overflow, nothing stopped by the content policy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from teams.models import User
from tests.pages.conftest import Look, SignIn

HAN = re.compile("[\u4e00-\u9fff]")
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],  # what holds is neither described nor sent over
}
_STRAY_BLANK = re.compile("[\u3002\uff0c\uff1a\uff1b\uff01\uff1f] |[\u4e00-\u9fff] [\u3002\uff0c\uff1b]")
"""A blank beside a full-width mark: sentences that were joined the English way."""


def judge(page: Page) -> None:
    """Fail for a hurdle that axe finds, for a page wider than its window, and for blanks beside full-width marks.

    Leaves a picture of the page in the folder that PAGES_SHOTS names.
    """
    if folder := os.environ.get("PAGES_SHOTS"):
        _take(page, Path(folder))
    found = Axe().run(page, options=_RULES)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"{page.url} is {too_wide} px wider than {page.viewport_size}"
    if page.get_attribute("html", "lang") == "zh-Hans":
        stray = [line for line in page.inner_text("main").splitlines() if _STRAY_BLANK.search(line.strip())]
        assert stray == [], f"{page.url}: {stray}"


def _take(page: Page, folder: Path) -> None:
    language, theme = (page.get_attribute("html", name) for name in ("lang", "data-bs-theme"))
    width = (page.viewport_size or {"width": 0})["width"]
    name = re.sub(r"[^a-z0-9.]+", "-", urlsplit(page.url).path.lower()).strip("-") or "home"
    target = folder / f"{language}-{theme}-{width}"
    target.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target / f"{name}.png", full_page=True, animations="disabled")


def watched(context: BrowserContext) -> list[str]:
    """Collect what the content policy stopped, scripts' errors, and requests that leave the house."""
    seen: list[str] = []
    context.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: seen.append(str(error.error)))
    context.on(
        "request",
        lambda asked: None if "127.0.0.1" in asked.url or "localhost" in asked.url else seen.append(asked.url),
    )
    return seen


def as_looked_at(browser: Browser, look: Look) -> BrowserContext:
    """Open a browser with a language, a theme and a size."""
    language, theme, size = look
    return browser.new_context(locale=language, color_scheme=theme, viewport={"width": size[0], "height": size[1]})


def every_look(browser: Browser, signed_in: SignIn, user: User, looks: tuple[Look, ...]) -> Iterator[Page]:
    """Give a page of `user` in each look, one after the other."""
    for look in looks:
        context = as_looked_at(browser, look)
        yield signed_in(user, within=context)
        context.close()
