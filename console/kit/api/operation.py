"""The declaration of one REST operation: who may, what it reads, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from rest_framework import serializers

from console.kit.codes import CODES
from console.kit.errors import STATUS

if TYPE_CHECKING:
    from django.utils.functional import Promise

ANYONE: Final = "anyone"
SIGNED_IN: Final = "signed_in"

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


class OneOf(NamedTuple):
    """A query parameter that is one of a few words, and is refused (`choice_unknown`) when it is another."""

    about: str | Promise
    choices: tuple[str, ...]


TRUE_OR_FALSE: Final = ("true", "false")

LIST_PARAMETERS: Final[Mapping[str, str | OneOf]] = {
    "limit": "How many items at most: 1 to 200, 50 if not given.",
    "cursor": "Where to go on: the value in `next` or `previous` of an answer.",
    "count": OneOf("`true` adds `total`, counted up to 10,000.", TRUE_OR_FALSE),
    "fields": "Comma-separated names: only these fields of each item.",
}
"""What every list reads besides its own."""


@dataclass(frozen=True)
class Operation:
    """What one method of one address promises."""

    right: str
    summary: str | Promise
    answers: Mapping[int, Any]
    body: type[serializers.BaseSerializer[Any]] | None = None
    partial: bool = False
    example: Any = None
    listed: bool = False
    query: Mapping[str, str | Promise | OneOf] = field(default_factory=dict)
    starts_work: bool = False
    refuses: tuple[str, ...] = ()
    about: str | Promise = ""
    media: str = "application/json"

    @property
    def parameters(self) -> Mapping[str, str | Promise | OneOf]:
        """The query parameters this operation knows."""
        return {**self.query, **LIST_PARAMETERS} if self.listed else self.query

    def refusals(self, *, names_something: bool) -> dict[int, tuple[str, ...]]:
        """Give status → the codes it may be refused with: the general ones first, then those it declares.

        `names_something`: whether its address has a part that names a thing, which may be absent.
        """
        codes = [*_general(self, names_something=names_something), *self.refuses]
        found: dict[int, dict[str, None]] = {}
        for code in codes:
            for family in CODES[code].families:
                found.setdefault(STATUS[family], {})[code] = None
        return {status: tuple(found[status]) for status in sorted(found)}


def _general(declared: Operation, *, names_something: bool) -> Iterator[str]:
    """What the base of every endpoint refuses, by what the operation reads and who may ask."""
    yield from ("unknown_parameter", "token_invalid", "token_expired", "password_change_required", "csrf_failed")
    if declared.right != ANYONE:
        yield "sign_in_required"
    if declared.right not in (ANYONE, SIGNED_IN):
        yield "role_required"
    if names_something:
        yield "not_found"
    if declared.listed:
        yield "bad_cursor"
    if declared.body is not None:
        yield from ("malformed_body", "body_too_deep", "unknown_field", "body_too_large", "unsupported_media_type")
    if declared.body is not None or declared.parameters:
        yield "invalid"
    if declared.starts_work:
        yield from ("idempotency_key_missing", "idempotency_key_reused")


def operation(
    right: str,
    summary: str | Promise,
    *,
    answers: Mapping[int, Any],
    body: type[serializers.BaseSerializer[Any]] | None = None,
    partial: bool = False,
    example: Any = None,
    listed: bool = False,
    query: Mapping[str, str | Promise | OneOf] | None = None,
    starts_work: bool = False,
    refuses: tuple[str, ...] = (),
    about: str | Promise = "",
    media: str = "application/json",
) -> Callable[[_Handler], _Handler]:
    """Declare a handler (`get`, `post`, …) of an Endpoint.

    `right`: ANYONE, SIGNED_IN, an enterprise right or a team right. `answers`: status → example (None: no content; of a
    list: one item). `body`, `example`: the serializer and a body it accepts; `partial` for PATCH. `listed`: answers a
    page of a list. `query`: parameter → what it does. `starts_work`: an Idempotency-Key is needed. `refuses`: codes
    beyond the general ones; `etag_mismatch` among them says that If-Match is read. `about`: more to say in the API's
    documentation. `media`: what kind of document a success is.
    """
    declared = Operation(
        right=right,
        summary=summary,
        answers=answers,
        body=body,
        partial=partial,
        example=example,
        listed=listed,
        query=dict(query or {}),
        starts_work=starts_work,
        refuses=refuses,
        about=about,
        media=media,
    )

    def mark(handler: _Handler) -> _Handler:
        handler.operation = declared  # type: ignore[attr-defined]
        return handler

    return mark
