"""The page of one's own access tokens."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from console.kit.errors import NotFound
from console.kit.pages import SHOWN, SignedIn, page
from console.kit.paging import Paged, paged
from teams.actions.tokens import create_token, revoke_token
from teams.models import Token
from teams.person_forms import TokenForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def token_list(request: SignedIn) -> HttpResponse:
    """List one's tokens, or make one and show it, this once."""
    form = TokenForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        ends = timezone.now() + timedelta(days=form.cleaned_data["days"])
        try:
            made, text = create_token(name=form.cleaned_data["name"], expires_at=ends, acting_user=request.user)
        except SHOWN as error:
            form.refuse(error)
            status = error.status
        else:
            return _show(request, TokenForm(), status=201, made=made, text=text)
    return _show(request, form, status=status)


def _show(
    request: SignedIn, form: TokenForm, *, status: int, made: Token | None = None, text: str = ""
) -> HttpResponse:
    """Show the list; a token's text stands in the answer that made it and nowhere else."""
    shown: Paged[Token] = paged(request, Token.objects.permitted(request.user).order_by("-id"))
    context = {"page": shown, "form": form, "made": made, "text": text}
    return render(request, "teams/tokens.html", context, status=status)


@require_POST
@page
def token_revoke(request: SignedIn, prefix: str) -> HttpResponse:
    """End one of one's tokens at once. One that is gone already is what was wanted."""
    try:
        revoke_token(prefix=prefix, acting_user=request.user)
    except NotFound:
        messages.warning(request, _("There is no such token, or it was revoked before."))
    else:
        messages.success(request, _("The token %(prefix)s is revoked and lets nobody in.") % {"prefix": prefix})
    return redirect("token_list")
