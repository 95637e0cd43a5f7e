"""Doors that start work: the Idempotency-Key, and the answer 202 with the operation."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from console.kit.api import Endpoint, bodies
from operations import idempotency
from operations.models import Operation
from operations.present import location, operation_json, with_parts

RETRY_AFTER = "1"


class StartsWork(Endpoint):
    """An address with a POST that starts work. Its handler ends with `return self.start(lambda: install(…))`."""

    def start(self, action: Callable[[], Operation]) -> HttpResponse:
        """Start the work once per Idempotency-Key; answers 202.

        An equal request with the same key waits for the first one's transaction and gets its operation, with
        `Idempotent-Replayed: true`. Raises Malformed("idempotency_key_missing"), Invalid("idempotency_key_reused"), and
        what `action` raises; then nothing is kept, the key neither.
        """
        request = self.request
        answered = idempotency.once(
            user=self.user,
            key=request.headers.get("Idempotency-Key", ""),
            request_hash=idempotency.request_hash(
                request.method or "", request.get_full_path(), bodies.read(request._request)
            ),
            action=action,
        )
        return self.accepted(answered.operation, replayed=answered.replayed)

    def accepted(self, operation: Operation, *, replayed: bool = False) -> HttpResponse:
        """Answer 202 with the operation; for work started by PUT or DELETE, which need no key."""
        return accepted(self, operation, replayed=replayed)


def accepted(door: Endpoint, operation: Operation, *, replayed: bool = False) -> HttpResponse:
    """Answer 202: Location, the operation as it stands, and when to look again."""
    row = with_parts(Operation.objects.filter(pk=operation.pk)).get()
    headers = {"Location": location(row)}
    if row.is_active:
        headers["Retry-After"] = RETRY_AFTER
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return door.answer(operation_json(row, door.user), status=202, headers=headers)
