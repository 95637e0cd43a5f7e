"""Every page × every person × a thing of the own team, a foreign one, none: as the matrix of the API."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from tests.access.matrix import taken_back
from tests.access.page_rows import OPEN, OWN_TESTS, PAGES, STREAMS, WALLS, Page
from tests.access.rows import Places
from tests.access.unchanged import Watch, held
from tests.cast import NOBODY, Cast

_CHANGING = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"|data-csrf="\w+"|[0-9a-f]{16,64}')
"""What is new with every answer: the mask of the form's token, and the number of the request."""


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """Give everyone and everything, made once: each request is taken back, and all of it at the end."""
    with taken_back(django_db_blocker) as cast:
        yield cast


class Browser:
    """The pages as each person of the cast sees them; nothing that was asked stays done."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        for part in cast.parts:
            cast.browser(part)
        self.watch = Watch()

    def ask(self, page: Page, part: str, whose: str, method: str) -> tuple[Any, bool]:
        """Ask, and take back what it changed; gives the answer, and whether anything was changed."""
        path = address(self.cast, page.name, page.at, whose)
        client = self.cast.browser(part)
        with transaction.atomic():
            begun = self.watch.begin()
            if method == "POST":
                assert page.form is not None
                answer = client.post(path, page.form(self.cast))
            else:
                answer = client.get(path, page.query)
            changed = method == "POST" and self.watch.changed(begun)
            transaction.set_rollback(True)
        return answer, changed


def address(cast: Cast, name: str, at: Places | None, whose: str) -> str:
    return reverse(name, kwargs=getattr(at, whose)(cast) if at else {})


@pytest.fixture(scope="module")
def browser(stage: Cast) -> Browser:
    return Browser(stage)


def methods(page: Page) -> list[str]:
    return [*(["GET"] if page.shown else []), *(["POST"] if page.form else [])]


def named(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns)
        elif pattern.name and not str(pattern.pattern).startswith("api/v1/"):
            yield pattern.name, str(pattern.pattern)


def test_every_page_has_a_row() -> None:
    known = {page.name for page in PAGES} | OPEN | set(OWN_TESTS) | STREAMS
    assert {name for name, _ in named(get_resolver().url_patterns)} == known


CASES = [(page, method) for page in PAGES for method in methods(page)]


FULL = bool(os.environ.get("TESTS_FULL"))
ELSEWHERE = {"foreign": ("admin", "lead", "viewer", "nobody"), "absent": ("lead", "nobody")}
"""Who asks for what is not there, or not theirs: everybody with TESTS_FULL, else those who differ."""


@pytest.mark.parametrize(("page", "method"), CASES, ids=[f"{m} {p.name}{'?' if p.query else ''}" for p, m in CASES])
def test_who_may(page: Page, method: str, stage: Cast, browser: Browser) -> None:
    wrong = []
    for whose in ("own", "foreign", "absent") if page.at else ("own",):
        for part in stage.parts if FULL or whose == "own" else ELSEWHERE[whose]:
            if part == "stranger" and whose == "foreign":
                continue  # what is foreign to the others is the stranger's own
            answer, changed = browser.ask(page, part, whose, method)
            fault = judge(page, method, part, whose, answer, changed)
            if fault:
                wrong.append(f"{method} {page.name}, {part}, {whose}: {answer.status_code}, {fault}")
    assert not wrong, "\n".join(wrong)


def judge(page: Page, method: str, part: str, whose: str, answer: Any, changed: bool) -> str:
    """Say what is wrong with an answer; nothing, when nothing is."""
    status, there = answer.status_code, answer.headers.get("Location", "")
    if part == NOBODY:
        sent = status == 302 and there.startswith("/auth/sign-in")
        return "" if sent and not changed else "nobody is sent to sign in, and nothing changes"
    if whose != "own" or part not in page.sees:
        return "" if status == 404 and not changed else "this does not exist for them"
    if method == "GET":
        return "" if status == 200 or (page.leads and status == 302) else "they see it"
    if part in page.may:
        return "" if changed and status < 400 else f"they may: {answer.content[-300:]!r}"
    refused = status in {302, 403, 409, 422} and not changed
    return "" if refused else "they may not, and nothing changes"


def plain(answer: Any, path: str) -> bytes:
    """The bytes of an answer, without what is new with each one and without the address that was asked for."""
    body: bytes = answer.content
    return _CHANGING.sub(b"", body.replace(path.encode(), b""))


def headers(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Content-Length"}}


@pytest.mark.parametrize(
    ("page", "method"),
    [
        *((page, method) for page, method in CASES if page.at),
        *((Page(name, at, form=lambda cast: {}), method) for name, (at, method) in WALLS.items()),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_foreign_and_absent_answer_the_same_bytes(page: Page, method: str, stage: Cast, browser: Browser) -> None:
    for part in ("admin", "lead", "viewer", "loner") if FULL else ("admin", "loner"):
        foreign, _ = browser.ask(page, part, "foreign", method)
        absent, _ = browser.ask(page, part, "absent", method)
        assert (foreign.status_code, absent.status_code) == (404, 404), part
        one, other = (address(stage, page.name, page.at, whose) for whose in ("foreign", "absent"))
        assert plain(foreign, one) == plain(absent, other), part
        assert headers(foreign) == headers(absent), part
        assert len(plain(foreign, one)) > 500  # there was something to compare


def test_the_comparison_sees_a_difference(stage: Cast, browser: Browser) -> None:
    page = next(page for page in PAGES if page.name == "team_page")
    own, _ = browser.ask(page, "lead", "own", "GET")
    absent, _ = browser.ask(page, "lead", "absent", "GET")
    assert plain(own, "/teams/shop") != plain(absent, "/teams/nowhere")


def test_anothers_token_is_revoked_by_nobody(stage: Cast, browser: Browser) -> None:
    answers = []
    for prefix in (stage.things["token"], "wb000000"):
        with transaction.atomic():
            before = held()
            answer = stage.browser("lead").post(f"/account/tokens/{prefix}/revocation")
            assert held() == before
            transaction.set_rollback(True)
        answers.append((answer.status_code, answer.headers["Location"]))
    assert answers == [(302, "/account/tokens")] * 2
