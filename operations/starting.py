"""Starting work from a page: the form carries a key, so that pressing twice starts it once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from console.kit.pages import SignedIn
from operations import idempotency
from operations.models import Operation

FIELD = "key"


def new_key() -> str:
    """Make the key of a form that starts work; it goes into the hidden field `key` (`kit/_key.html`)."""
    return str(uuid.uuid4())


def start_once(request: SignedIn, action: Callable[[], Operation]) -> Operation:
    """Start the work of a posted form; the same form sent again gives the operation it started before.

    Raises Malformed("idempotency_key_missing") for a form without its key, and what `action` raises; then nothing is
    kept and the form may be sent again.
    """
    fields = {name: request.POST.getlist(name) for name in request.POST if name not in (FIELD, "csrfmiddlewaretoken")}
    answered = idempotency.once(
        user=request.user,
        key=request.POST.get(FIELD, ""),
        request_hash=idempotency.request_hash("POST", request.get_full_path(), fields),
        action=action,
    )
    return answered.operation
