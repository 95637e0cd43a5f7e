"""The log of an operation as a file: every line, with the times as they were written down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from django.http import StreamingHttpResponse

from operations import words
from operations.models import Operation, OperationEvent

BATCH = 500


def log_file(operation: Operation) -> StreamingHttpResponse:
    """Give the whole log as plain text in the reader's language, oldest line first, read in batches.

    A line is time (UTC, to the millisecond), level, component (`-` for none) and sentence, apart by single blanks.
    """
    answer = StreamingHttpResponse(_lines(operation), content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{operation.name}.log"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _lines(operation: Operation) -> Iterator[str]:
    """Read on from the last line of the batch before."""
    last = 0
    while found := list(operation.events.filter(pk__gt=last).order_by("id")[:BATCH]):
        yield "".join(_line(event) for event in found)
        last = found[-1].pk


def _line(event: OperationEvent) -> str:
    at = event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    # A line of the file is a line of the log, whatever a cluster or registry said.
    said = " ".join(words.line(event).split())
    return f"{at} {event.level} {event.component or '-'} {said}\n"
