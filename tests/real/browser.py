"""The browser of the tests: the system's Chromium, else Debian's package, else Playwright's own download.

`python -m tests.real.browser` makes sure that one is there, and says which, or that none could be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

# The engine without the window first: the same pages for less.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
_FLAGS = ["--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


def executable() -> Path | None:
    """Find a Chromium: the system's first, then the one Playwright downloaded."""
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


def install() -> Path | None:
    """Give a Chromium, fetching one if need be; None when this machine can have none."""
    if found := executable():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_get("update", "-q")
        # Its engine alone takes half of the processor for the same pages; older systems have only the whole.
        for package in ("chromium-headless-shell", "chromium"):
            _apt_get("install", "-y", "-q", "--no-install-recommends", package, "fonts-noto-cjk")
            if found := executable():
                return found
    try:
        line = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(line, check=False, stdout=sys.stderr, timeout=300)
    except subprocess.TimeoutExpired:
        return None
    return executable()


def _apt_get(*words: str) -> None:
    subprocess.run(["apt-get", *words], check=False, stdout=sys.stderr)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running headless Chromium. Where there is none the test is counted as not run, with this reason."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium on this machine (python -m tests.real.browser fetches one)")
    # Playwright's synchronous face runs an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else _FLAGS
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(path), args=flags)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile in English; a test that wants another asks `browser` itself."""
    fresh = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    fresh.set_default_timeout(15_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A blank page of the fresh profile."""
    return context.new_page()


if __name__ == "__main__":
    chosen = install()
    print(f"browser of the tests: {chosen}" if chosen else "browser of the tests: none; its tests count as not run")
