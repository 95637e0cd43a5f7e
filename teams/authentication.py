"""Who asks, at the REST door: an access token, or the session with its CSRF token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from console.kit import context
from console.kit.errors import Denied, Unauthenticated
from teams.models import Token, User
from teams.secret import read_token

SCHEME = "bearer"
USED_EVERY = timedelta(minutes=1)
"""How exact `last_used_at` is: a busy token does not write a row for each of its requests."""


class Bearer(BaseAuthentication):
    """`Authorization: Bearer wb…`."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """Give the token's user.

        None when no Authorization header was sent. Raises Unauthenticated with `token_invalid` (unknown, revoked, or of
        a disabled user: not told apart) or `token_expired`.
        """
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        digest = read_token(text.strip()) if scheme.lower() == SCHEME else None
        token = digest and Token.objects.select_related("user__enterprise").filter(hash=digest).first()
        if not token or token.revoked_at is not None or not token.user.is_active:
            raise Unauthenticated("token_invalid")
        if token.expired:
            raise Unauthenticated("token_expired")
        _note_use(token)
        context.amend(token_id=token.pk)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme."""
        return "Bearer"


class Session(BaseAuthentication):
    """The cookie of a signed-in person. Whatever it changes needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Give the session's user, or None.

        Raises Denied with `csrf_failed`, or with `password_change_required` while a one-time password is in use (an
        address whose `before_password_change` is set stays open).
        """
        user = getattr(request._request, "user", None)
        if not isinstance(user, User) or not user.is_active:
            return None
        _check_csrf(request._request)
        view = request.parser_context.get("view")
        if user.must_change_password and not getattr(view, "before_password_change", False):
            raise Denied("password_change_required")
        return user, None


class _Check(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _check_csrf(request: HttpRequest) -> None:
    check = _Check(lambda _: HttpResponse())
    check.process_request(request)
    if check.process_view(request, lambda _: HttpResponse(), (), {}):
        raise Denied("csrf_failed")


def _note_use(token: Token) -> None:
    now, ip = timezone.now(), context.current().ip
    if token.last_used_at and now - token.last_used_at < USED_EVERY and token.last_used_ip == ip:
        return
    # The use is no change of the token: its version stays.
    Token.objects.filter(pk=token.pk).update(last_used_at=now, last_used_ip=ip, row_version=F("row_version"))
