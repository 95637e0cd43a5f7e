"""ETags: `"<row version>.<hash of what is shown>"`.

The whole tag tells a reader whether what is shown has changed (also where other rows are shown along). Its first half
tells a writer whether the row itself has changed since it was read, so that news about something else does not stand in
the way of a write.
"""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from django.http import HttpResponse
from rest_framework.request import Request

from console.kit.errors import Stale

_TAG = re.compile(r'(?:W/)?"(\d{1,18})\.[0-9a-f]{16}(?:-gzip|;gzip)?"')


class Versioned(Protocol):
    """A row with a version that each update raises."""

    row_version: int


def expected(header: str | None) -> int | None:
    """Give the row version that an If-Match header names; None for no header and for `*`. Raises Stale otherwise."""
    if header is None or header.strip() == "*":
        return None
    match = _TAG.fullmatch(header.strip())
    if match is None:
        raise Stale("etag_mismatch")
    return int(match[1])


def check_version(row: Versioned, expected_version: int | None) -> None:
    """Refuse (Stale `etag_mismatch`) when the caller read another version of this row. Ask on the locked row."""
    if expected_version is not None and row.row_version != expected_version:
        raise Stale("etag_mismatch")


def conditional(request: Request, response: HttpResponse, version: int) -> HttpResponse:
    """Give `response` its ETag; for a GET whose If-None-Match names it, answer 304 without a body instead."""
    tag = f'"{version}.{hashlib.sha256(response.content).hexdigest()[:16]}"'
    response.headers["ETag"] = tag
    wanted = request.headers.get("If-None-Match", "")
    if request.method in {"GET", "HEAD"} and tag in {part.strip().removeprefix("W/") for part in wanted.split(",")}:
        return HttpResponse(status=304, headers={"ETag": tag, "Cache-Control": response.headers["Cache-Control"]})
    return response
