"""Pages of a person: signing in and out, the password, the profile."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from console.kit.errors import WaybillError
from console.kit.pages import SignedIn, page, problem
from teams import roles
from teams.actions.sessions import check_own_password, sign_in, sign_out
from teams.actions.users import change_own_password, change_profile
from teams.forms import PasswordForm, ProfileForm
from teams.models import Membership, User
from teams.pages.audit import administers

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Show the form, or sign in and go on to where the person wanted to be."""
    if request.method != "POST":
        return redirect(_onward(request)) if request.user.is_authenticated else render(request, "teams/sign_in.html")
    login = request.POST.get("login", "")
    try:
        user = sign_in(login=login, password=request.POST.get("password", ""))
    except WaybillError as error:
        context = {"login": login, "problem": problem(error)}
        answer = render(request, "teams/sign_in.html", context, status=error.status)
        if "retry_after" in error.params:
            answer["Retry-After"] = str(error.params["retry_after"])
        return answer
    start_session(request, user, backend=_BACKEND)
    request.session.set_expiry(settings.WAYBILL_SESSION_MAX)
    return redirect(_onward(request))


def _onward(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("home")


@require_POST
def sign_out_page(request: HttpRequest) -> HttpResponse:
    """End the session; harmless when there is none."""
    if isinstance(request.user, User):
        sign_out(acting_user=request.user)
    end_session(request)
    return redirect("sign_in")


@never_cache
@sensitive_post_parameters("current", "new")
@page
def password(request: SignedIn) -> HttpResponse:
    """Show the form for a new password, or save it; other sessions of the person end, this one stays."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            check_own_password(password=form.cleaned_data["current"], acting_user=request.user)
            user = change_own_password(new=form.cleaned_data["new"], acting_user=request.user)
        except WaybillError as error:
            form.refuse(error)
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed. Other sessions of yours have ended."))
            return redirect("home")
    return render(request, "teams/password.html", {"form": form}, status=422 if form.errors else 200)


@page
def profile(request: SignedIn) -> HttpResponse:
    """Show and save language, theme and time zone; show the person's roles."""
    user = request.user
    start = {"language": user.language, "theme": user.theme, "time_zone": user.time_zone}
    form = ProfileForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        changed = change_profile(changes=form.cleaned_data, acting_user=user)
        answer = redirect("profile")
        if changed.language:
            _keep_language(answer, changed.language)
        messages.success(request, _("Saved."))
        return answer
    status = 422 if form.errors else 200
    context = {"form": form, "roles": _roles(user), "trail": administers(request)}
    return render(request, "teams/profile.html", context, status=status)


def _keep_language(answer: HttpResponse, language: str) -> None:
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", secure=settings.LANGUAGE_COOKIE_SECURE, httponly=True
    )


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Change the language of the page one is on: in the profile of whoever is signed in, and for this browser."""
    language = request.POST.get("language", "")
    wanted = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    answer = redirect(wanted if safe else "/")
    if language in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            change_profile(changes={"language": language}, acting_user=request.user)
        _keep_language(answer, language)
    return answer


def _roles(user: User) -> list[tuple[str, str]]:
    of_enterprise = [(user.enterprise.name, str(roles.ENTERPRISE_ROLE_LABELS[role])) for role in user.enterprise_roles]
    held = Membership.objects.filter(user=user, team__removed_at=None).select_related("team").order_by("team__slug")
    return of_enterprise + [(row.team.name, str(roles.ROLE_LABELS[row.role])) for row in held]
