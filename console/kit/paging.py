"""Lists on pages: 25, 50 or 100 rows, one more asked for to know whether there is a next page, never a whole count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import urlencode

SIZES = (25, 50, 100)
FURTHEST = 400
"""Pages beyond this one are not walked to: filters find more than leafing does."""

T = TypeVar("T")


@dataclass(frozen=True)
class Paged(Generic[T]):
    """One page of rows, and the addresses of its neighbours (None where there is none)."""

    rows: list[T]
    number: int
    previous: str | None
    next: str | None
    filters: dict[str, str] = field(default_factory=dict)

    @property
    def filtered(self) -> bool:
        """Whether any filter narrows the list: an empty page then means something else than an empty list."""
        return bool(self.filters)


def paged(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    show: Callable[[Any], T] = lambda row: row,
    filters: tuple[str, ...] = (),
) -> Paged[T]:
    """Give the page that the address asks for (`page`, `size`); `filters` are the names kept in the links."""
    size = next((wanted for wanted in SIZES if request.GET.get("size") == str(wanted)), SIZES[0])
    asked = request.GET.get("page", "1")
    number = min(FURTHEST, int(asked)) if asked.isdecimal() and len(asked) < 6 and int(asked) > 0 else 1
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    kept = {name: request.GET[name] for name in filters if request.GET.get(name)}
    words = kept | ({"size": str(size)} if size != SIZES[0] else {})

    def address(page: int) -> str:
        query = urlencode(words | ({"page": str(page)} if page > 1 else {}))
        return f"{request.path}?{query}" if query else request.path

    return Paged(
        rows=[show(row) for row in found[:size]],
        number=number,
        previous=address(number - 1) if number > 1 else None,
        next=address(number + 1) if len(found) > size else None,
        filters=kept,
    )
