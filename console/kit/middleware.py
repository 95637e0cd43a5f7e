"""What surrounds the requests of a signed-in person: the life of the session, their language, their first password."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_resolver, reverse
from django.utils.deprecation import MiddlewareMixin

from console.kit import messages, preferences
from console.kit.api.hooks import hooks
from console.kit.errors import Denied, WaybillError
from console.kit.pages import error_page

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
PASSWORD_PAGE = "password"  # noqa: S105  the name of an address
"""The name of the page on which a person chooses a password. It and what it needs stay open."""

_SEEN_EVERY = 60
"""Seconds: how exact the idle limit is, so that not every request writes the session."""
_OPEN_PREFIXES = ("/api/", "/static/", "/auth/", "/livez", "/readyz")
"""Addresses the gate below leaves alone; the API has its own answer."""


def begin(request: HttpRequest) -> None:
    """Note when this session began. Call it right after signing in."""
    now = int(time.time())
    request.session[SIGNED_IN_AT] = now
    request.session[SEEN_AT] = now


def is_over(session: Mapping[str, Any]) -> bool:
    """Whether a session idled longer than WAYBILL_SESSION_IDLE or lives longer than WAYBILL_SESSION_MAX."""
    now = int(time.time())
    began, seen = session.get(SIGNED_IN_AT, now), session.get(SEEN_AT, now)
    return bool(now - began >= settings.WAYBILL_SESSION_MAX or now - seen >= settings.WAYBILL_SESSION_IDLE)


def note_refusal(request: HttpRequest, error: WaybillError) -> None:
    """Write to the trail that a role was missing. Pages that show a refusal beside a form call it themselves."""
    if isinstance(error, Denied) and error.code == "role_required":
        hooks.refusal(request.user, error, address=f"{request.method} {request.path}")


def _asked_by_itself(request: HttpRequest) -> bool:
    """Whether a page asked for its news: a browser left open is no person at work, and its session still ends."""
    return request.method == "GET" and request.headers.get("X-Requested-With") == "fetch"


class Person(MiddlewareMixin):
    """After Django's authentication: end sessions that are too old, speak the reader's language, ask for a password."""

    def process_request(self, request: HttpRequest) -> None:
        """End the session when it idled longer than WAYBILL_SESSION_IDLE or lives longer than WAYBILL_SESSION_MAX."""
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return
        if is_over(request.session):
            logout(request)
            return
        now = int(time.time())
        if SIGNED_IN_AT not in request.session:
            begin(request)
        elif now - request.session.get(SEEN_AT, now) >= _SEEN_EVERY and not _asked_by_itself(request):
            request.session[SEEN_AT] = now
        preferences.apply(user)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Send whoever still has a one-time password to the page that replaces it."""
        user = getattr(request, "user", None)
        if user is None or not getattr(user, "must_change_password", False):
            return None
        match = request.resolver_match
        if request.path.startswith(_OPEN_PREFIXES) or (match is not None and match.url_name == PASSWORD_PAGE):
            return None
        return HttpResponseRedirect(reverse(PASSWORD_PAGE))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer what a page raised as a page with its two sentences, and write down a refusal for a missing role."""
        if not isinstance(exception, WaybillError):
            return None
        note_refusal(request, exception)
        if exception.status == 404:
            handler: Any = get_resolver(getattr(request, "urlconf", None)).resolve_error_handler(404)
            absent: HttpResponse = handler(request, exception=exception)
            return absent
        words = {"title": messages.title(exception.code, exception.params)}
        words["text"] = messages.detail(exception.code, exception.params)
        return error_page(request, exception.status, **words)
