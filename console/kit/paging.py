"""Lists on pages: 25, 50 or 100 rows, one more asked for to know whether there is a next page, never a whole count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.http import urlencode

SIZES = (25, 50, 100)
FURTHEST = 400
"""Pages beyond this one are not walked to: filters find more than leafing does."""

T = TypeVar("T")


class Size(NamedTuple):
    """How many rows a page may have, and the address of the list with that many."""

    number: int
    href: str
    current: bool


@dataclass(frozen=True)
class Paged(Generic[T]):
    """One page of rows, the addresses of its neighbours (None where there is none), and how it is sorted.

    `orders` has, for each column that can be sorted by, the address of the list sorted by it, or the other way round
    where it is already.
    """

    rows: list[T]
    number: int
    previous: str | None
    next: str | None
    filters: dict[str, str] = field(default_factory=dict)
    sort: str = ""
    orders: dict[str, str] = field(default_factory=dict)
    sizes: list[Size] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """What a form of filters sends along, so that it changes neither order nor size."""

    @property
    def filtered(self) -> bool:
        """Whether any filter narrows the list: an empty page then means something else than an empty list."""
        return bool(self.filters)

    @property
    def sizable(self) -> bool:
        """Whether another size would show other rows."""
        return self.next is not None or self.previous is not None or any(size.current for size in self.sizes[1:])


def paged(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    show: Callable[[Any], T] = lambda row: row,
    filters: tuple[str, ...] = (),
    sorts: Mapping[str, str] | None = None,
    sort: str = "",
    tie: str = "pk",
) -> Paged[T]:
    """Give the page that the address asks for (`page`, `size`, `sort`); `filters` are the names kept in the links.

    `sorts` names the columns one may sort by: word in the address → field; `-word` is the other way round, `sort` what
    holds without a wish, `tie` the field that orders what is equal. Without `sorts` the rows keep the order they come
    in.
    """
    size = next((wanted for wanted in SIZES if request.GET.get("size") == str(wanted)), SIZES[0])
    asked = request.GET.get("page", "1")
    number = min(FURTHEST, int(asked)) if asked.isdecimal() and len(asked) < 6 and int(asked) > 0 else 1
    order = _order(request.GET.get("sort", ""), sorts or {}) or sort
    start = (number - 1) * size
    found = list(_sorted(rows, order, sorts or {}, tie)[start : start + size + 1])
    kept = {name: request.GET[name] for name in filters if request.GET.get(name)}
    words_of_order = {"sort": order} if order != sort else {}
    words = kept | words_of_order

    def address(page: int = 1, rows: int = size, by: str = "") -> str:
        query = words | ({"sort": by} if by else {}) | ({"size": str(rows)} if rows != SIZES[0] else {})
        text = urlencode(query | ({"page": str(page)} if page > 1 else {}))
        return f"{request.path}?{text}" if text else request.path

    return Paged(
        rows=[show(row) for row in found[:size]],
        number=number,
        previous=address(number - 1) if number > 1 else None,
        next=address(number + 1) if len(found) > size else None,
        filters=kept,
        sort=order,
        orders={name: address(by=f"-{name}" if order == name else name) for name in sorts or {}},
        kept=words_of_order | ({"size": str(size)} if size != SIZES[0] else {}),
        sizes=[Size(one, address(rows=one), one == size) for one in SIZES],
    )


def _order(asked: str, sorts: Mapping[str, str]) -> str:
    return asked if asked.removeprefix("-") in sorts else ""


def _sorted(rows: QuerySet[Any], order: str, sorts: Mapping[str, str], tie: str) -> QuerySet[Any]:
    """Sort by the column named; what has no value stands last, and what is equal keeps one order.

    A column that always has a value is sorted in the database's own way: no index is kept in the other one. One that
    names its row needs nothing after it.
    """
    if not order:
        return rows
    name, down = sorts[order.removeprefix("-")], order.startswith("-")
    known = next((field for field in rows.model._meta.concrete_fields if field.name == name), None)
    last = None if known is not None and not known.null else True
    by = F(name).desc(nulls_last=last) if down else F(name).asc(nulls_last=last)
    if known is not None and known.unique:
        return rows.order_by(by)
    return rows.order_by(by, f"-{tie}" if down else tie)
