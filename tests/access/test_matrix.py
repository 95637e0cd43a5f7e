"""Every route × every person × a thing of the own team, a foreign one, none: nothing is seen or done by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from console.kit.api.shape import differences
from tests.access.matrix import expected, path_of, routes, rows, taken_back
from tests.access.rows import Row
from tests.cast import Cast

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

ROUTES = routes()
ROWS = rows()


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """Give everyone and everything, made once: each request is taken back, and all of it at the end."""
    with taken_back(django_db_blocker) as cast:
        yield cast


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(ROWS) == sorted(ROUTES)


@pytest.mark.parametrize("name", sorted(set(ROWS) & set(ROUTES)))
def test_who_may(name: str, stage: Cast) -> None:
    row, (route, declared) = ROWS[name], ROUTES[name]
    wrong = []
    for whose in ("own", "foreign", "absent") if row.at else ("own",):
        for part in stage.parts:
            response = _ask(stage, name, part, whose)
            wanted = 404 if _is_strangers(row, part, whose) else expected(row, declared, part, whose)
            if _is_strangers(row, part, whose):
                continue
            if response.status_code != wanted:
                told = response.content[:300].decode(errors="replace")
                wrong.append(f"{part} {whose}: {response.status_code}, not {wanted}: {told}")
            elif wanted == row.ok and response.content and row.ok in declared.answers:
                wrong += [f"{part} {whose}: {text}" for text in _misshapen(response, name)]
    assert not wrong, "\n".join([f"{name} ({route})", *wrong])


@pytest.mark.parametrize("name", sorted(name for name in set(ROWS) & set(ROUTES) if ROWS[name].at))
def test_foreign_and_absent_answer_the_same_bytes(name: str, stage: Cast) -> None:
    for part in ("admin", "lead", "viewer", "loner"):
        foreign, absent = _ask(stage, name, part, "foreign"), _ask(stage, name, part, "absent")
        if foreign.status_code != 404:
            continue
        one, other = _path(stage, name, "foreign"), _path(stage, name, "absent")
        assert foreign.content.replace(one.encode(), b"") == absent.content.replace(other.encode(), b"")
        assert _headers(foreign) == _headers(absent)


def _is_strangers(row: Row, part: str, whose: str) -> bool:
    # What is foreign to the others is the stranger's own; what they may with it says nothing about walls.
    return part == "stranger" and whose == "foreign"


def _path(stage: Cast, name: str, whose: str) -> str:
    return path_of(stage, ROWS[name], whose)


def _ask(stage: Cast, name: str, part: str, whose: str) -> Answer:
    """Ask, and take back whatever it changed."""
    row = ROWS[name]
    body = row.body(stage) if row.body else None
    headers = row.headers() if row.headers else None
    api = stage.api(part)
    with transaction.atomic():
        response = api.call(row.method, _path(stage, name, whose), body, headers=headers, **(row.query or {}))
        transaction.set_rollback(True)
    return response


def _headers(response: Answer) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in {"X-Request-Id", "Content-Length"}}


def _misshapen(response: Answer, name: str) -> Iterator[str]:
    declared = ROUTES[name][1]
    if "json" not in response.headers.get("Content-Type", ""):
        return
    data, example = response.json(), declared.answers[response.status_code]
    if example is None:
        return
    for item in data["items"] if declared.listed else [data]:
        yield from differences(example, item)
