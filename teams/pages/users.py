"""Pages of users, for those who manage them: the list, a new one, and each one's own page."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from console.kit.errors import Stale
from console.kit.pages import SHOWN, SignedIn, page, sentences
from console.kit.paging import Paged, paged
from teams import access
from teams.actions.users import change_user, create_user, reset_password
from teams.models import Membership, Team, User
from teams.person_forms import NewUserForm, UserForm
from teams.roles import ENTERPRISE_ROLE_LABELS, ROLE_LABELS

RIGHT = "manage_users"
SORTS = {"login": "login", "name": "name", "seen": "last_login"}


def _only_admins(request: SignedIn) -> None:
    """For whoever does not manage users these pages do not exist."""
    if not access.holds(request.user, RIGHT):
        raise Http404


@require_GET
@page
def user_list(request: SignedIn) -> HttpResponse:
    """List the people of the enterprise with their roles."""
    _only_admins(request)
    text, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    rows = User.objects.permitted(request.user).order_by("login")
    if text:
        rows = rows.filter(Q(login__icontains=text) | Q(name__icontains=text) | Q(email__icontains=text))
    if state in ("active", "disabled"):
        rows = rows.filter(is_active=state == "active")
    shown: Paged[User] = paged(request, rows, filters=("q", "state"), sorts=SORTS, sort="login")
    teams = _teams_of(row.pk for row in shown.rows)
    context = {
        "page": shown,
        "lines": [(row, _labels(row), teams.get(row.pk, [])) for row in shown.rows],
        "filters": {"q": text, "state": state},
    }
    return render(request, "teams/user_list.html", context)


def _labels(user: User) -> list[str]:
    return [str(ENTERPRISE_ROLE_LABELS[role]) for role in user.enterprise_roles]


def _teams_of(users: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[tuple[Team, list[str]]]]:
    """Give user id → their teams with the roles held there, with one query."""
    rows = Membership.objects.filter(user__in=list(users), team__removed_at=None).select_related("team")
    found: dict[uuid.UUID, dict[Team, list[str]]] = {}
    for row in rows.order_by("team__slug", "role"):
        found.setdefault(row.user_id, {}).setdefault(row.team, []).append(str(ROLE_LABELS[row.role]))
    return {user: list(teams.items()) for user, teams in found.items()}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def user_new(request: SignedIn) -> HttpResponse:
    """Show the form of a new user, or make one and show the password for one use, this once."""
    _only_admins(request)
    form = NewUserForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            row, password = create_user(acting_user=request.user, **form.changes())
        except SHOWN as error:
            form.refuse(error)
            status = error.status
        else:
            return _told(request, row, password, made=True)
    return render(request, "teams/user_new.html", {"form": form}, status=status)


def _told(request: SignedIn, row: User, password: str, *, made: bool) -> HttpResponse:
    """Show a password for one use in the answer itself: it is kept nowhere, so there is nothing to redirect to."""
    context = {"person": row, "password": password, "made": made}
    return render(request, "teams/user_password.html", context, status=201 if made else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def user_page(request: SignedIn, login: str) -> HttpResponse:
    """Show a user, or save what was changed of them."""
    row = _found(request, login)
    if request.method != "POST":
        return _page(request, row, _form_of(row))
    form = UserForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, status=422)
    try:
        change_user(user=row, changes=form.changes(), acting_user=request.user, expected_version=_version(request))
    except SHOWN as error:
        form.refuse(error)
        if isinstance(error, Stale):
            form.show_saved(row)
        return _page(request, row, form, status=error.status)
    messages.success(request, _("Saved."))
    return redirect("user_page", row.login)


@require_POST
@page
def user_state(request: SignedIn, login: str) -> HttpResponse:
    """Disable a user, which ends their sessions and tokens at once, or enable them again."""
    row, active = _found(request, login), request.POST.get("state") == "active"
    try:
        change_user(user=row, changes={"is_active": active}, acting_user=request.user)
    except SHOWN as error:
        messages.error(request, sentences(error))
    else:
        words = _("%(name)s may sign in again.") if active else _("%(name)s is disabled and signed out everywhere.")
        messages.success(request, words % {"name": row.name})
    return redirect("user_page", row.login)


@never_cache
@require_POST
@page
def user_password(request: SignedIn, login: str) -> HttpResponse:
    """Give a user a new password for one use and show it, this once."""
    row = _found(request, login)
    return _told(request, row, reset_password(user=row, acting_user=request.user), made=False)


def _found(request: SignedIn, login: str) -> User:
    _only_admins(request)
    row: User | None = User.objects.permitted(request.user).filter(login=login.lower()).first()
    if row is None:
        raise Http404
    return row


def _form_of(row: User) -> UserForm:
    return UserForm(initial={"name": row.name, "email": row.email or "", "enterprise_roles": row.enterprise_roles})


def _version(request: SignedIn) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _page(request: SignedIn, row: User, form: UserForm, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "person": row,
        "form": form,
        "roles": _labels(row),
        "teams": _teams_of([row.pk]).get(row.pk, []),
    }
    return render(request, "teams/user_page.html", context, status=status)
