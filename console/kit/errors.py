"""Errors: a stable code and named parameters, never prose.

Each code has a row in `CODES`: its family (whose fault it is, and the HTTP status that goes with it) and the names of
its parameters. The two sentences of a code, what happened and what to do next, live in `console.kit.messages`, so
that they are made in the reader's language. Standard library only: pure modules raise these too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from console.kit.codes import CODES


@dataclass(frozen=True)
class FieldError:
    """One wrong place in an input: a JSON pointer, a code, its parameters."""

    pointer: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)


class WaybillError(Exception):
    """The root of every error a person may see. An unknown code or wrong parameters are a bug and raise TypeError."""

    family: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, /, *, errors: Iterable[FieldError] = (), **params: Any) -> None:
        known = CODES.get(code)
        if known is None:
            raise TypeError(f"unknown error code {code!r}")
        if self.family and self.family not in known.families:
            raise TypeError(f"{code} belongs to {known.families}, not to {self.family}")
        unknown, missing = set(params) - set(known.params), set(known.params) - set(params)
        if unknown or missing:
            raise TypeError(
                f"{code} takes {sorted(known.params)}: unknown {sorted(unknown)}, missing {sorted(missing)}"
            )
        super().__init__(code, params)
        self.code = code
        self.params = params
        self.errors = tuple(errors)

    @property
    def status(self) -> int:
        """The HTTP status of this error at acceptance."""
        return STATUS[self.family]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.code}({shown})"


class Malformed(WaybillError):
    """400: the request cannot be read."""

    family = "malformed"


class Unauthenticated(WaybillError):
    """401: nobody is signed in, or the token does not hold."""

    family = "unauthenticated"


class Denied(WaybillError):
    """403: visible, but the role is missing."""

    family = "denied"


class NotFound(WaybillError):
    """404: absent or foreign, told with the same bytes."""

    family = "not_found"

    def __init__(self, code: str = "not_found", /, *, errors: Iterable[FieldError] = (), **params: Any) -> None:
        super().__init__(code, errors=errors, **params)


class MethodNotAllowed(WaybillError):
    """405: the address has no such verb."""

    family = "method"


class Refused(WaybillError):
    """409: understood, allowed in general, but not in this state."""

    family = "refused"


class Stale(WaybillError):
    """412: what was decided on has moved since."""

    family = "stale"


class TooLarge(WaybillError):
    """413: over a stated bound."""

    family = "too_large"


class UnsupportedMedia(WaybillError):
    """415: not a media type this address reads."""

    family = "media"


class Invalid(WaybillError):
    """422: read, but its content is not valid."""

    family = "invalid"


class TooMany(WaybillError):
    """429: slow down."""

    family = "too_many"


class NotReady(WaybillError):
    """503: the console itself is not ready."""

    family = "not_ready"


class Unreachable(WaybillError):
    """Something is away; an operation waits and goes on by itself."""

    family = "unreachable"
    retryable = True
    retry_after: float | None = None
    """Seconds the other side asked us to wait (`Retry-After`); set by the edge that read it."""


class Rejected(WaybillError):
    """The world said no: a cluster, a registry, a rule of theirs."""

    family = "rejected"


class NotHealthy(WaybillError):
    """It was applied and does not run."""

    family = "not_healthy"


class Broken(WaybillError):
    """A fault of ours."""

    family = "broken"


STATUS: dict[str, int] = {
    "malformed": 400,
    "unauthenticated": 401,
    "denied": 403,
    "not_found": 404,
    "method": 405,
    "refused": 409,
    "stale": 412,
    "too_large": 413,
    "media": 415,
    "invalid": 422,
    "too_many": 429,
    "broken": 500,
    "not_ready": 503,
    "unreachable": 409,
    "rejected": 409,
    "not_healthy": 409,
}
