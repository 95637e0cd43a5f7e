"""Logs on pages: kept at their end, searched within, taken away as text."""

from __future__ import annotations

import re

from django.test import Client
from playwright.sync_api import Page, expect

from operations.models import Operation, OperationEvent
from teams.models import User
from tests.pages.conftest import SignIn
from tests.pages.test_pages import an_operation
from tests.pages.test_typing import drafted

LOG = "/environments/test/apps/shop/components/web/log"
STREAM = re.compile(r"/events/environments/test/apps/shop/components/web/log\?")
AT_END = "one => one.scrollHeight - one.scrollTop - one.clientHeight < 24"


def written(operation: Operation, first: int, last: int) -> None:
    """Write lines, each of a component with its number."""
    OperationEvent.objects.bulk_create(
        OperationEvent(operation=operation, code="started", component=f"part-{number:03}")
        for number in range(first, last + 1)
    )


def body(page: Page) -> str:
    return page.inner_text("[data-log-body]")


def test_the_log_of_an_operation_follows_until_the_reader_looks_back(base: str, signed_in: SignIn, admin: User) -> None:
    operation = an_operation(admin, state="running")
    written(operation, 1, 60)
    page = signed_in(admin)
    page.route("**/events/**", lambda route: route.fulfill(status=502))
    page.goto(f"{base}/operations/{operation.name}")
    place, tick, newest = (
        page.locator("[data-log-body]"),
        page.locator("#log-follow"),
        page.locator("[data-log-newest]"),
    )
    assert place.evaluate(AT_END) and tick.is_checked() and newest.is_hidden()
    written(operation, 61, 70)
    page.get_by_text("part-070").wait_for()
    assert place.evaluate(AT_END)
    place.hover()
    page.mouse.wheel(0, -400)
    expect(tick).not_to_be_checked()
    expect(newest).to_be_visible()
    held = place.evaluate("one => one.scrollTop")
    written(operation, 71, 80)
    page.get_by_text("part-080").wait_for(state="attached")
    assert place.evaluate("one => one.scrollTop") == held
    newest.click()
    assert place.evaluate(AT_END) and tick.is_checked()
    expect(newest).to_be_hidden()


def test_the_log_is_searched_while_it_grows(base: str, signed_in: SignIn, admin: User) -> None:
    operation = an_operation(admin, state="running")
    written(operation, 1, 20)
    page = signed_in(admin)
    page.route("**/events/**", lambda route: route.fulfill(status=502))
    page.goto(f"{base}/operations/{operation.name}")
    page.fill("#log-find", "PART-01")
    expect(page.locator("[data-line]:visible")).to_have_count(10)
    expect(page.locator("[data-log-count]")).to_have_text("10 of 21 lines")
    written(operation, 118, 119)
    written(operation, 21, 22)
    expect(page.locator("[data-log-count]")).to_have_text("10 of 25 lines")
    assert page.input_value("#log-find") == "PART-01"
    page.fill("#log-find", "")
    expect(page.locator("[data-line]:visible")).to_have_count(25)


def test_without_a_script_it_is_searched_too_and_all_of_it_is_a_file(admin: User) -> None:
    operation = an_operation(admin, state="running")
    written(operation, 1, 620)
    client = Client()
    client.force_login(admin)
    page = client.get(f"/operations/{operation.name}?find=part-62").content.decode()
    assert "part-620" in page and "part-619" not in page
    assert "Older lines than the last 500 are in the file." in page
    answer = client.get(f"/operations/{operation.name}/log.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{operation.name}.log"'
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 621
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info part-620 A worker has begun.*", lines[-1])
    assert lines[0].split()[1:3] == ["info", "-"]


def test_a_line_of_the_file_is_a_line_of_the_log(admin: User) -> None:
    operation = an_operation(admin, state="running")
    OperationEvent.objects.create(operation=operation, code="a code\nof two lines")
    client = Client()
    client.force_login(admin)
    lines = b"".join(client.get(f"/operations/{operation.name}/log.txt").streaming_content).splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2 and lines[1].endswith(b" info - a code of two lines")


def test_the_log_of_a_component_is_searched_followed_and_taken_away(
    base: str, signed_in: SignIn, developer: User, admin: User
) -> None:
    drafted(admin)
    asked: list[str] = []
    lines = "".join(f"line {number:03} of web\n" for number in range(1, 201))

    def answer(route: object, request: object) -> None:
        asked.append(request.url)  # type: ignore[attr-defined]
        gone = "previous=true" in request.url  # type: ignore[attr-defined]
        route.fulfill(status=404 if gone else 200, body="" if gone else lines, content_type="text/plain")  # type: ignore[attr-defined]

    page = signed_in(developer)
    page.route(STREAM, answer)
    page.goto(f"{base}{LOG}")
    expect(page.locator("#log-state")).to_have_text("The log has ended.")
    assert "follow=true" in asked[0] and "previous=false" in asked[0]
    assert page.locator("#log").evaluate(AT_END)
    page.fill("#log-find", "LINE 19")
    expect(page.locator("[data-log-count]")).to_have_text("10 of 200 lines")
    assert body(page).strip().splitlines() == [f"line {number} of web" for number in range(190, 200)]
    page.fill("#log-find", "")
    assert "line 001" in body(page)
    href = page.get_by_role("link", name="Download").get_attribute("href") or ""
    assert "tail=5000" in href and "follow" not in href
    page.get_by_role("link", name="Before the last restart").click()
    expect(page.locator("#log-state")).to_contain_text("There is nothing from before")
    assert "previous=true" in asked[-1] and "follow" not in asked[-1]
    assert page.locator("#log-follow").count() == 0
