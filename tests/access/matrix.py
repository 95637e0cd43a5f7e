"""The matrix: every route of the API, every row, and what each person must be answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.db import transaction
from pytest_django import DjangoDbBlocker

from console.api import BASE, api_patterns
from console.kit.api import ANYONE, Endpoint, Operation
from teams.roles import ENTERPRISE_RIGHTS
from tests.access.rows import NOBODY, Row, holders
from tests.cast import Cast, make_cast

APPS = ("console", "teams", "clusters", "operations", "marketplace", "delivery")


def routes() -> dict[str, tuple[str, Operation]]:
    """Give every method of every route: `GET teams` → (route, declaration)."""
    found: dict[str, tuple[str, Operation]] = {}
    for pattern in api_patterns():
        view: Any = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        assert isinstance(view, type) and issubclass(view, Endpoint), f"{pattern.pattern} is no Endpoint"
        route = str(pattern.pattern).removeprefix(BASE)
        for method, declared in view.operations().items():
            found[f"{method} {route}"] = (route, declared)
    return found


def rows() -> dict[str, Row]:
    """Give the rows of every app, by name."""
    found: dict[str, Row] = {}
    for module in _modules():
        for row in module.ROWS:
            assert row.name not in found, f"{row.name} has two rows"
            found[row.name] = row
    return found


def furnished() -> Cast:
    """Make the cast, and every app's things."""
    cast = make_cast()
    for module in _modules():
        getattr(module, "furnish", lambda cast: None)(cast)
    return cast


@contextmanager
def taken_back(blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """Give everyone and everything, for many tests at once: whatever is done meanwhile is taken back at the end.

    The database is open for the whole of it, to tests that did not ask for it themselves too.
    """
    with blocker.unblock(), transaction.atomic():
        yield furnished()
        transaction.set_rollback(True)


def _modules() -> list[Any]:
    names = [f"tests.access.rows_{app}" for app in APPS]
    return [import_module(name) for name in names if find_spec(name)]


def expected(row: Row, declared: Operation, part: str, whose: str) -> int:
    """Give the status that `part` must be answered for a thing that is `own`, `foreign` or `absent`."""
    if part == NOBODY:
        return row.ok if declared.right == ANYONE else 401
    if part in row.instead:
        return row.instead[part]
    may = holders(declared.right) if row.may is None else row.may
    if declared.right in ENTERPRISE_RIGHTS and part not in may:
        return 403
    if row.at is not None and (whose != "own" or part not in row.sees):
        return 404
    return row.ok if part in may else 403


def path_of(cast: Cast, row: Row, whose: str = "own") -> str:
    """Fill the address of a row for a thing that is `own`, `foreign` or `absent`."""
    path = f"/api/v1/{row.route}"
    for key, value in (getattr(row.at, whose)(cast) if row.at else {}).items():
        for start in ("<str:", "<int:", "<slug:", "<op:", "<"):
            path = path.replace(f"{start}{key}>", str(value))
    assert "<" not in path, path
    return path
