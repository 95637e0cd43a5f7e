"""Who asks, and under which request: carried beside the call, so that audit rows need no plumbing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RequestContext:
    """What surrounds an action: the request's id, the address it came from, the token used (its row id)."""

    request_id: str
    ip: str | None = None
    token_id: uuid.UUID | None = None


_current: ContextVar[RequestContext | None] = ContextVar("waybill_request", default=None)


def new_request_id() -> str:
    """Make a request id: 16 hex characters, short enough to read out loud."""
    return uuid.uuid4().hex[:16]


def current() -> RequestContext:
    """Give the context of the running request or operation; outside of both, a fresh one for a command line."""
    context = _current.get()
    if context is None:
        context = RequestContext(request_id=new_request_id())
        _current.set(context)
    return context


@contextmanager
def surrounding(context: RequestContext) -> Iterator[RequestContext]:
    """Make `context` the current one for the block."""
    mark = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(mark)


def amend(*, token_id: uuid.UUID | None) -> None:
    """Add to the current context what is known only once the caller was identified: the token in use."""
    _current.set(replace(current(), token_id=token_id))
