"""JSON answers: bytes made once, times in UTC with Z and without fractions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.functional import Promise

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
NO_CACHE = "private, no-cache"
NO_STORE = "no-store"


def encode(data: Any) -> bytes:
    """Give the JSON bytes of `data`; lazy texts become text in the active language."""
    return orjson.dumps(data, default=_other, option=_OPTIONS)


def answer(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> HttpResponse:
    """Make a JSON response that shared caches do not keep."""
    return HttpResponse(
        encode(data), status=status, content_type=kind, headers={"Cache-Control": NO_CACHE, **(headers or {})}
    )


def _other(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
