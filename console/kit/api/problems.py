"""Problems (RFC 9457): every refusal of the API in one shape, in the reader's language."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.request import Request

from console.kit import messages
from console.kit.api.answers import NO_STORE, answer
from console.kit.api.faults import MOST
from console.kit.api.hooks import hooks
from console.kit.context import current
from console.kit.errors import (
    Broken,
    Denied,
    FieldError,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    NotReady,
    TooLarge,
    TooMany,
    Unauthenticated,
    UnsupportedMedia,
    WaybillError,
)

_log = structlog.get_logger(__name__)
TYPE = "/api/docs/problems/"
CHALLENGE = 'Bearer realm="waybill"'
LONGEST = 200
"""Characters of one text that a refusal says again: an answer shall not be many times as long as what was sent."""
SOON = 1
"""Seconds after which a console whose database was away may be asked again."""


def problem(error: WaybillError, path: str) -> HttpResponse:
    """Make the problem document of `error` for the address `path`.

    A 404 carries its request id in the header only, so that absent and foreign answer the same bytes.
    """
    retry_after = error.params.get("retry_after", SOON if isinstance(error, NotReady) else None)
    params = shortened(error.params)
    data = {
        "type": f"{TYPE}{error.code}",
        "title": messages.title(error.code, params),
        "status": error.status,
        "detail": messages.detail(error.code, params),
        "instance": path,
        "code": error.code,
        "params": params,
        "request_id": None if error.status == 404 else current().request_id,
        "errors": [_entry(fault) for fault in error.errors[:MOST]],
        "blocking_operation": params.get("operation") if error.code == "operation_in_progress" else None,
        "allowed_roles": params.get("roles") if error.code == "role_required" else None,
        "retry_after": retry_after,
    }
    headers = {"Cache-Control": NO_STORE}
    if error.status == 401:
        headers["WWW-Authenticate"] = CHALLENGE + (
            ', error="invalid_token"' if error.code != "sign_in_required" else ""
        )
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return answer(data, status=error.status, headers=headers, kind="application/problem+json")


def _entry(fault: FieldError) -> dict[str, Any]:
    params = shortened(fault.params)
    return {
        "pointer": shortened(fault.pointer),
        "code": fault.code,
        "params": params,
        "detail": messages.title(fault.code, params),
    }


def shortened(value: Any) -> Any:
    """Give the parameters of a refusal with long texts cut at LONGEST characters, and long lists at MOST items."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value[:MOST]]
    return value


def handle(exc: Exception, request: Request) -> HttpResponse:
    """Answer whatever a handler raised. What nobody foresaw is logged with its trace and answered as `internal`."""
    error = known(exc, request.method or "")
    if error is None:
        trace = current().request_id
        _log.error("request_failed", path=request.path, method=request.method, exc_info=exc)
        error = Broken("internal", trace=trace)
    if isinstance(error, Denied) and error.code == "role_required":
        hooks.refusal(request.user, error, address=f"{request.method} {request.path}")
    response = problem(error, request.path)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(getattr(request.parser_context.get("view"), "allowed_methods", []))
    return response


def known(exc: Exception, method: str = "") -> WaybillError | None:
    """Give our error for what Django and DRF raise of their own; None when it is none of these."""
    if isinstance(exc, (OperationalError, InterfaceError)):
        # The database is away, or threw everybody out. Whoever asks again with the same key loses nothing.
        _log.warning("database_away", error=str(exc))
        return NotReady("not_ready_yet", reason="database")
    return _named(exc, method)


def _named(exc: Exception, method: str) -> WaybillError | None:
    match exc:
        case WaybillError():
            return exc
        case Http404():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed("method_not_allowed", method=method)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthenticated("sign_in_required")
        case exceptions.UnsupportedMediaType():
            return UnsupportedMedia("unsupported_media_type", media_type="")
        case exceptions.ParseError() | MultiPartParserError():
            return Malformed("malformed_body", reason="syntax")
        case RequestDataTooBig():
            return TooLarge("body_too_large", limit=settings.WAYBILL_MAX_BODY)
        case TooManyFieldsSent():
            return TooLarge("too_many_fields", limit=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)
        case TooManyFilesSent():
            return TooLarge("too_many_fields", limit=settings.DATA_UPLOAD_MAX_NUMBER_FILES)
        case exceptions.Throttled():
            return TooMany("too_many_requests", retry_after=int(getattr(exc, "wait", None) or 1))
        case exceptions.ValidationError():
            return Invalid("invalid")
        case PermissionDenied() | exceptions.PermissionDenied():
            return Denied("csrf_failed")
    return None


def not_found(request: HttpRequest) -> HttpResponse:
    """Answer 404 for an address the API does not have."""
    return problem(NotFound(), request.path)
