"""The market: the templates a person sees, with what of them may ship."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from clusters.pages.finding import why_not
from console.kit.counted import Counted
from console.kit.pages import SignedIn, page
from console.kit.paging import Paged, paged
from console.kit.phrases import joined
from marketplace.models import Template, Version
from marketplace.present.market import installed_in, market, put_installed, searched
from teams import access
from teams.models import Team, User

FILTERS = ("q", "scope", "mark", "tag")
LONGEST = 100
LOOKED_THROUGH = 1000
"""Templates whose tags the filter offers."""
SORTS = {"name": "slug", "installed": "installed_in"}


@require_GET
@page
def market_list(request: SignedIn) -> HttpResponse:
    """List the templates; what narrows the list stands in the address."""
    wanted = {name: request.GET.get(name, "").strip()[:LONGEST] for name in FILTERS}
    scope = wanted["scope"] if wanted["scope"] in Template.Scope.values else ""
    mark = wanted["mark"] if wanted["mark"] in Version.Mark.values else ""
    rows = searched(market(request.user), wanted["q"], scope, mark)
    if wanted["tag"]:
        rows = rows.filter(tags__contains=[wanted["tag"]])
    if request.GET.get("sort", "").endswith("installed"):
        rows = rows.annotate(installed_in=Counted(installed_in(request.user)))
    shown: Paged[Any] = paged(request, rows, filters=FILTERS, sorts=SORTS, sort="name")
    put_installed(shown.rows, request.user)
    context = {
        "page": shown,
        "templates": shown.rows,
        "filters": wanted | {"scope": scope, "mark": mark},
        "tags": tags_of(request.user),
        "scopes": Template.Scope.choices,
        "marks": Version.Mark.choices,
        "why_install": why_no_delivery(request.user),
    }
    return render(request, "marketplace/market.html", context)


def tags_of(user: User) -> list[str]:
    """Give the tags of the templates a person sees, in order; of many templates those of the first thousand."""
    rows = Template.objects.permitted(user).shown().order_by("slug").values_list("tags", flat=True)
    return sorted({tag for tags in rows[:LOOKED_THROUGH] for tag in tags})


def why_no_delivery(user: User) -> str:
    """Say why a person can install nowhere at all; empty for whoever may deliver somewhere."""
    if access.teams_with(user, "deliver_test").exists():
        return ""
    team = Team.objects.permitted(user, "view_team").order_by("slug").first()
    if team is not None:
        return why_not(user, "deliver_test", team)
    names = joined(access.granters(user, "manage_teams")) or "–"
    return _("You are not in a team, so there is nowhere to install. %(who)s can add you to one.") % {"who": names}
