"""Finding what an address names, among what the person may see, and what they may do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django.urls import NoReverseMatch, reverse

from clusters.models import Application, Environment, Revision
from clusters.present import applications, revisions
from console.kit import messages
from console.kit.errors import Denied, FieldError, Invalid, WaybillError
from console.kit.pages import SHOWN, SignedIn, sentences
from teams import access
from teams.models import Team

if TYPE_CHECKING:
    from teams.models import User

_Row = TypeVar("_Row", bound=Model)

__all__ = [
    "SHOWN",
    "address",
    "application_of",
    "environment_of",
    "revision_of",
    "sentences",
    "team_of",
    "under_field",
    "why_not",
]


def team_of(request: SignedIn, slug: str) -> Team:
    """Give a team. Raises Http404 for an absent and a foreign one alike."""
    return _one(Team.objects.permitted(request.user).filter(slug=slug))


def environment_of(request: SignedIn, slug: str) -> Environment:
    """Give an environment with team and cluster. Raises Http404."""
    rows = Environment.objects.permitted(request.user).select_related("team", "cluster", "enterprise")
    return _one(rows.filter(slug=slug))


def application_of(request: SignedIn, environment: str, app: str) -> Application:
    """Give an application with what its JSON shows. Raises Http404."""
    rows = applications.with_parts(Application.objects.permitted(request.user))
    return _one(rows.filter(environment__slug=environment, slug=app))


def revision_of(application: Application, number: int) -> Revision:
    """Give a revision of an application, whole. Raises Http404."""
    rows = revisions.with_parts(Revision.objects.filter(application=application)).select_related("application")
    return _one(rows.defer(None).filter(number=number))


def why_not(user: User, right: str, team: Team | None = None, *, held: Sequence[str] | frozenset[str] = ()) -> str:
    """Say which role a control needs and who gives it; empty for whoever holds `right`. `held` are known rights."""
    if right in held:
        return ""
    try:
        access.require(user, right, team)
    except Denied as error:
        return messages.said(error.code, error.params)
    return ""


def under_field(error: WaybillError, name: str) -> WaybillError:
    """Give a refusal that names no field as one about the field it is about; others as they are."""
    if error.errors or not isinstance(error, Invalid):
        return error
    return Invalid("invalid", errors=[FieldError(f"/{name}", error.code, error.params)])


def address(name: str, *args: object) -> str | None:
    """Give the address of a page of another app; None where this console has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return None


def _one(rows: QuerySet[_Row]) -> _Row:
    found = rows.first()
    if found is None:
        raise Http404
    return found
