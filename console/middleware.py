"""What surrounds every request: its id, the address it came from, and no header that a stranger may forge."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from console.kit.context import RequestContext, new_request_id, surrounding

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
