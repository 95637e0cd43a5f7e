"""Pages of teams: the list, a new one with its environment, and the team with its applications and members."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.actions.environments import add_environment
from clusters.forms.teams import MEMBER_ROWS, MemberForm, RolesForm, TeamForm
from clusters.models import Application, Cluster, Environment
from clusters.pages.finding import SHOWN, sentences, team_of, under_field, why_not
from clusters.pages.lines import app_lines, places, team_counts
from clusters.present.applications import with_parts
from console.kit.counted import Counted
from console.kit.pages import SignedIn, page
from console.kit.paging import Paged, paged
from operations.models import Operation
from operations.starting import new_key, start_once
from teams import access, present
from teams.actions.members import remove_member, set_member_roles
from teams.actions.teams import create_team
from teams.models import Membership, Team, User
from teams.roles import RIGHT_LABELS, ROLE_LABELS, TEAM_RIGHTS, TEAM_ROLES, rights_of

PEOPLE = 200
FILTERS = ("q",)
SORTS = {"name": "slug", "members": "people"}


@require_GET
@page
def team_list(request: SignedIn) -> HttpResponse:
    """List the teams one sees, with their environments, members and applications."""
    rows = Team.objects.permitted(request.user).order_by("slug")
    if text := request.GET.get("q", "").strip():
        rows = rows.filter(Q(slug__icontains=text) | Q(name__icontains=text))
    if request.GET.get("sort", "").endswith("members"):
        rows = rows.annotate(people=Counted(_people(rows)))
    shown: Paged[Team] = paged(request, rows, filters=FILTERS, sorts=SORTS, sort="name")
    ids = [team.pk for team in shown.rows]
    people = _people(Team.objects.filter(pk__in=ids))
    environments: dict[Any, list[Environment]] = {}
    for row in Environment.objects.present().filter(team__in=ids).select_related("cluster").order_by("position"):
        environments.setdefault(row.team_id, []).append(row)
    counts = team_counts(ids)
    lines = [
        (team, people.get(team.pk, 0), environments.get(team.pk, []), counts.get(team.pk, (0, 0)))
        for team in shown.rows
    ]
    context = {"page": shown, "lines": lines, "q": text, "may_make": access.holds(request.user, "manage_teams")}
    return render(request, "teams/team_list.html", context)


def _people(teams: QuerySet[Team]) -> dict[Any, int]:
    """Give team id → how many people are in it, with one query."""
    rows = Membership.objects.filter(team__in=teams.order_by()).order_by().values_list("team")
    return dict(rows.annotate(n=Count("user", distinct=True)))


@require_http_methods(["GET", "HEAD", "POST"])
@page
def team_new(request: SignedIn) -> HttpResponse:
    """Show the form of a new team, or make it with its environment and members: all of it or nothing."""
    if not access.holds(request.user, "manage_teams"):
        raise Http404
    rows = _rows(request)
    clusters = Cluster.objects.permitted(request.user).order_by("slug")
    form = TeamForm(request.POST or None, clusters=clusters, rows=rows)
    form.growing = "more" in request.POST
    if request.method == "POST" and not form.growing and form.is_valid():
        try:
            team = _make(request, form)
        except SHOWN as error:
            form.refuse(error)
        else:
            messages.success(request, _("The team %(name)s is made.") % {"name": team.name})
            return redirect("team_page", team.slug)
    people = User.objects.filter(enterprise=request.user.enterprise, is_active=True).order_by("login")[:PEOPLE]
    context = {"form": form, "people": people, "key": request.POST.get("key") or new_key()}
    return render(request, "teams/team_new.html", context, status=form.status)


def _rows(request: SignedIn) -> int:
    asked = request.POST.get("rows", "")
    rows = int(asked) if asked.isdecimal() and len(asked) < 4 else MEMBER_ROWS
    return rows + MEMBER_ROWS if "more" in request.POST else rows


def _make(request: SignedIn, form: TeamForm) -> Team:
    """Make team and environment; the form sent twice finds what the first one made."""
    data = form.cleaned_data

    def make() -> Team:
        slug = data["slug"] or None
        return create_team(name=data["name"], slug=slug, members=form.members(), acting_user=request.user)

    def prepare() -> Operation:
        with transaction.atomic():
            given = {**form.environment(), "name": None, "slug": None}
            row = add_environment(team=make(), acting_user=request.user, **given)
            return Operation.objects.get(subject_type="environment", subject_id=row.pk)

    if not data["cluster"]:
        return make()
    team = start_once(request, prepare).team
    assert team is not None
    return team


@require_GET
@page
def team_page(request: SignedIn, team: str) -> HttpResponse:
    """Show a team: its environments with their applications."""
    row = team_of(request, team)
    environments = Environment.objects.present().filter(team=row).select_related("team", "cluster")
    shown = {place.row.pk: place for place in places(list(environments.order_by("position", "slug")))}
    apps = with_parts(Application.objects.present().filter(environment__team=row))
    page_: Paged[Application] = paged(request, apps.order_by("environment__position", "environment__slug", "slug"))
    for app, line in zip(page_.rows, app_lines(page_.rows, request.user), strict=True):
        shown[app.environment_id].apps.append(line)
    kept = [place for place in shown.values() if place.apps or page_.number == 1]
    held = access.rights_on(request.user, row)
    context = {
        "team": row,
        "tab": "apps",
        "page": page_,
        "places": kept,
        "may_edit": "edit_application" in held,
        "trail": "manage_members" in held,
        "why_edit": why_not(request.user, "edit_application", row, held=held),
        "may_manage": access.holds(request.user, "manage_teams", row),
    }
    return render(request, "teams/team_page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def team_members(request: SignedIn, team: str) -> HttpResponse:
    """Show the members of a team and what the roles mean, or add one."""
    row = team_of(request, team)
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login = form.cleaned_data["login"].lower()
        try:
            set_member_roles(team=row, login=login, roles=form.cleaned_data["roles"], acting_user=request.user)
        except SHOWN as error:
            form.refuse(under_field(error, "login" if error.code == "unknown_user" else "roles"))
        else:
            messages.success(request, _("%(login)s is a member now.") % {"login": login})
            return redirect("team_members", row.slug)
    return render(request, "teams/members.html", _members(request, row, form), status=form.status)


def _members(request: SignedIn, team: Team, form: MemberForm) -> dict[str, Any]:
    held = access.rights_on(request.user, team)
    members = present.team_json(team, request.user)["members"]
    for member in members:
        member["form"] = RolesForm(initial={"roles": member["roles"]}, auto_id=f"id_{member['login']}_%s")
        member["labels"] = [str(ROLE_LABELS[role]) for role in member["roles"]]
    people = User.objects.filter(enterprise=team.enterprise_id, is_active=True).exclude(memberships__team=team)
    may = "manage_members" in held
    return {
        "team": team,
        "tab": "members",
        "members": members,
        "form": form,
        "people": people.order_by("login")[:PEOPLE] if may else [],
        "may": may,
        "trail": may,
        "why": why_not(request.user, "manage_members", team, held=held),
        "grantable": [role for role in TEAM_ROLES if rights_of([role]) <= held],
        "roles": list(ROLE_LABELS.values()),
        "rights": [
            (RIGHT_LABELS[right], [role in roles for role in TEAM_ROLES]) for right, roles in TEAM_RIGHTS.items()
        ],
    }


@require_POST
@page
def member_change(request: SignedIn, team: str, login: str) -> HttpResponse:
    """Give a member exactly the roles that are ticked; none ticked is refused, since that means removing."""
    row = team_of(request, team)
    form = RolesForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Tick at least one role, or remove the member. Nothing was changed."))
        return redirect("team_members", row.slug)
    try:
        set_member_roles(team=row, login=login, roles=form.cleaned_data["roles"], acting_user=request.user)
    except SHOWN as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, _("The roles of %(login)s are changed.") % {"login": login})
    return redirect("team_members", row.slug)


@require_POST
@page
def member_remove(request: SignedIn, team: str, login: str) -> HttpResponse:
    """Take a person out of the team."""
    row = team_of(request, team)
    try:
        remove_member(team=row, login=login, acting_user=request.user)
    except SHOWN as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, _("%(login)s is no longer a member.") % {"login": login})
    return redirect("team_members", row.slug)
