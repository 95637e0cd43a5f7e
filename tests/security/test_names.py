"""Whatever is typed into whatever field: refused by a code at that field, or kept and shown again as it was typed.

The fields are read off the serializers, the pages and the code itself, so that none can be forgotten. Each meets a few
of the texts, others than its neighbours; with TESTS_FULL each meets all of them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import transaction
from django.urls import get_resolver
from rest_framework import serializers

from console.kit.api import SecretField
from console.kit.api.bodies import texts
from tests.access.matrix import path_of
from tests.access.page_rows import PAGES, Page
from tests.access.test_pages import named
from tests.environment import ROOT
from tests.faults.size import FULL
from tests.security import bodies
from tests.security.doors import Door, House, address, doors, fields, forms, pointer, put, sender
from tests.security.doors import Path as Place
from tests.security.typed import (
    MARK,
    OVER_LONG,
    TEXTS,
    UNWRITABLE,
    Fields,
    kept,
    lines_with,
    some_of,
    whole_and_half,
)

pytestmark = pytest.mark.timeout(120)

MOST_FIELDS = 5
"""Of one form, sent alone."""
DOORS = doors()
FORMS = forms()


# --- The API --------------------------------------------------------------------------------------------------------


def _is_text(field: Any) -> bool:
    free = type(field).__name__ == "_UnvalidatedField"  # what a DictField without a child of its own takes
    return free or (isinstance(field, serializers.CharField) and not isinstance(field, serializers.ChoiceField))


PLACES: list[tuple[str, Place, Any]] = [
    (name, path, field) for name, door in sorted(DOORS.items()) for path, field in fields(door.form) if _is_text(field)
] + [
    (name, (*path, 0, inner), None)
    for name, door in sorted(DOORS.items())
    for path, field in fields(door.form)
    if isinstance(field, serializers.ListField) and isinstance(field.child, serializers.JSONField)
    for inner in ("address", "label", "type", "pattern")
]


def test_there_are_texts_in_every_body() -> None:
    """What the serializers are walked for is found: the control of what comes after."""
    assert len(PLACES) > 100
    assert ("POST teams", ("members", 0, "login")) in [(name, path) for name, path, _ in PLACES]


@pytest.mark.parametrize(("name", "path", "field"), PLACES, ids=[f"{name}{pointer(path)}" for name, path, _ in PLACES])
def test_a_field_of_the_api(name: str, path: Place, field: Any, house: House) -> None:
    door = DOORS[name]
    at = PLACES.index((name, path, field))
    path = bodies.NAMED.get(path, path)
    body = bodies.whole(door, house.cast, path)
    wrong = []
    for title in (OVER_LONG, *(TEXTS if FULL else some_of(at, 1))):
        text = TEXTS.get(title) or MARK + "x" * (getattr(field, "max_length", None) or 1_000_000)
        fault = _judged(house, door, put(body, path, text), path, field, title, text)
        if fault:
            wrong.append(f"{title}: {fault}")
    assert not wrong, "\n".join([f"{name} {pointer(path)}", *wrong])


def _judged(house: House, door: Door, body: Any, path: Place, field: Any, title: str, text: str) -> str:
    """Ask, and say what is wrong with what came of it; nothing, when nothing is."""
    api = house.cast.api(door.part(house.cast))
    with transaction.atomic():
        begun = house.watch.begin()
        headers = door.row.headers() if door.row.headers else None
        answer = api.call(door.row.method, path_of(house.cast, door.row), body, headers=headers)
        changed = house.watch.changed(begun)
        if answer.status_code < 300:
            fault = _kept(house, door, api, answer, field, title, text)
        else:
            fault = _refused(answer, changed, door, path, title)
        transaction.set_rollback(True)
    return fault


def _refused(answer: Any, changed: bool, door: Door, path: Place, title: str) -> str:
    if answer.status_code >= 500 or changed:
        return f"{answer.status_code}, changed: {changed}: {answer.content[:200]!r}"
    problem = answer.json()
    if not (problem["code"] and problem["title"] and problem["detail"]):
        return "a refusal without a code or a next step"
    if problem["code"] == "malformed_body":
        return "" if title in UNWRITABLE else "it could be read"
    places = [fault["pointer"] for fault in problem["errors"]]
    at = pointer(path)
    if (
        {at, bodies.WITHIN.get(at, at)} & {*places}
        or door.row.ok >= 400
        or problem["code"] in bodies.OTHERWISE.get(at, ())
    ):
        return ""
    return f"{problem['code']} at {places}"


def _kept(house: House, door: Door, api: Any, answer: Any, field: Any, title: str, text: str) -> str:
    if title == OVER_LONG:
        return "taken, however long"
    there_whole, broken = whole_and_half(text)
    if broken:
        return f"not kept as it was typed, in {broken}"
    if there_whole:
        return ""
    if isinstance(field, SecretField) or getattr(field, "write_only", False):
        return ""  # it is sealed, and shown to nobody
    there = answer.headers.get("Location") or path_of(house.cast, door.row)
    shown = {*texts(answer.json() if answer.content else None)}
    if door.row.method != "DELETE" and (again := api.get(there)).status_code == 200:
        shown |= {*texts(again.json())}
    return "" if shown & kept(text) else f"neither refused nor kept: {answer.status_code} {answer.content[:200]!r}"


# --- Pages ----------------------------------------------------------------------------------------------------------


@cache
def _code() -> list[str]:
    """Give the text of every module of the console."""
    apps = ("console", "teams", "operations", "clusters", "marketplace")
    return [path.read_text() for app in apps for path in (ROOT / app).rglob("*.py")]


@cache
def _read_by_hand(kind: str) -> frozenset[str]:
    """Give every name that the code asks a request's form or address for."""
    found: set[str] = set()
    for code in _code():
        found |= set(re.findall(rf'{kind}(?:\.get(?:list)?)?[\[(]"(\w+)"', code))
        if "request.GET if" in code or "else request.GET" in code:
            found |= set(re.findall(r'(?:data|given)(?:\.get(?:list)?)?[\[(]"(\w+)"', code))
    return frozenset(found)


def asked() -> list[str]:
    """Give what addresses are asked for."""
    return sorted(_read_by_hand("GET"))


def sent() -> frozenset[str]:
    """Give what forms are asked for."""
    return _read_by_hand("POST")


def test_names_are_found_in_the_code() -> None:
    assert {"q", "plan", "check"} <= {*asked(), "q"} and {"reason", "plan_id", "login", "key"} <= sent()


def _field_names(house: House, page: Page) -> list[str]:
    """Give the fields of a page's forms: those shown, those of its row, those the code asks for; of rows the first."""
    found = {*(page.form(house.cast) if page.form else {}), *sent()}
    if page.shown:
        shown = house.client(sender(page)).get(address(house.cast, page), page.query)
        found |= Fields(shown.content.decode()).posted
    return sorted({re.sub(r"_\d+_", "_0_", name) for name in found})


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_form(name: str, house: House) -> None:
    """All fields at once, all but those it needs, and each alone; of many fields some, unless TESTS_FULL is set."""
    page, at = FORMS[name], sorted(FORMS).index(name)
    names, words = _field_names(house, page), _words(house, page)
    wrong = []
    for title in TEXTS if FULL else some_of(at, 2):
        text = TEXTS[title]
        for data in (dict.fromkeys(names, text), dict.fromkeys(names, text) | words)[: 2 if words else 1]:
            wrong += _sent(house, page, data, title, text)
    own = [field for field in names if field not in sent() or field in words]
    for place, field in enumerate(own if FULL else own[at % 2 :: max(1, len(own) // MOST_FIELDS)]):
        for title in TEXTS if FULL else some_of(place + at, 1):
            faults = _sent(house, page, words | {field: TEXTS[title]}, title, TEXTS[title])
            wrong += [f"{field}: {fault}" for fault in faults]
    assert not wrong, "\n".join([name, *wrong])


def _words(house: House, page: Page) -> dict[str, Any]:
    return dict(page.form(house.cast)) if page.form else {}


def _sent(house: House, page: Page, data: dict[str, Any], title: str, text: str) -> list[str]:
    body = urlencode([(name, _raw(one)) for name, value in data.items() for one in _each(value)]).encode()
    with transaction.atomic():
        begun = house.watch.begin()
        client, kind = house.client(sender(page)), "application/x-www-form-urlencoded"
        answer = client.generic("POST", address(house.cast, page), body, content_type=kind)
        changed = house.watch.changed(begun)
        found = []
        if answer.status_code >= 500:
            found = [f"{title}: {answer.status_code}"]
        elif answer.status_code >= 400 and changed:
            found = [f"{title}: {answer.status_code}, and yet changed"]
        elif changed and title not in UNWRITABLE and (broken := whole_and_half(text)[1]):
            found = [f"{title}: not kept as it was typed, in {broken}"]
        transaction.set_rollback(True)
    return found


def _each(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


SHOWN = [page for page in PAGES if page.shown]


@pytest.mark.parametrize("at", range(len(SHOWN)), ids=[f"{page.name}{'?' if page.query else ''}" for page in SHOWN])
def test_the_address_of_a_page(at: int, house: House) -> None:
    page = SHOWN[at]
    client = house.client(page.sees[0])
    for title in TEXTS if FULL else some_of(at, 2):
        text = _raw(TEXTS[title])
        query = "&".join(f"{name}={quote(text)}" for name in asked())
        alone = [f"{name}={quote(text)}" for name in asked()[at % 3 :: 3]] if FULL else []
        for words in (query, *alone):
            answer = client.get(f"{address(house.cast, page)}?{words}")
            assert answer.status_code in {200, 302, 400, 404}, (title, answer.status_code)
            assert title != "NUL" or answer.status_code == 400


# --- Addresses ------------------------------------------------------------------------------------------------------

ROUTES = sorted(
    {str(pattern) for _, pattern in named(get_resolver().url_patterns)}
    | {f"api/v1/{door.row.route}" for door in DOORS.values()}
)
OPEN_ONES = [route for route in ROUTES if "<" in route and "events/" not in route]


def test_a_word_of_an_address(house: House) -> None:
    """What no address has is nowhere: 404, and for a method it does not have 405."""
    admin = house.cast.api("admin")
    wrong = []
    for at, route in enumerate(OPEN_ONES):
        for title in TEXTS if FULL else (*some_of(at, 2), "NUL"):
            word = quote(_raw(TEXTS[title]), safe="")
            path = "/" + re.sub(r"<[^>]+>", word, route)
            reader: Any = admin if path.startswith("/api/") else house.client("admin")
            answer = reader.get(path)
            if answer.status_code not in {404, 405}:
                wrong.append(f"{route} {title}: {answer.status_code}")
    assert len(OPEN_ONES) > 40 and not wrong, "\n".join(wrong)


# --- The control ----------------------------------------------------------------------------------------------------


def test_what_is_kept_otherwise_is_seen(house: House) -> None:
    """A field that takes a text and keeps another is found out, and so is one that forgets it."""
    with transaction.atomic():
        team = house.cast.team
        team.name = f"{MARK} half of it"
        team.save(update_fields=["name"])
        assert whole_and_half(f"{MARK} half of it, and the rest") == (False, ["team"])
        assert whole_and_half(f"{MARK} half of it") == (True, [])
        assert lines_with("a text that nobody typed") == set()
        transaction.set_rollback(True)
