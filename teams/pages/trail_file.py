"""The trail as a file for a spreadsheet: the lines a page's filters leave, newest first."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from teams import places
from teams.models import AuditEvent

MOST = 50_000
"""Lines in one file; who needs more narrows the days."""
BATCH = 500
HEAD = (
    "time", "login", "name", "token", "action", "object_type", "object", "team", "environment", "result", "reason",
    "ip", "request", "before", "after",
)  # fmt: skip
"""The same words as the API's, in every language: programs read them."""


class _Line:
    """What `csv` writes to: it gives each line back at once."""

    def write(self, line: str) -> str:
        return line


def trail_file(rows: QuerySet[AuditEvent]) -> StreamingHttpResponse:
    """Give the events as CSV in UTF-8, read in batches so that a long trail fills no memory."""
    answer = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer


def _lines(rows: QuerySet[AuditEvent]) -> Iterator[str]:
    writer = csv.writer(_Line())
    # The mark by which spreadsheets know the encoding.
    yield "\ufeff" + str(writer.writerow(HEAD))
    for batch in _batches(rows):
        known = places.environments(row.environment_id for row in batch if row.environment_id)
        for row in batch:
            place = known.get(row.environment_id) if row.environment_id else None
            yield str(writer.writerow([_safe(cell) for cell in _cells(row, place.slug if place else "")]))


def _batches(rows: QuerySet[AuditEvent]) -> Iterator[list[AuditEvent]]:
    """Read on from the last line of the batch before."""
    left, last = MOST, None
    while left > 0:
        found = list((rows.filter(pk__lt=last) if last else rows).order_by("-id")[: min(BATCH, left)])
        if not found:
            return
        yield found
        left, last = left - len(found), found[-1].pk


def _cells(row: AuditEvent, environment: str) -> tuple[Any, ...]:
    return (
        row.at.isoformat(timespec="seconds"),
        row.actor.login if row.actor else "",
        row.actor.name if row.actor else "",
        row.token.prefix if row.token else "",
        row.action,
        row.object_type,
        row.object_label,
        row.team.slug if row.team else "",
        environment,
        row.result,
        row.reason,
        row.ip,
        row.request_id,
        _json(row.before),
        _json(row.after),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _safe(cell: Any) -> str:
    """Keep a spreadsheet from taking what somebody typed for a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
