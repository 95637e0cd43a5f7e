"""Pages of the shell: where a person lands, and what is shown when there is nothing to show."""

from __future__ import annotations

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from clusters.models import Cluster
from clusters.pages.cluster_lines import cluster_lines
from console import overview
from console.coming import coming
from console.kit import messages
from console.kit.api import problem
from console.kit.api.problems import known
from console.kit.context import current
from console.kit.errors import Malformed, NotReady, WaybillError
from console.kit.pages import SignedIn, error_page, page
from console.kit.phrases import sentences_joined
from teams import access
from teams.models import AuditEvent, Membership, User
from teams.pages.audit import lines

STRIP = 10
EVENTS = 10


@require_safe
@page
def home(request: SignedIn) -> HttpResponse:
    """Show an enterprise admin the overview; lead others to where their work is."""
    user = request.user
    if user.is_enterprise_admin:
        return render(request, "console/overview.html", _overview(user))
    if place := landing(user):
        return redirect(place)
    who = User.objects.enterprise_admins(user.enterprise).order_by("login").values_list("name", flat=True)
    return render(request, "console/welcome.html", {"who": list(who[:5])})


def landing(user: User) -> str | None:
    """Give the page on which a person who is no enterprise admin begins; None for one without any role."""
    roles: dict[str, list[str]] = {}
    held = Membership.objects.filter(user=user, team__removed_at=None).order_by("team__slug")
    for role, slug in held.values_list("role", "team__slug"):
        roles.setdefault(role, []).append(slug)
    if "developer" in roles or "admin" in roles:
        return reverse("team_page", args=[min([*roles.get("developer", []), *roles.get("admin", [])])])
    if roles.keys() & {"tester", "delivery"} or access.holds(user, "manage_market"):
        return reverse("market")
    return reverse("team_page", args=[roles["viewer"][0]]) if roles else None


def _overview(user: User) -> dict[str, object]:
    todos = overview.first_steps(user.enterprise)
    events = AuditEvent.objects.permitted(user).exclude(action__startswith="session.")
    return {
        "todos": todos,
        "done": sum(1 for todo in todos if todo.done),
        "next": next((todo for todo in todos if not todo.done), None),
        "running": next((todo.running for todo in todos if todo.running), None),
        "coming": coming(),
        "clusters": overview.clusters(user),
        "environments": overview.environments(user),
        "awaiting": overview.awaiting_mark(user),
        "operations": overview.operations(user),
        "strip": cluster_lines(Cluster.objects.permitted(user).order_by("slug")[:STRIP]),
        "events": lines(events.select_related("actor", "token", "team").order_by("-id")[:EVENTS]),
    }


def refusal(request: HttpRequest, error: WaybillError) -> HttpResponse:
    """Say what was refused before any page or address looked at it: a problem to programs, a page to people."""
    if request.path.startswith("/api/"):
        return problem(error, request.path)
    if error.status == 404:
        return not_found(request)
    words = {"title": messages.title(error.code, error.params), "text": messages.detail(error.code, error.params)}
    return error_page(request, error.status, **words)


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that a form could not be read: too large, too many fields, or none at all."""
    if isinstance(exception, DisallowedHost):
        # Plain text: a page would ask for its styles and lead on, both under the name that is refused.
        lines = [_("The console does not answer under this name."), _("Ask whoever runs it for its address.")]
        said = sentences_joined(*(str(line) for line in lines))
        return HttpResponse(f"{said} ({current().request_id})\n", status=400, content_type="text/plain; charset=utf-8")
    error = known(exception) if exception is not None else None
    return refusal(request, error or Malformed("malformed_body", reason="syntax"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that there is nothing here; the same words for what is absent and for what is not the reader's to see."""
    return error_page(
        request,
        404,
        _("There is nothing here"),
        _("The address may be out of date, or you may lack the right to see it."),
    )


def refused(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Say that a form was refused, for instance because its page was open for too long."""
    return error_page(
        request,
        403,
        _("This form could not be accepted"),
        _("Nothing was changed. Open the page again, then send the form once more."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours, with the number by which it is found in the logs; or that the database is away."""
    fault = sys.exc_info()[1]
    error = known(fault) if isinstance(fault, Exception) else None
    if isinstance(error, NotReady):
        return refusal(request, error)
    return error_page(
        request,
        500,
        _("Something went wrong on our side"),
        _("What was saved before is still there. Tell your admin the number below."),
    )
