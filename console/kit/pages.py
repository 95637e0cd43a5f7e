"""What pages have in common: signed in, past the one-time password, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse

from console.kit import messages, preferences
from console.kit.context import current
from console.kit.errors import Invalid, Malformed, Refused, Stale, WaybillError
from console.kit.phrases import sentences_joined

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from teams.models import User

P = ParamSpec("P")


class SignedIn(HttpRequest):
    """A request whose user is a person of ours; only for annotations."""

    user: User


View = Callable[Concatenate[SignedIn, P], HttpResponseBase]

SHOWN = (Refused, Invalid, Stale, Malformed)
"""What a form shows beside its fields. A missing right and a missing thing have pages of their own."""


def page(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Let signed-in people see the page: others sign in first, and whoever holds a one-time password replaces it."""

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # A form's own address often has nothing to show: whoever sent one too late comes back to its page.
            here = request.get_full_path()
            return redirect_to_login((_came_from(request) or "/") if request.method == "POST" else here)
        if request.user.must_change_password and request.path != reverse("password"):
            return redirect("password")
        preferences.apply(request.user)
        return view(request, *args, **kwargs)

    return guarded


def error_page(request: HttpRequest, status: int, title: str | _StrPromise, text: str | _StrPromise) -> HttpResponse:
    """Say what is wrong inside the usual frame, with the number of the request and where to go on.

    Signed out, or while the database does not answer, there is no frame.
    """
    context: dict[str, Any] = {"title": title, "text": text, "request_id": current().request_id, "status": status}
    if status != 404:
        context["back"] = _came_from(request)
    try:
        framed = request.user.is_authenticated
        return render(request, f"console/error{'' if framed else '_bare'}.html", context, status=status)
    except DatabaseError:
        return HttpResponse(render_to_string("console/error_bare.html", context), status=status)


def _came_from(request: HttpRequest) -> str | None:
    """Give the page of ours that sent the request, to open it again."""
    sender = urlsplit(request.headers.get("Referer", ""))
    if sender.netloc != request.get_host() or not sender.path.startswith("/"):
        return None
    return f"{sender.path}?{sender.query}" if sender.query else sender.path


def problem(error: WaybillError) -> dict[str, str]:
    """Give the two sentences of an error, for a notice on a page."""
    return {"title": messages.title(error.code, error.params), "detail": messages.detail(error.code, error.params)}


def field_problems(error: WaybillError) -> dict[str, list[str]]:
    """Give the sentences of an error's fields: name → what is wrong with it."""
    told: dict[str, list[str]] = {}
    for wrong in error.errors:
        words = messages.said(wrong.code, wrong.params)
        told.setdefault(wrong.pointer.lstrip("/"), []).append(words)
    return told


def sentences(error: WaybillError) -> str:
    """Give both sentences of a refusal, those of its fields in place of the second, for a notice."""
    words = problem(error)
    told = [sentence for found in field_problems(error).values() for sentence in found]
    return sentences_joined(words["title"], *(told or [words["detail"]]))
