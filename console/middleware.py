"""What surrounds every request: its id, the address it came from, no header that a stranger may forge, its bounds."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from console.kit.context import RequestContext, new_request_id, surrounding
from console.kit.errors import Malformed, NotFound, TooLarge, WaybillError
from console.views import refusal

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_PROBED = {"/livez", "/readyz", "/metrics"}
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_REQUEST_ID")


def _trusted(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in settings.WAYBILL_TRUSTED_PROXIES)


def _caller(request: HttpRequest) -> str | None:
    """Give the address that asked: the nearest one that is not a listed proxy, and never what a stranger claims."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if not _trusted(address):
        return address or None
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        candidate = hop.strip()
        try:
            ipaddress.ip_address(candidate)
        except ValueError:
            break
        address = candidate
        if not _trusted(candidate):
            break
    return address


def _context(request: HttpRequest) -> RequestContext:
    if request.path_info in _PROBED:
        # A probe or monitor speaks to an address and not to a name, and what it is told depends on neither.
        request.META["HTTP_HOST"] = urlsplit(settings.WAYBILL_PUBLIC_URL).netloc
    if not _trusted(request.META.get("REMOTE_ADDR", "")):
        for header in _FORWARDED:
            request.META.pop(header, None)
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else new_request_id()
    return RequestContext(request_id=request_id, ip=_caller(request))


class Surroundings:
    """The outermost middleware: makes the request's context, binds it to the logs, answers with its id."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._async:
            return self._later(request)
        context = _context(request)
        with surrounding(context), structlog.contextvars.bound_contextvars(request_id=context.request_id):
            response = self.get_response(request)
        assert isinstance(response, HttpResponseBase)
        response.headers["X-Request-Id"] = context.request_id
        return response

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        context = _context(request)
        with surrounding(context), structlog.contextvars.bound_contextvars(request_id=context.request_id):
            response = self.get_response(request)
            assert not isinstance(response, HttpResponseBase)
            answer = await response
        answer.headers["X-Request-Id"] = context.request_id
        return answer


class Bounds(MiddlewareMixin):
    """Refuses a body over WAYBILL_MAX_BODY before a byte of it is read, and NUL, which no row can hold, wherever it
    stands. What is behind it need not think of either.

    Its place is behind the person's own middleware, so that a refusal speaks their language, and before anything reads
    a form.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Judge the length and the address."""
        error = _too_large(request) or _unwritable(request)
        return None if error is None else refusal(request, error)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Judge what a form holds; JSON is judged where it is read."""
        if request.path.startswith("/api/") or not any(
            "\0" in one for _, found in request.POST.lists() for one in found
        ):
            return None
        return refusal(request, Malformed("malformed_body", reason="character"))


def _too_large(request: HttpRequest) -> WaybillError | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = settings.WAYBILL_MAX_BODY
    # What is no number is told where the body is read; servers let none through.
    return TooLarge("body_too_large", limit=limit) if length.isdecimal() and int(length) > limit else None


def _unwritable(request: HttpRequest) -> WaybillError | None:
    if "\0" in request.path_info:
        return NotFound()
    return Malformed("malformed_address") if "%00" in request.META.get("QUERY_STRING", "") else None
