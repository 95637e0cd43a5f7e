"""The page of the sample application, opened where the console says it is."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect

from tests.journeys.walker import Walker

OLD = {"web": r"1\.0, log level info", "api": r"1\.0", "db": "PONG", "worker": "works"}
NEW = {"web": r"2\.0, log level warn", "api": r"2\.0", "db": "PONG", "cache": "PONG"}
WITHIN = 60


def opened(walker: Walker, answers: dict[str, str], *, shot: str) -> Sample:
    """Press the link to the application's page on its page of the console, and read what answers there."""
    walker.runs()
    walker.link(walker.story("Open %(component)s", component="web"))
    sample = Sample(walker.page)
    sample.settle(answers)
    walker.shots.take(walker.page, shot)
    return sample


class Sample:
    """The page that stands open."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def settle(self, answers: dict[str, str]) -> None:
        """Wait until each dependency gives the answer that is expected, loading the page as a person would."""
        end = time.monotonic() + WITHIN
        while not self._says(answers):
            assert time.monotonic() < end, self.answers()
            self.page.reload()
        version = self.page.inner_text("#version")
        assert re.match(answers["api"], version), version
        assert f"# {version}" in self.page.inner_text("pre"), "the configuration file is that of the version"
        assert self.page.locator(".bad").count() == 0

    def answers(self) -> dict[str, str]:
        """Give what each part of the application says."""
        rows = self.page.locator("#dependencies tr").all()
        return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows}

    def write(self, text: str) -> None:
        """Add a row to the database."""
        self.page.fill("[name=text]", text)
        self.page.get_by_role("button").click()
        self.page.locator("#rows td", has_text=text).wait_for()

    def rows(self) -> list[str]:
        """Give the rows that the database holds."""
        return self.page.locator("#rows td:nth-child(2)").all_inner_texts()

    def _says(self, answers: dict[str, str]) -> bool:
        """Whether the page, as loaded, gives these answers; it is given half a second each to show them."""
        rows = self.page.locator("#dependencies tr")
        try:
            for name, said in answers.items():
                row = rows.filter(has=self.page.locator("th", has_text=re.compile(f"^{name}$")))
                expect(row.locator("td")).to_have_text(re.compile(f"^{said}"), timeout=500)
        except AssertionError:
            return False
        return True
