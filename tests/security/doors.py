"""Every address of the API that takes a body, and every form: asked by somebody who may, and whatever they changed is
taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import reverse
from rest_framework import serializers

from console.kit.api import Operation
from tests.access.matrix import expected, path_of, routes, rows
from tests.access.page_rows import PAGES, Page
from tests.access.rows import Row
from tests.access.unchanged import Watch
from tests.cast import NOBODY, Cast

Path = tuple[str | int, ...]
"""Where a field stands in a body; 0 is the first item of a list."""


@dataclass(frozen=True)
class Door:
    """One method of one route that takes a body."""

    row: Row
    declared: Operation

    @property
    def form(self) -> serializers.BaseSerializer[Any]:
        """Give the serializer of its body."""
        assert self.declared.body is not None
        return self.declared.body()

    def part(self, cast: Cast) -> str:
        """Give somebody who may."""
        parts = (part for part in cast.parts if part != NOBODY)
        return next(part for part in parts if expected(self.row, self.declared, part, "own") == self.row.ok)

    def body(self, cast: Cast) -> Any:
        """Give a body that is taken."""
        return self.row.body(cast) if self.row.body else {}


def doors() -> dict[str, Door]:
    """Give every method that takes a body: `POST teams` → door."""
    known = rows()
    return {name: Door(known[name], declared) for name, (_, declared) in routes().items() if declared.body is not None}


class House:
    """The cast's console, as tests ask it; nothing that was asked stays done."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        for part in cast.parts:
            cast.api(part)
            cast.browser(part)
        self.watch = Watch()

    def client(self, part: str) -> Client:
        """Give the browser of one person."""
        return self.cast.browser(part)

    def ask(
        self, door: Door, body: Any, *, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> tuple[Any, bool]:
        """Ask by REST; gives the answer, and whether anything was changed."""
        api = self.cast.api(door.part(self.cast))
        sent = {"Authorization": f"Bearer {api.token}", **(door.row.headers() if door.row.headers else {})}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with transaction.atomic():
            begun = self.watch.begin()
            answer = api.client.generic(
                door.row.method,
                path_of(self.cast, door.row),
                raw,
                content_type=kind,
                headers={**sent, **(headers or {})},
            )
            changed = self.watch.changed(begun)
            transaction.set_rollback(True)
        return answer, changed

    def post(self, page: Page, data: Any, kind: str = "") -> tuple[Any, bool]:
        """Send a form, or bytes that say to be one; gives the answer, and whether anything was changed."""
        client, path = self.client(sender(page)), address(self.cast, page)
        with transaction.atomic():
            begun = self.watch.begin()
            answer = client.generic("POST", path, data, content_type=kind) if kind else client.post(path, data)
            changed = self.watch.changed(begun)
            transaction.set_rollback(True)
        return answer, changed


def forms() -> dict[str, Page]:
    """Give every page that has a form, by the name of its address."""
    return {page.name: page for page in PAGES if page.form is not None}


def sender(page: Page) -> str:
    """Give somebody who may send the form of a page."""
    return next(iter(page.may or page.sees))


def address(cast: Cast, page: Page) -> str:
    """Give the address of a page."""
    return reverse(page.name, kwargs=page.at.own(cast) if page.at else {})


def fields(form: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Give every field of a serializer with its place; what holds others comes before them."""
    if path:
        yield path, form
    if isinstance(form, serializers.ListSerializer | serializers.ListField):
        yield from fields(form.child, (*path, 0))
    elif isinstance(form, serializers.DictField):
        yield from fields(form.child, (*path, "key"))
    elif isinstance(form, serializers.Serializer):
        for name, field in form.fields.items():
            if not field.read_only:
                yield from fields(field, (*path, name))


def put(body: Any, path: Path, value: Any) -> Any:
    """Give a copy of `body` with `value` at `path`; what is missing on the way is made."""
    if not path:
        return value
    step, *rest = path
    if step == 0:
        items = body if isinstance(body, list) and body else [None]
        return [put(items[0], tuple(rest), value), *items[1:]]
    there = body if isinstance(body, dict) else {}
    return {**there, step: put(there.get(step), tuple(rest), value)}


def pointer(path: Path) -> str:
    """Write a place as a refusal does."""
    return "".join(f"/{step}" for step in path)
