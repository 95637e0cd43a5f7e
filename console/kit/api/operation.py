"""The declaration of one REST operation: who may, what it reads, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rest_framework import serializers

if TYPE_CHECKING:
    from django.utils.functional import Promise

ANYONE: Final = "anyone"
SIGNED_IN: Final = "signed_in"

LIST_PARAMETERS: Final = ("limit", "cursor", "count", "fields")

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


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
    query: Mapping[str, str | Promise] = field(default_factory=dict)
    starts_work: bool = False
    refuses: tuple[str, ...] = ()
    about: str | Promise = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The query parameters this operation knows."""
        return (*self.query, *(LIST_PARAMETERS if self.listed else ()))


def operation(
    right: str,
    summary: str | Promise,
    *,
    answers: Mapping[int, Any],
    body: type[serializers.BaseSerializer[Any]] | None = None,
    partial: bool = False,
    example: Any = None,
    listed: bool = False,
    query: Mapping[str, str | Promise] | None = None,
    starts_work: bool = False,
    refuses: tuple[str, ...] = (),
    about: str | Promise = "",
) -> Callable[[_Handler], _Handler]:
    """Declare a handler (`get`, `post`, …) of an Endpoint.

    `right`: ANYONE, SIGNED_IN, an enterprise right or a team right. `answers`: status → example (None: no content; of a
    list: one item). `body`, `example`: the serializer and a body it accepts; `partial` for PATCH. `listed`: answers a
    page of a list. `query`: parameter → what it does. `starts_work`: an Idempotency-Key is needed. `refuses`: codes
    beyond the general ones. `about`: more to say in the API's documentation.
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
    )

    def mark(handler: _Handler) -> _Handler:
        handler.operation = declared  # type: ignore[attr-defined]
        return handler

    return mark
