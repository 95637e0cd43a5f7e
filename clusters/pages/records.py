"""Pages of an application's records: every attempt with what came of it, and one revision whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from clusters import hooks
from clusters.hooks import Delivered
from clusters.models import Application, Revision
from clusters.pages.finding import address, application_of, revision_of, why_not
from clusters.pages.frame import frame
from clusters.present import revisions
from console.kit.pages import SignedIn, page
from console.kit.paging import Paged, paged

ONCE_DEPLOYED = (Revision.State.DEPLOYED, Revision.State.SUPERSEDED)


@require_GET
@page
def app_revisions(request: SignedIn, environment: str, app: str) -> HttpResponse:
    """List the records, newest first, each with from and to, who, when, how long, what came of it."""
    row = application_of(request, environment, app)
    rows = revisions.with_parts(Revision.objects.filter(application=row)).order_by("-number")
    shown: Paged[Revision] = paged(request, rows)
    marks = _marks(row, shown.rows)
    context = frame(request, row, "records")
    why = why_not(request.user, row.environment.deliver_right, context["team"], held=context["held"])
    return render(
        request,
        "clusters/records.html",
        {**context, "page": shown, "records": [_record(row, one, marks) for one in shown.rows], "why_deliver": why},
    )


@require_GET
@page
def revision_page(request: SignedIn, environment: str, app: str, number: int) -> HttpResponse:
    """Show one revision: values, what it changed over another, its manifests; secrets as fingerprints."""
    row = application_of(request, environment, app)
    revision = revision_of(row, number)
    former = _former(row, revision, request.GET.get("from"))
    numbers = Revision.objects.filter(application=row).exclude(pk=revision.pk).order_by("-number")
    differences = revisions.differences_json(row, revision, former)
    context = {
        **frame(request, row, "records"),
        "record": _record(row, revision, _marks(row, [revision])),
        "revision": revision,
        "changed": [part for part in differences["components"] if part["action"] != "keep"],
        "objects": {name: found for name, found in differences["objects"].items() if found},
        "former": former,
        "numbers": list(numbers.values_list("number", flat=True)[:100]),
        "values": [_value(name, value) for name, value in sorted(revision.values.items())],
        "manifests": [_manifest(item) for item in revisions.manifests_json(revision)],
    }
    return render(request, "clusters/revision.html", context)


def _former(row: Application, revision: Revision, asked: str | None) -> Revision | None:
    """Give the revision to compare with: the one asked for, else the one it was based on."""
    if not asked:
        return revision.based_on
    if not asked.isascii() or not asked.isdigit() or len(asked) > 9:
        raise Http404
    return revision_of(row, int(asked))


def _delivered(revision: Revision | None) -> Delivered | None:
    """Give the version a revision brought; None for one made by hand."""
    source: dict[str, Any] = (revision.source or {}) if revision else {}
    return (source["template"], source["number"]) if source.get("number") else None


def _marks(row: Application, found: Iterable[Revision]) -> Mapping[Delivered, str]:
    """Give the marks of all versions that records name, at once."""
    named = {version for one in found for version in (_delivered(one), _delivered(one.based_on)) if version}
    return hooks.marks(row.environment.enterprise, named)


def _record(row: Application, revision: Revision, marks: Mapping[Delivered, str]) -> dict[str, Any]:
    """Give a record as its line shows it."""
    data = revisions.revision_json(revision)
    place = row.environment.slug
    to, former = _delivered(revision), _delivered(revision.based_on)
    restorable = revision.state in ONCE_DEPLOYED and revision.kind != Revision.Kind.UNINSTALL
    return {
        **data,
        "row": revision,
        "at": revision.created_at,
        "operator": revision.operation.initiator,
        "mark": marks.get(to) if to else None,
        "from_version": former[1] if former else None,
        "from_mark": marks.get(former) if former else None,
        "outcome": revision.operation.outcome_code,
        "checked_at": parse_datetime(data["equals"]["checked_at"])
        if data["equals"] and data["equals"]["checked_at"]
        else None,
        "rollback": address("app_rollback", place, row.slug, revision.number)
        if restorable and revision.pk != row.current_revision_id
        else None,
    }


def _value(name: str, value: dict[str, Any]) -> dict[str, Any]:
    shown = f"secret {value['secret']}" if "secret" in value else json.dumps(value.get("value"), ensure_ascii=False)
    return {"address": name, "value": shown, "origin": value.get("origin", "")}


def _manifest(item: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(item["manifest"], indent=2, ensure_ascii=False, sort_keys=True)
    return {"kind": item["kind"], "name": item["name"], "hash": item["hash"], "text": text}
