"""OpenAPI from the declarations of the operations (drf-spectacular does the document around them)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from console.kit.api.lists import LIMIT_MAX
from console.kit.api.operation import ANYONE, OneOf, Operation
from console.kit.api.shape import list_schema, present_schema, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.utils.functional import Promise

_LIMIT = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX}
_KEY = {"type": "string", "minLength": 1, "maxLength": 255}

_VERBS = {"get": "get", "post": "create", "put": "set", "patch": "change", "delete": "delete"}

PROBLEM: dict[str, Any] = {
    "type": "/api/docs/problems/slug_taken",
    "title": "This address name is taken",
    "status": 409,
    "detail": "Nothing was changed.",
    "instance": "/api/v1/teams",
    "code": "slug_taken",
    "params": {},
    "request_id": "3f1be0c2d9a40195",
    "errors": [{"pointer": "/slug", "code": "required", "params": {}, "detail": "This is required."}],
    "blocking_operation": "op-12",
    "allowed_roles": ["admin"],
    "retry_after": 30,
}


_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def problem_schema() -> dict[str, Any]:
    """Give the schema of every refusal, which the document has once."""
    return present_schema(PROBLEM) | {"description": "A problem (RFC 9457)"}


class Schema(AutoSchema):
    """Reads the declaration of the view's method; knows nothing else."""

    @property
    def declared(self) -> Operation:
        """The declaration of the method that is being described."""
        found = getattr(self.view, self.method.lower()).operation
        assert isinstance(found, Operation)
        return found

    def get_operation_id(self) -> str:
        """Name the operation after its verb and path: `list_teams`, `set_teams_team_members_login`."""
        verb = "list" if self.declared.listed else _VERBS[self.method.lower()]
        words = re.findall(r"[a-z0-9]+", self.path.removeprefix("/api/v1").lower())
        return "_".join([verb, *words])

    def get_summary(self) -> str:
        """Give the declared summary."""
        return str(self.declared.summary)

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """Say who may, and with which codes it refuses."""
        declared = self.declared
        right = {ANYONE: "Open to everyone."}.get(declared.right, f"Right: `{declared.right}`.")
        refuses = f"Refuses with: {', '.join(f'`{code}`' for code in declared.refuses)}." if declared.refuses else ""
        return "\n\n".join(filter(None, [str(declared.about), right, refuses]))

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # a page of a list is declared as such, never guessed

    def get_tags(self) -> list[str]:
        """Group by the first word of the path."""
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    def get_auth(self) -> list[dict[str, Any]]:
        """Token or session, or nothing where everyone may."""
        return [] if self.declared.right == ANYONE else [{"token": []}, {"session": []}]

    def get_request_serializer(self) -> Any:
        """Give the declared body."""
        return self.declared.body

    def get_response_serializers(self) -> Any:
        """Give the declared answers, and each refusal by its status with the codes it may have."""
        declared = self.declared
        answers: dict[Any, Any] = {
            (str(status), declared.media): _answer(declared, status, example)
            for status, example in declared.answers.items()
        }
        for status, codes in declared.refusals(names_something="{" in self.path).items():
            about = f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}"
            answers[str(status), "application/problem+json"] = OpenApiResponse(response=_PROBLEM, description=about)
        return answers

    def get_override_parameters(self) -> list[Any]:
        """Give the query parameters and headers, those of answers too."""
        declared = self.declared
        found = [_query(name, known) for name, known in declared.parameters.items()]
        if declared.starts_work:
            about = "1 to 255 characters, chosen by the caller: the same key starts the work once."
            found.append(_header("Idempotency-Key", about, required=True, type=_KEY))
        if "etag_mismatch" in declared.refuses:
            found.append(_header("If-Match", "The ETag of what was read: refused (412) if it has changed since."))
        return [*found, *self._answered()]

    def _answered(self) -> Iterator[OpenApiParameter]:
        """The headers of answers."""
        declared = self.declared
        located = [status for status in declared.answers if status in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED)]
        if located:
            yield _header("Location", "The address of what was made or started.", required=True, response=located)
        if declared.starts_work:
            yield _header("Idempotent-Replayed", "`true`: the key was known.", response=[HTTPStatus.ACCEPTED.value])
        yield _header("WWW-Authenticate", "Who is asked for.", required=True, response=[401])
        if HTTPStatus.TOO_MANY_REQUESTS in declared.refusals(names_something=False):
            whole = {"type": "integer", "minimum": 0}
            yield _header("Retry-After", "Seconds to wait.", required=True, type=whole, response=[429])

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Say what bodies hold to: a name that is not known is refused."""
        found: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        return found | {"additionalProperties": False}

    def get_examples(self) -> list[Any]:
        """Give the example of the body."""
        if self.declared.example is None:
            return []
        return [OpenApiExample("example", value=shown(self.declared.example), request_only=True)]

    def get_serializer_name(self, serializer: serializers.Serializer[Any], direction: Any) -> str:
        """Name a body after its class and module's app, so that two apps may use one word."""
        kind = type(serializer)
        return f"{kind.__module__.split('.')[0].title()}{kind.__name__}"


def _query(name: str, known: str | Promise | OneOf) -> OpenApiParameter:
    if isinstance(known, OneOf):
        return OpenApiParameter(
            name, OpenApiTypes.STR, OpenApiParameter.QUERY, description=str(known.about), enum=known.choices
        )
    kind = _LIMIT if name == "limit" else OpenApiTypes.STR
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=str(known))


def _header(name: str, about: str, *, type: Any = OpenApiTypes.STR, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, type, OpenApiParameter.HEADER, description=about, **more)


def _answer(declared: Operation, status: int, example: Any) -> OpenApiResponse:
    words = HTTPStatus(status).phrase
    if example is None:
        return OpenApiResponse(description=words)
    listed = declared.listed and status == 200
    value: Any = {"items": [shown(example)], "next": None, "previous": None} if listed else shown(example)
    return OpenApiResponse(
        response=list_schema(example) if listed else present_schema(example),
        description=words,
        examples=[OpenApiExample("example", value=value, response_only=True, status_codes=[str(status)])],
    )
