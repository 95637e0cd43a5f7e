"""Publishing an application: what becomes a version, how far its images are, and the word that publishes it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clusters.models import Application, Revision
from clusters.pages.finding import SHOWN, application_of, sentences, why_not
from clusters.pages.frame import frame
from console.kit.pages import SignedIn, page
from marketplace import versioning
from marketplace.actions.confirm import confirm
from marketplace.actions.publish import RIGHT, give_up, publish
from marketplace.forms.publish import PublishForm
from marketplace.models import ImageRegistry, Publication, Template, Version
from marketplace.pages.plans import sentence
from marketplace.present.publication import image_json
from operations.actions.retry import retry
from operations.models import Operation
from operations.starting import new_key, start_once
from teams import access
from teams.models import Team, User

LAST = 10
MOST_TEMPLATES = 100
MOST_NUMBERS = 100
"""What the form offers at most; a number taken before these is still refused when it is sent."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def app_publish(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """Show the form, filled in with what is usual, or begin to copy the images."""
    row = _made(request, environment, app)
    revision = row.current_revision
    ready = revision is not None and revision.kind != Revision.Kind.UNINSTALL
    former = _former(row)
    known = _templates(request.user, row.environment.team, former.template_slug if former else "")
    form = PublishForm(
        request.POST if request.method == "POST" else None,
        deployed=revision.document["components"] if revision is not None and ready else [],
        former=former.settings.get("parameters", []) if former else [],
        initial=_initial(row, former, known),
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            started = start_once(request, lambda: _begin(request, row, form))
        except SHOWN as error:
            form.refuse(error)
            status = error.status
        else:
            number = Publication.objects.get(operation=started).number
            return redirect("publication_page", row.environment.slug, row.slug, number)
    registry = ImageRegistry.objects.current(row.environment.enterprise)
    context = frame(request, row, "publish") | {
        "form": form,
        "ready": ready,
        "revision": revision,
        "registry": registry,
        "templates": known,
        "chosen": form["template"].value() or "",
        "publications": row.publications.select_related("by").order_by("-number")[:LAST],
        "why": why_not(request.user, RIGHT, row.environment.team),
        "key": request.POST.get("key") or new_key(),
    }
    refused = 422 if form.errors and status == 200 else status
    return render(request, "marketplace/publish.html", context, status=refused)


def _begin(request: SignedIn, row: Application, form: PublishForm) -> Operation:
    publication = publish(
        acting_user=request.user,
        application=row,
        template=form.template_wish(),
        version=form.version_wish(),
        confirm_by_itself=form.cleaned_data["confirm_by_itself"],
    )
    return publication.operation


def _made(request: SignedIn, environment: str, app: str) -> Application:
    row = application_of(request, environment, app)
    if row.origin != Application.Origin.MADE:
        raise Http404
    return row


def _former(row: Application) -> Publication | None:
    """Give the last publication that was not given up."""
    rows = row.publications.exclude(state=Publication.State.ABANDONED)
    return rows.order_by("-number").first()


def _templates(user: User, team: Team, former: str) -> list[dict[str, Any]]:
    """Give templates one may add versions to, by name, each with its newest numbers and the one that comes next.

    Of many those are offered that are likely: the one published to before, the team's own, then others.
    """
    numbers = Version.objects.filter(template=OuterRef("pk")).order_by("-sort_key").values("number")
    rows = Template.objects.permitted(user).filter(team__in=access.teams_with(user, RIGHT)).order_by("name")
    rows = rows.annotate(numbers=ArraySubquery(numbers[:MOST_NUMBERS]))
    likely = rows.filter(Q(team=team) | Q(slug=former))[:MOST_TEMPLATES]
    found = {row.pk: row for row in [*likely, *rows.exclude(team=team)[:MOST_TEMPLATES]]}
    offered = sorted(list(found.values())[:MOST_TEMPLATES], key=lambda row: row.name)
    return [
        {"slug": row.slug, "name": row.name, "taken": row.numbers, "next": versioning.following(row.numbers)}
        for row in offered
    ]


def _initial(row: Application, former: Publication | None, known: list[dict[str, Any]]) -> dict[str, Any]:
    usual = next((one for one in known if former is not None and one["slug"] == former.template_slug), None)
    slugs = {one["slug"] for one in known}
    return {
        "template": usual["slug"] if usual else "",
        "new_name": row.name,
        "new_slug": row.slug if row.slug not in slugs else "",
        "number": usual["next"] if usual else versioning.FIRST,
    }


# --- One publication -------------------------------------------------------------------------------------------------


@never_cache
@require_GET
@page
def publication_page(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Show a publication, image by image; afterwards the page's script keeps it fresh."""
    row = _made(request, environment, app)
    context = frame(request, row, "publish") | _shown(request, _publication(row, number))
    return render(request, "marketplace/publication.html", context)


@never_cache
@require_GET
@page
def publication_parts(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Give the parts of the page that change."""
    row = _made(request, environment, app)
    context = {"app": row, "environment": row.environment} | _shown(request, _publication(row, number))
    return render(request, "marketplace/_publication.html", context)


@require_POST
@page
def publication_confirm(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Publish the version."""
    row = _made(request, environment, app)
    publication = _publication(row, number)
    try:
        version = confirm(acting_user=request.user, publication=publication)
    except SHOWN as error:
        messages.error(request, sentences(error))
    else:
        told = _("%(name)s %(number)s is published. It is Test until a tester marks it Release.")
        messages.success(request, told % {"name": version.template.name, "number": version.number})
    return redirect("publication_page", environment, app, number)


@require_POST
@page
def publication_give_up(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Give the publication up; nothing of it stays visible."""
    row = _made(request, environment, app)
    try:
        give_up(acting_user=request.user, publication=_publication(row, number))
    except SHOWN as error:
        messages.error(request, sentences(error))
    return redirect("publication_page", environment, app, number)


@require_POST
@page
def publication_retry(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Copy what is still missing; images that are done stay done."""
    row = _made(request, environment, app)
    publication = _publication(row, number)
    try:
        start_once(request, lambda: retry(operation=publication.operation, acting_user=request.user))
    except SHOWN as error:
        messages.error(request, sentences(error))
    return redirect("publication_page", environment, app, number)


def _publication(row: Application, number: int) -> Publication:
    related = ("operation", "revision", "by", "version__template", "application__environment__team__enterprise")
    rows: QuerySet[Publication] = Publication.objects.filter(application=row).select_related(*related)
    found = rows.prefetch_related("images").filter(number=number).first()
    if found is None:
        raise Http404
    return found


def _shown(request: SignedIn, row: Publication) -> dict[str, Any]:
    images = [image_json(image) for image in sorted(row.images.all(), key=lambda one: one.path)]
    total = sum(image["bytes_total"] for image in images)
    done = sum(image["bytes_done"] for image in images)
    template = Template.objects.permitted(request.user).filter(slug=row.template_slug).first()
    return {
        "publication": row,
        "images": images,
        "total": total,
        "done": done,
        "there": sum(image["bytes_there"] for image in images),
        "percent": min(100, done * 100 // total) if total else 0,
        "ended": not row.operation.is_active,
        "outcome": _outcome(row),
        "template": template,
        "parameters": row.settings.get("parameters", []),
        "why": why_not(request.user, RIGHT, row.application.environment.team),
        "key": new_key(),
    }


def _outcome(row: Publication) -> str:
    if row.state != Publication.State.FAILED or row.operation.outcome_code is None:
        return ""
    return sentence(row.operation.outcome_code, row.operation.outcome_params)
