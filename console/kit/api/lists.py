"""Lists: keyset pages, so that the last page of a million rows costs what the first one costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from console.kit.api.answers import answer
from console.kit.errors import FieldError, Invalid, Malformed

_Row = TypeVar("_Row", bound=Model)

LIMIT = 50
LIMIT_MAX = 200
COUNT_MAX = 10_000
"""Rows are counted up to here: a total of 10,000 means that many or more."""


def page(
    request: Request,
    rows: QuerySet[_Row],
    order: tuple[str, ...],
    present: Callable[[_Row], Any] | None = None,
    *,
    present_all: Callable[[list[_Row]], Iterable[Any]] | None = None,
) -> HttpResponse:
    """Answer one page as `{items, next, previous}`, with `total` when `?count=true`, and a Link header.

    `order`: fields of the row (`-` descends); the last one is unique and none is null. Raises Malformed("bad_cursor")
    for a cursor this list did not give out and Invalid for a limit that is no number from 1 to 200.
    """
    limit = _limit(request.query_params.get("limit"))
    cursor, backwards = _read(request, order)
    window = rows.order_by(*(_flipped(order) if backwards else order))
    if cursor is not None:
        window = window.filter(_beyond(_flipped(order) if backwards else order, cursor))
    found = list(window[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if backwards:
        found.reverse()
    has_next, has_previous = (cursor is not None, more) if backwards else (more, cursor is not None)
    following = _link(request, order, found[-1], "n") if found and has_next else None
    preceding = _link(request, order, found[0], "p") if found and has_previous else None
    items = present_all(found) if present_all else [present(row) for row in found] if present else found
    data: dict[str, Any] = {"items": _projected(request, list(items)), "next": following, "previous": preceding}
    if request.query_params.get("count") == "true":
        data["total"] = rows.order_by()[:COUNT_MAX].count()
    links = {"next": following, "prev": preceding}
    header = ", ".join(f'<{target}>; rel="{name}"' for name, target in links.items() if target)
    return answer(data, headers={"Link": header} if header else None)


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LIMIT_MAX or len(text) > 6:
        wrong = FieldError("?limit", "value_out_of_range", {"least": 1, "most": LIMIT_MAX})
        raise Invalid("invalid", errors=[wrong])
    return int(text)


def _salt(request: Request, order: tuple[str, ...]) -> str:
    # A cursor fits the list and the order it was made for, and no other.
    return f"cursor:{request.path}:{','.join(order)}"


def _read(request: Request, order: tuple[str, ...]) -> tuple[list[Any] | None, bool]:
    text = request.query_params.get("cursor")
    if text is None:
        return None, False
    try:
        direction, *values = signing.loads(text, salt=_salt(request, order))
    except (signing.BadSignature, ValueError) as error:
        raise Malformed("bad_cursor") from error
    return values, direction == "p"


def _link(request: Request, order: tuple[str, ...], row: Model, direction: str) -> str:
    values = [_plain(row, field) for field in order]
    cursor = signing.dumps([direction, *values], salt=_salt(request, order))
    kept = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
    return f"{request.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _plain(row: Any, field: str) -> Any:
    for name in field.lstrip("-").split("__"):
        row = row[name] if isinstance(row, dict) else getattr(row, name)
    return row if isinstance(row, (int, str)) else str(row)


def _flipped(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(field[1:] if field.startswith("-") else f"-{field}" for field in order)


def _beyond(order: tuple[str, ...], values: list[Any]) -> Q:
    """The rows after `values`: (a > x) or (a = x and b > y) or …, with `<` where the order descends."""
    beyond, equal = Q(), Q()
    for field, value in zip(order, values, strict=True):
        name, sign = (field[1:], "lt") if field.startswith("-") else (field, "gt")
        beyond |= equal & Q(**{f"{name}__{sign}": value})
        equal &= Q(**{name: value})
    return beyond


def _projected(request: Request, items: list[Any]) -> list[Any]:
    wanted = request.query_params.get("fields")
    if not wanted:
        return items
    names = wanted.split(",")
    if items and (unknown := [name for name in names if name not in items[0]]):
        raise Invalid("invalid", errors=[FieldError("?fields", "choice_unknown", {"choices": sorted(items[0])})]) from (
            KeyError(unknown[0])
        )
    return [{name: item[name] for name in names} for item in items]
