"""Finding what an address of the market names, among what the person may see."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from console.kit import messages
from console.kit.errors import Denied, Invalid
from console.kit.pages import SignedIn
from marketplace import rights, versioning
from marketplace.models import Template, Version
from marketplace.present.market import market, put_installed, versions_of
from teams.models import User


def template_of(request: SignedIn, slug: str) -> Any:
    """Give a template as `market` reads it. Raises Http404 for an absent and a hidden one alike."""
    found = market(request.user).filter(slug=slug).first()
    if found is None:
        raise Http404
    put_installed([found], request.user)
    return found


def version_of(template: Template, number: str) -> Version:
    """Give a version by its number; `2`, `2.0` and `2.0.0` are the same one. Raises Http404."""
    try:
        key = versioning.read(number).sort_key
    except Invalid as error:
        raise Http404 from error
    found = versions_of(template).filter(sort_key=key).first()
    if found is None:
        raise Http404
    return found


def why_not_on(template: Template, user: User, right: str) -> str:
    """Say which role a control on a template needs and who gives it; empty for whoever holds the right."""
    try:
        rights.require_on(template, user, right)
    except Denied as error:
        return messages.said(error.code, error.params)
    return ""
