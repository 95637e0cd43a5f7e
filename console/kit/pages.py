"""What pages have in common: signed in, past the one-time password, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from console.kit import messages, preferences
from console.kit.errors import Invalid, Malformed, Refused, Stale, WaybillError

if TYPE_CHECKING:
    from teams.models import User

P = ParamSpec("P")


class SignedIn(HttpRequest):
    """A request whose user is a person of ours; only for annotations."""

    user: User


View = Callable[Concatenate[SignedIn, P], HttpResponse]

SHOWN = (Refused, Invalid, Stale, Malformed)
"""What a form shows beside its fields. A missing right and a missing thing have pages of their own."""


def page(view: View[P]) -> Callable[..., HttpResponse]:
    """Let signed-in people see the page: others sign in first, and whoever holds a one-time password replaces it."""

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.must_change_password and request.path != reverse("password"):
            return redirect("password")
        preferences.apply(request.user)
        return view(request, *args, **kwargs)

    return login_required(guarded)


def problem(error: WaybillError) -> dict[str, str]:
    """Give the two sentences of an error, for a notice on a page."""
    return {"title": messages.title(error.code, error.params), "detail": messages.detail(error.code, error.params)}


def field_problems(error: WaybillError) -> dict[str, list[str]]:
    """Give the sentences of an error's fields: name → what is wrong with it."""
    told: dict[str, list[str]] = {}
    for wrong in error.errors:
        words = f"{messages.title(wrong.code, wrong.params)} {messages.detail(wrong.code, wrong.params)}"
        told.setdefault(wrong.pointer.lstrip("/"), []).append(words)
    return told


def sentences(error: WaybillError) -> str:
    """Give both sentences of a refusal, those of its fields in place of the second, for a notice."""
    words = problem(error)
    told = [sentence for found in field_problems(error).values() for sentence in found]
    return " ".join([words["title"], *(told or [words["detail"]])])
