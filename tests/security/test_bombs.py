"""Documents made to cost much: refused by a code with a next step, in a small answer, and nothing is changed.

Time is bounded by what is asked of the database and by the timeout of a test, which is generous: none of these may take
as long as what it stands for would.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

from console.kit.errors import Invalid
from console.kit.yaml import load
from tests.clusters.working import key
from tests.security.doors import House, doors, fields, forms, pointer, put

pytestmark = pytest.mark.timeout(60)

LARGEST = 120_000
"""Bytes of an answer to what is wrong in thousands of places."""
MANY = 5_000
FULL = bool(os.environ.get("TESTS_FULL"))
QUERIES = 60
DOORS = doors()
FORMS = forms()


def told(answer: Any, changed: bool) -> dict[str, Any]:
    """See that an answer is a refusal as it should be; gives the problem."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.content[:300])
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.content) <= LARGEST, f"{len(answer.content)} bytes"
    assert not changed
    problem: dict[str, Any] = answer.json()
    assert problem["code"] and problem["title"] and problem["detail"]
    assert len(problem["errors"]) <= 100
    return problem


# --- Bodies of the API ----------------------------------------------------------------------------------------------


def _named(count: int, length: int = 1) -> bytes:
    return json.dumps({f"f{number}{'x' * length}": 1 for number in range(count)}).encode()


LIMIT = settings.WAYBILL_MAX_BODY
BODIES: dict[str, tuple[Callable[[], bytes], str]] = {
    "lists in lists": (lambda: b"[" * 100_000, "body_too_deep"),
    "objects in objects": (lambda: b'{"a":' * 50_000, "body_too_deep"),
    "deep and closed": (lambda: b"[" * 40 + b"]" * 40, "body_too_deep"),
    "fields nobody knows": (lambda: _named(MANY), "unknown_field"),
    "a long name": (lambda: _named(1, LIMIT - 1000), "unknown_field"),
    "long names": (lambda: _named(120, 15_000), "unknown_field"),
    "one byte too many": (lambda: b'"' + b"x" * (LIMIT - 1) + b'"', "body_too_large"),
    "a number of a megabyte": (lambda: b'{"name": ' + b"9" * 1_000_000 + b"}", "malformed_body"),
    "a number over 64 bits": (lambda: b'{"name": 18446744073709551616}', "malformed_body"),
    "an infinite number": (lambda: b'{"name": 1e999}', "malformed_body"),
    "a name a thousand times": (lambda: b"{" + b'"a": 1, ' * 1000 + b'"b": 1}', "malformed_body"),
    "packed": (lambda: gzip.compress(b"{}" + b" " * 1_000_000), "malformed_body"),
}


LIGHT = ("lists in lists", "fields nobody knows", "a number over 64 bits", "packed")
READ = ("POST teams", "POST installations", "POST environments/<slug:environment>/apps/<slug:app>/components")
"""One of each way in which a body is read: they meet all, the others a few unless TESTS_FULL is set."""


@pytest.mark.parametrize("name", sorted(DOORS))
def test_a_body_that_costs_much(name: str, house: House) -> None:
    for bomb in BODIES if FULL or name in READ else LIGHT:
        make, code = BODIES[bomb]
        headers = {"Content-Encoding": "gzip"} if bomb == "packed" else {}
        with CaptureQueriesContext(connection) as asked:
            answer, changed = house.ask(DOORS[name], make(), headers=headers)
        assert told(answer, changed)["code"] == code, bomb
        assert len(asked) <= QUERIES, bomb


def test_a_hundred_thousand_fields_are_told_a_hundred_of(house: House) -> None:
    """By each way in which a body is read: the declared serializer, and the check of a component."""
    for name in ("POST teams", "POST environments/<slug:environment>/apps/<slug:app>/components"):
        problem = told(*house.ask(DOORS[name], _named(100_000)))
        assert (problem["code"], len(problem["errors"])) == ("unknown_field", 100)


def test_many_faults_of_many_fields_are_told_a_hundred_of(house: House) -> None:
    door = DOORS["POST environments/<slug:environment>/apps/<slug:app>/components"]
    variables = [{"name": f"no name {number}", "value": 5, "secret": "yes"} for number in range(200)]
    problem = told(*house.ask(door, {**door.body(house.cast), "variables": variables}))
    assert (problem["status"], len(problem["errors"])) == (422, 100)


HOLDERS = [
    (name, path)
    for name, door in sorted(DOORS.items())
    for path, field in fields(door.form)
    if isinstance(
        field, serializers.ListSerializer | serializers.ListField | serializers.DictField | serializers.JSONField
    )
    and path != ("secrets_set",)
]
"""Every list and every object with free names, of every body; but for what is shown and, sent back, is not read."""


@pytest.mark.parametrize(("name", "path"), HOLDERS, ids=[f"{name}{pointer(path)}" for name, path in HOLDERS])
def test_a_list_without_end(name: str, path: tuple[str | int, ...], house: House) -> None:
    door = DOORS[name]
    body = door.body(house.cast)
    there = body
    for step in path:
        there = there[step] if isinstance(there, dict) and step in there else None
    one = there[0] if isinstance(there, list) and there else "shop-test"
    for many in ([one] * MANY, {f"k{number}": "v" for number in range(MANY)}):
        with CaptureQueriesContext(connection) as asked:
            answer, changed = house.ask(door, put(body, path, many))
        told(answer, changed)
        assert len(asked) <= QUERIES, f"{len(asked)} queries"


def _thousands(kind: str) -> tuple[bytes, str]:
    many = {f"f{number}": "v" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 10)}
    if kind == "multipart":
        return encode_multipart(BOUNDARY, many), MULTIPART_CONTENT
    return urlencode(many).encode(), "application/x-www-form-urlencoded"


def test_a_form_is_no_json(house: House) -> None:
    body, media_type = _thousands("urlencoded")
    for name in sorted(DOORS):
        assert told(*house.ask(DOORS[name], body, kind=media_type))["code"] == "unsupported_media_type", name


@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
def test_a_form_at_the_door_of_a_session_is_no_json_either(kind: str, house: House) -> None:
    """A form is looked through for its token there, before anybody asks what it is."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(house.cast.admin, backend="django.contrib.auth.backends.ModelBackend")
    browser.get("/auth/sign-in")
    browser.cookies["waybill_csrf"] = "a" * 32
    for body, code in ((_thousands(kind), "too_many_fields"), (_few(kind), "unsupported_media_type")):
        sent: dict[str, Any] = {"content_type": body[1], "headers": {"X-CSRFToken": "a" * 32}}
        answer = browser.generic("POST", "/api/v1/teams", body[0], **sent)
        assert told(answer, changed=False)["code"] == code


def _few(kind: str) -> tuple[bytes, str]:
    if kind == "multipart":
        return encode_multipart(BOUNDARY, {"name": "x"}), MULTIPART_CONTENT
    return b"name=x", "application/x-www-form-urlencoded"


# --- YAML -----------------------------------------------------------------------------------------------------------

_LAUGHS = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
_MERGES = "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 24))
YAML = {
    "aliases": (f"a0: &a0 [x,x]\n{_LAUGHS}", "alias"),
    "merges": (f"a0: &a0 {{x: 1}}\n{_MERGES}", "alias"),
    "depth": ("[" * 500_000, "depth"),
    "maps in maps": ("{" * 300_000, "depth"),
    "nodes": ("- " + "- x\n- " * 100_000, "nodes"),
    "size": ("a: " + "x" * 1_048_576, "size"),
    "base sixty": ("a: 1" + ":0" * 400_000, "syntax"),
    "base sixty, with a point": ("a: 1" + ":0" * 400_000 + ".5", "syntax"),
    "digits": ("a: " + "9" * 1_000_000, "syntax"),
    "bits": ("a: 0b" + "1" * 1_000_000, "syntax"),
    "tags": ("a: !!python/object/apply:os.system [x]\n", "tag"),
    "documents": ("---\na: 1\n" * 1000, "documents"),
}


@pytest.mark.parametrize("bomb", sorted(YAML))
def test_a_kubeconfig_that_costs_much(bomb: str, house: House) -> None:
    text, limit = YAML[bomb]
    with pytest.raises(Invalid) as refusal:
        load(text)
    assert refusal.value.params == {"limit": limit}
    problem = told(*house.ask(DOORS["POST cluster-checks"], {"kubeconfig": text}))
    faults = [problem["code"], *(fault["code"] for fault in problem["errors"])]
    assert "yaml_refused" in faults or (limit == "size" and "too_long" in faults)
    page = FORMS["cluster_new"]
    named = {**key_field(), "kubeconfig": text}
    file = {**key_field(), "kubeconfig_file": SimpleUploadedFile("config", text.encode())}
    for data in (named, file):
        answer, changed = house.post(page, data)
        assert answer.status_code == 422 and not changed
        assert b"field-error" in answer.content and len(answer.content) <= LARGEST


def key_field() -> dict[str, str]:
    return {"key": key()["Idempotency-Key"]}


# --- Forms ----------------------------------------------------------------------------------------------------------


def shown_refusal(answer: Any, changed: bool, status: int) -> None:
    """See that a page says no inside the frame, with the number of the request and what to do."""
    page = answer.content.decode()
    assert (answer.status_code, changed) == (status, False), page[-400:]
    assert answer.headers["X-Request-Id"] in page and "Nothing was changed" in page
    assert 'aria-label="Main"' in page and len(page) <= LARGEST


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_form_that_costs_much(name: str, house: House) -> None:
    page = FORMS[name]
    for kind in ("multipart", "urlencoded") if FULL or name in {"cluster_new", "password"} else ("urlencoded",):
        body, media_type = _thousands(kind)
        shown_refusal(*house.post(page, body, kind=media_type), status=413)
    large = b"name=" + b"x" * LIMIT
    shown_refusal(*house.post(page, large, kind="application/x-www-form-urlencoded"), status=413)
    nul = {**(page.form(house.cast) if page.form else {}), "name": "a\0b"}
    shown_refusal(*house.post(page, nul), status=400)
    cut = house.post(page, b"no such boundary", kind="multipart/form-data")
    shown_refusal(*cut, status=400)


def test_a_large_upload_is_refused_before_a_byte_of_it_is_read(house: House) -> None:
    """Whoever sends it: a form is looked through for its token before anyone is asked who they are."""

    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("it was read")

    length = {"CONTENT_LENGTH": str(10 << 30), "wsgi.input": Unread(b"x")}
    for part in ("admin", "nobody"):
        client = Client(enforce_csrf_checks=True)
        if part == "admin":
            client.force_login(house.cast.admin, backend="django.contrib.auth.backends.ModelBackend")
        for path in ("/clusters/new", "/auth/sign-in", "/api/v1/teams", "/nowhere"):
            answer = client.generic("POST", path, b"x", content_type=MULTIPART_CONTENT, **length)  # type: ignore[arg-type]
            assert answer.status_code == 413, (part, path)


def test_what_is_over_the_limit_of_its_own_field_is_told_there(house: House) -> None:
    page = FORMS["cluster_new"]
    for content, words in ((b"x" * ((1 << 20) + 1), "larger than a kubeconfig"), (b"\xff\xfe", "not text")):
        data = {**key_field(), "kubeconfig_file": SimpleUploadedFile("config", content)}
        answer, changed = house.post(page, data)
        assert (answer.status_code, changed) == (422, False)
        assert words in answer.content.decode()


def test_the_largest_form_there_is_is_read(house: House) -> None:
    """A component with all the variables and ports it may have: more fields than frameworks usually take."""
    page = FORMS["component_new"]
    rows: dict[str, Any] = {"variables_count": "200", "ports_count": "20"}
    for index in range(200):
        row = {"name": f"NAME_{index}", "value": "v", "secret": "on", "offered": "on", "generate": "", "length": ""}
        rows |= {f"variables_{index}_{name}": value for name, value in row.items()}
    for index in range(20):
        row = {"number": str(8000 + index), "name": f"p{index}", "protocol": "TCP", "alias": f"P{index}"}
        rows |= {
            f"ports_{index}_{name}": value for name, value in {**row, "outside": "none", "host": "", "path": ""}.items()
        }
    answer, changed = house.post(page, {**(page.form(house.cast) if page.form else {}), **rows})
    assert (answer.status_code, changed) == (302, True), answer.content[-600:]


def test_a_refusal_that_is_short_is_told_whole(house: House) -> None:
    """The control of the bounds: what they leave out is only what is long."""
    problem = told(*house.ask(DOORS["POST teams"], {"name": "a", "colour": 1, "size": 2}))
    assert [fault["params"]["field"] for fault in problem["errors"]] == ["colour", "size"]
