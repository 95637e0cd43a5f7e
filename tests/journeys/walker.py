"""A person in a browser of their own: what is pressed is counted, every page is judged, and pictured if wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.journeys.stories import Person, Story
from tests.pages.judging import HAN, judge

PATIENCE = 120_000
"""How long an operation may take, in milliseconds; the road stops there, not at the next page."""


class Shots:
    """Pictures of a whole road, numbered in order; none unless JOURNEY_SHOTS names a folder."""

    def __init__(self, language: str) -> None:
        folder = os.environ.get("JOURNEY_SHOTS")
        self.folder = Path(folder) / language if folder else None
        self.number = 0
        self.names: set[str] = set()

    def take(self, page: Page, name: str) -> None:
        """Keep what the page looks like, whole."""
        self.number += 1
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.folder / f"{self.number:02}-{name}.png", full_page=True, animations="disabled")


class Walker:
    """One person on the road."""

    def __init__(self, browser: Browser, console: str, story: Story, person: Person, shots: Shots) -> None:
        self.console = console
        self.story = story
        self.person = person
        self.shots = shots
        self.clicks = 0
        self.faults: list[str] = []
        width, height = story.size
        self.context = browser.new_context(
            locale=story.locale,
            color_scheme=story.theme,
            viewport={"width": width, "height": height},
            # Nobody looks at what turns: on a machine without a graphics card, every turn is painted by the processor.
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(20_000)
        self.context.on("console", lambda message: self._heard(message.type, message.text, message.location))
        self.context.on("weberror", lambda error: self.faults.append(f"{error.page and error.page.url}: {error.error}"))
        self.context.on("request", lambda request: self._asked(request.url))
        self.page: Page = self.context.new_page()

    def _heard(self, kind: str, text: str, location: Any) -> None:
        if kind == "error" and str(location.get("url", "")).startswith(self.console):
            self.faults.append(f"{self.page.url}: {text}")

    def _asked(self, address: str) -> None:
        """Pages ask nobody but the console; the pages of delivered applications are not the console's."""
        if self.page.url.startswith(self.console) and not address.startswith((self.console, "data:")):
            where = urlsplit(address)
            if not (where.hostname or "").startswith(("10.77.", "127.0.0.1")):
                self.faults.append(f"{self.page.url} asked {address}")

    # --- What a person does ----------------------------------------------------------------------------------------

    def go(self, path: str) -> None:
        """Type an address of the console."""
        self.page.goto(f"{self.console}{path}")

    def press(self, place: Locator) -> None:
        """Press something: one click."""
        self.clicks += 1
        place.click()

    def link(self, text: str, *, within: str = "main", exact: bool = False) -> None:
        """Follow the first link that is called so."""
        self.press(self.page.locator(within).get_by_role("link", name=text, exact=exact).first)

    def button(self, text: str, *, within: str = "main", exact: bool = True) -> None:
        """Press the button that is called so."""
        self.press(self.page.locator(within).get_by_role("button", name=text, exact=exact))

    def menu(self, text: str) -> None:
        """Go to a place of the navigation. On a phone it is opened first, which no bound on clicks counts."""
        rail = self.page.locator(".rail")
        if self.story.is_narrow:
            self.page.locator('[data-bs-target="#rail"]').click()
            expect(rail).to_have_class(re.compile(r"\bshow\b"))
        self.press(rail.get_by_role("link", name=text, exact=True))
        self.page.wait_for_load_state()

    def fill(self, place: str, text: Any) -> None:
        """Type into a field."""
        self.page.fill(place, str(text))

    def choose(self, place: str, value: str) -> None:
        """Open a list and choose from it: two clicks."""
        self.clicks += 2
        self.page.select_option(place, value)

    def tick(self, place: Locator) -> None:
        """Tick a box that is not ticked yet: one click."""
        if not place.is_checked():
            self.clicks += 1
            place.check()

    def unfold(self, text: str) -> None:
        """Open a part of a form, unless it stands open."""
        part = self.page.locator("main details", has=self.page.locator("summary", has_text=text)).first
        if part.get_attribute("open") is None:
            self.press(part.locator("summary"))

    def sign_in(self, password: str, chosen: str) -> None:
        """Sign in with the password for one use and choose another."""
        self.go("/")
        self.seen("sign-in")
        self.fill("#id_login", self.person.login)
        self.fill("#id_password", password)
        self.button(self.story("Sign in"))
        self.page.wait_for_url("**/account/password*")
        self.seen("choose-a-password")
        self.fill("#id_current", password)
        self.fill("#id_new", chosen)
        self.button(self.story("Save password"))
        self.page.wait_for_url(re.compile(r"/$|/teams/|/market"))
        self.seen(f"landing-of-{self.person.login}")

    # --- What is demanded of what they see --------------------------------------------------------------------------

    def seen(self, name: str) -> None:
        """Judge the page as it stands (accessibility, width, language), and picture it; once under each name."""
        if name in self.shots.names:
            return
        self.shots.names.add(name)
        self.page.wait_for_load_state()
        # A bar that stays at the top would half cover what a page was scrolled to.
        self.page.evaluate("scrollTo(0, 0)")
        judge(self.page)
        if self.story.language == "en":
            assert not HAN.search(self.page.inner_text("main")), f"{self.page.url} is not all English"
        self.shots.take(self.page, name)

    @contextmanager
    def within(self, bound: int, what: str) -> Iterator[None]:
        """Do something with no more than that many clicks."""
        before = self.clicks
        yield
        assert self.clicks - before <= bound, f"{what} took {self.clicks - before} clicks, not {bound}"

    def ended(self, name: str) -> None:
        """Stay on the page of an operation until it has succeeded; it says so without being loaded again."""
        self.page.wait_for_url(re.compile("/operations/op-"))
        self.seen(name)
        self.page.locator("[data-part=progress] [data-ended]").wait_for(state="attached", timeout=PATIENCE)
        chip = self.page.locator("[data-part=progress] .st.chip")
        assert "ok" in (chip.get_attribute("class") or "").split(), self.page.inner_text("main")
        self.seen(f"{name}-ended")

    def runs(self) -> None:
        """Stay on the page of an application until it runs what was delivered, without loading it again."""
        self.page.locator("h1 .st.ok").wait_for(timeout=PATIENCE)
        self.page.locator(".facts", has_text=self.story("runs the delivered digests")).wait_for(timeout=PATIENCE)

    def left(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Close the browser, after a picture of where it stood when something went wrong."""
        if error is not None:
            with suppress(PlaywrightError):
                error.add_note(f"{self.person.login} stood at {self.page.url}")
                self.shots.take(self.page, f"{self.person.login}-when-it-failed")
        self.context.close()

    def end(self) -> None:
        """Close the browser; nothing was stopped by the content policy, no script failed, nobody else was asked."""
        self.context.close()
        assert self.faults == [], self.faults
