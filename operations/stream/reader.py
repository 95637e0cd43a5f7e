"""What a stream sends next: read from the rows, in a few threads, under the rights that hold at that moment."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request

from console.kit import preferences
from console.kit.api import problem
from console.kit.errors import MethodNotAllowed, Unauthenticated, WaybillError
from console.kit.middleware import is_over
from operations.models import Operation, OperationEvent
from operations.present import event_json, operation_json, with_parts
from teams.authentication import Bearer
from teams.models import Token, User

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")

PAGE = 200
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="streams")


async def in_thread(function: Callable[_Args, _Result], *args: _Args.args, **kwargs: _Args.kwargs) -> _Result:
    """Call `function`, which asks the database, off the event loop; its connection goes back at once."""

    def call() -> _Result:
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    # With the request's context: the language it is read in.
    return await asyncio.get_running_loop().run_in_executor(_threads, contextvars.copy_context().run, call)


@dataclass(frozen=True)
class Reader:
    """Who reads: a person, by a session or a token that must still hold."""

    user_id: Any
    language: str
    session_key: str | None = None
    token_id: Any = None

    def person(self) -> User | None:
        """Give the person anew from the row; None when nothing signs them in any more."""
        if self.token_id is not None:
            held = Token.objects.filter(pk=self.token_id, revoked_at=None, expires_at__gt=timezone.now())
            if not held.exists():
                return None
        found: User | None = User.objects.filter(pk=self.user_id, is_active=True).select_related("enterprise").first()
        if found is not None and self.session_key is not None and not _holds(self.session_key, found):
            return None
        return found


def _holds(session_key: str, person: User) -> bool:
    """Whether a session still signs this person in: it is there, within both limits, and of their present password."""
    row = Session.objects.filter(session_key=session_key, expire_date__gt=timezone.now()).first()
    if row is None:
        return False
    data = row.get_decoded()
    return not is_over(data) and constant_time_compare(data.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash())


def reader_of(request: HttpRequest) -> Reader:
    """Find out who reads: by token, else by session. Raises Unauthenticated."""
    found = Bearer().authenticate(Request(request))
    if found is not None:
        user, token = found
        preferences.apply(user)
        return Reader(user.pk, translation.get_language(), token_id=token.pk)
    person = request.user
    if not isinstance(person, User) or not person.is_active:
        raise Unauthenticated("sign_in_required")
    preferences.apply(person)
    return Reader(person.pk, translation.get_language(), session_key=request.session.session_key)


def refusal(error: WaybillError, request: HttpRequest) -> HttpResponse:
    """Answer a stream that may not be opened, as the REST addresses do."""
    response = problem(error, request.path)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = "GET"
    return response


@dataclass
class Look:
    """What one look found: lines after the last one sent, and the operation."""

    lines: list[dict[str, Any]]
    operation: dict[str, Any]
    ended: bool
    more: bool = False
    key: Any = field(default=None)


def look(reader: Reader, number: int, after: int) -> Look | None:
    """Read what there is after line `after`; None when the person may not see the operation (any more)."""
    person = reader.person()
    if person is None:
        return None
    row = with_parts(Operation.objects.permitted(person).filter(number=number)).first()
    if row is None:
        return None
    with translation.override(reader.language):
        lines = OperationEvent.objects.filter(operation=row, pk__gt=after).order_by("pk")[:PAGE]
        shown = [event_json(line) for line in lines]
        data = operation_json(row, person)
    return Look(shown, data, ended=not row.is_active, more=len(shown) == PAGE, key=_news(data))


def permitted(reader: Reader, number: int) -> bool:
    """Ask again whether the person may see the operation."""
    person = reader.person()
    return person is not None and Operation.objects.permitted(person).filter(number=number).exists()


def _news(data: dict[str, Any]) -> Any:
    """Give what of the operation is news: running seconds are not."""
    steps = [{name: value for name, value in step.items() if name != "seconds"} for step in data["steps"]]
    return {**data, "steps": steps}
