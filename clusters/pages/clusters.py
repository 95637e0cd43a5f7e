"""Pages of clusters, for those who manage them: the list, a new one with its check, and each one's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.actions.clusters import (
    CHECK,
    change_cluster,
    check_cluster,
    connect_cluster,
    remove_cluster,
    replace_credentials,
)
from clusters.forms.clusters import ClusterForm, ConnectionForm, NamesForm, RemovalForm
from clusters.models import Cluster, Environment
from clusters.pages.cluster_checks import check_lines
from clusters.pages.cluster_lines import capacity_at, cluster_lines, gauges, searched, what_to_do, why
from console.kit.errors import Stale, WaybillError
from console.kit.pages import SHOWN, SignedIn, page, problem, sentences
from console.kit.paging import Paged, paged
from operations.actions.retry import retry
from operations.models import Operation
from operations.starting import new_key, start_once
from teams import access

RIGHT = "manage_clusters"
SORTS = {"name": "slug", "state": "health", "version": "version"}
CHANGES = ("name", "node_address", "ingress_class", "ingress_domain")


def _only_admins(request: SignedIn) -> None:
    """For whoever does not manage clusters these pages do not exist."""
    if not access.holds(request.user, RIGHT):
        raise Http404


@require_GET
@page
def cluster_list(request: SignedIn) -> HttpResponse:
    """List the clusters with their state, how full they are, and what is on them."""
    _only_admins(request)
    text, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    shown: Paged[Cluster] = paged(
        request, searched(request.user, text, state), filters=("q", "state"), sorts=SORTS, sort="name"
    )
    health = Cluster.objects.permitted(request.user).values_list("health", flat=True)
    context = {
        "page": shown,
        "lines": cluster_lines(shown.rows),
        "online": sum(1 for one in health if one == Cluster.Health.ONLINE),
        "all": len(health),
        "states": Cluster.Health.choices,
        "filters": {"q": text, "state": state},
    }
    return render(request, "clusters/cluster_list.html", context)


@never_cache
@sensitive_post_parameters("kubeconfig", "token")
@require_http_methods(["GET", "HEAD", "POST"])
@page
def cluster_new(request: SignedIn) -> HttpResponse:
    """Show the form, start a check of what was entered, show that check, and connect what passed."""
    _only_admins(request)
    if request.method == "POST" and "check" in request.POST:
        act = _again if "again" in request.POST else _connect
        return act(request, _check(request, request.POST["check"]))
    if request.method == "POST":
        return _start_check(request)
    if name := request.GET.get("check"):
        return _show(request, NamesForm(), _check(request, name))
    return _show(request, ConnectionForm(), None)


def _start_check(request: SignedIn) -> HttpResponse:
    form = ConnectionForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            check = start_once(request, lambda: check_cluster(connection=form.connection(), acting_user=request.user))
        except SHOWN as error:
            form.refuse(error)
            return _show(request, form, None, status=error.status)
        return redirect(_address(request, check))
    return _show(request, form, None, status=422)


def _address(request: SignedIn, check: Operation) -> str:
    """Give the page of a check, for a new cluster or for the one whose credentials it is to replace."""
    words = {"check": check.name} | ({"for": request.POST["for"]} if request.POST.get("for") else {})
    return f"{reverse('cluster_new')}?{urlencode(words)}"


def _replaced(request: SignedIn) -> Cluster | None:
    """Give the cluster whose credentials are to be replaced; None for a new one."""
    slug = request.POST.get("for") or request.GET.get("for")
    return _found(request, slug) if slug else None


def _again(request: SignedIn, check: Operation) -> HttpResponse:
    try:
        fresh = start_once(request, lambda: retry(operation=check, acting_user=request.user))
    except SHOWN as error:
        messages.error(request, sentences(error))
        fresh = check
    return redirect(_address(request, fresh))


def _replace(request: SignedIn, row: Cluster, check: Operation) -> HttpResponse:
    try:
        replace_credentials(cluster=row, check=check.name, acting_user=request.user)
    except SHOWN as error:
        messages.error(request, sentences(error))
        return redirect(_address(request, check))
    messages.success(request, _("The credentials of %(name)s are replaced.") % {"name": row.name})
    return redirect("cluster_page", row.slug)


def _connect(request: SignedIn, check: Operation) -> HttpResponse:
    if row := _replaced(request):
        return _replace(request, row, check)
    form = NamesForm(request.POST)
    if not form.is_valid():
        return _show(request, form, check, status=422)
    given = form.cleaned_data
    try:
        row = connect_cluster(
            check=check.name, slug=given["slug"] or None, name=given["name"], acting_user=request.user
        )
    except SHOWN as error:
        form.refuse(error)
        return _show(request, form, check, status=error.status)
    messages.success(request, _("%(name)s is connected and watched from now on.") % {"name": row.name})
    return redirect("cluster_page", row.slug)


def _check(request: SignedIn, name: str) -> Operation:
    number = name.removeprefix("op-")
    rows = Operation.objects.permitted(request.user).filter(kind=CHECK).prefetch_related("steps")
    found = rows.filter(number=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if found is None:
        raise Http404
    return found


def _show(
    request: SignedIn, form: ConnectionForm | NamesForm, check: Operation | None, *, status: int = 200
) -> HttpResponse:
    lines = check_lines(check)
    states = [line.state for line in lines]
    context = {
        "form": form,
        "check": check,
        "lines": lines,
        "passed": states.count("done"),
        "warnings": states.count("warning"),
        "failed": states.count("failed"),
        "ended": check is not None and not check.is_active,
        "may_add": check is not None and check.state == "succeeded" and check.sealed is not None,
        "expired": check is not None and check.state == "succeeded" and check.sealed is None,
        "replaced": _replaced(request),
        "key": new_key(),
    }
    return render(request, "clusters/cluster_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def cluster_page(request: SignedIn, cluster: str) -> HttpResponse:
    """Show a cluster, or save what was changed of it."""
    row = _found(request, cluster)
    if request.method != "POST":
        return _page(request, row, ClusterForm(initial={name: getattr(row, name) for name in CHANGES}))
    form = ClusterForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, status=422)
    try:
        change_cluster(
            cluster=row, changes=form.cleaned_data, acting_user=request.user, expected_version=_version(request)
        )
    except SHOWN as error:
        form.refuse(error)
        if isinstance(error, Stale):
            form.show_saved(row)
        return _page(request, row, form, status=error.status)
    messages.success(request, _("Saved."))
    return redirect("cluster_page", row.slug)


@require_POST
@page
def cluster_remove(request: SignedIn, cluster: str) -> HttpResponse:
    """Let go of a cluster whose name was typed; one in use stays, and what uses it is named."""
    row = _found(request, cluster)
    form = RemovalForm(request.POST, expected=row.slug)
    shown = ClusterForm(initial={name: getattr(row, name) for name in CHANGES})
    if not form.is_valid():
        return _page(request, row, shown, removal=form, status=422)
    try:
        remove_cluster(cluster=row, acting_user=request.user, expected_version=_version(request))
    except SHOWN as error:
        return _page(request, row, shown, refusal=error, status=error.status)
    messages.success(request, _("%(name)s is removed. What runs there was not touched.") % {"name": row.name})
    return redirect("cluster_list")


def _found(request: SignedIn, slug: str) -> Cluster:
    row = Cluster.objects.permitted(request.user).filter(slug=slug).first()
    if row is None:
        raise Http404
    return row


def _version(request: SignedIn) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _page(
    request: SignedIn,
    row: Cluster,
    form: ClusterForm,
    *,
    removal: RemovalForm | None = None,
    refusal: WaybillError | None = None,
    status: int = 200,
) -> HttpResponse:
    placed = Environment.objects.present().filter(cluster=row).select_related("team")
    apps = Count("application", filter=Q(application__removed_at=None))
    context: dict[str, Any] = {
        "cluster": row,
        "why": why(row),
        "what_to_do": what_to_do(row),
        "gauges": gauges(row).values(),
        "capacity": row.capacity or None,
        "capacity_at": capacity_at(row),
        "environments": placed.annotate(apps=apps).order_by("position", "slug"),
        "form": form,
        "removal": removal or RemovalForm(expected=row.slug),
        "refusal": problem(refusal) if refusal else None,
    }
    return render(request, "clusters/cluster_page.html", context, status=status)
