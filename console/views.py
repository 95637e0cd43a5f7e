"""Pages of the shell: where a person lands, and what is shown when there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from clusters.models import Cluster, Environment
from console.kit.context import current
from console.kit.pages import SignedIn, page
from marketplace.models import ImageRegistry, Version
from operations.models import Operation
from operations.views import Row
from teams.models import Team, User

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True)
class Todo:
    """One line of the first-run list."""

    title: str | _StrPromise
    text: str | _StrPromise
    count: int


def first_steps(user: User) -> list[Todo]:
    """Give what an enterprise sets up first, with how much of each there is."""
    enterprise = user.enterprise
    return [
        Todo(
            _("Connect clusters"),
            _("Each is checked before it is added, and watched afterwards."),
            Cluster.objects.connected().filter(enterprise=enterprise).count(),
        ),
        Todo(
            _("Create teams"),
            _("A team gets its environment on a cluster: namespace, key, quota and network rules."),
            Team.objects.filter(enterprise=enterprise, removed_at=None).count(),
        ),
        Todo(
            _("Set the image registry"),
            _("Published images are copied there, and every cluster pulls from it."),
            ImageRegistry.objects.filter(enterprise=enterprise, state="current").count(),
        ),
        Todo(
            _("Publish a first version"),
            _("A tested application becomes an immutable version in the local component library."),
            Version.objects.published().filter(template__enterprise=enterprise).count(),
        ),
    ]


@page
def home(request: SignedIn) -> HttpResponse:
    """Show the overview: for enterprise admins the first-run list, for all their environments and latest operations."""
    user = request.user
    todos = first_steps(user) if user.is_enterprise_admin else []
    latest = Operation.objects.permitted(user).filter(parent=None).select_related("initiator").order_by("-number")[:10]
    context = {
        "todos": todos,
        "done": sum(1 for todo in todos if todo.count),
        "clusters": Cluster.objects.permitted(user).order_by("slug")[:50],
        "environments": Environment.objects.permitted(user)
        .select_related("team", "cluster")
        .order_by("position", "slug")[:50],
        "operations": [Row(row) for row in latest],
    }
    return render(request, "console/overview.html", context)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that there is nothing here; the same words for what is absent and for what is not the reader's to see."""
    return _error(
        request,
        404,
        _("There is nothing here"),
        _("The address may be out of date, or you may lack the right to see it."),
    )


def refused(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Say that a form was refused, for instance because its page was open for too long."""
    return _error(
        request,
        403,
        _("This form could not be accepted"),
        _("Nothing was changed. Open the page again, then send the form once more."),
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours, with the number by which it is found in the logs."""
    return _error(
        request,
        500,
        _("Something went wrong on our side"),
        _("What was saved before is still there. Tell your admin the number below."),
    )


def _error(request: HttpRequest, status: int, title: str | _StrPromise, text: str | _StrPromise) -> HttpResponse:
    context = {"title": title, "text": text, "request_id": current().request_id, "status": status}
    return render(request, "console/error.html", context, status=status)
