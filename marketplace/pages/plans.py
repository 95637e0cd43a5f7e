"""Plans on pages: what rows say at once, and what the cluster answers once it was asked."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from clusters import quantities
from clusters.models import Environment
from console.kit import messages
from console.kit.pages import SignedIn, page
from operations import words
from operations.models import Operation
from teams.models import User

PLAN = "plan"
AGREED = "rolled_back_before"
"""The warning that the page of an upgrade asks to agree to."""


@never_cache
@require_GET
@page
def plan_parts(request: SignedIn, name: str) -> HttpResponse:
    """Give the verdict of a plan as far as it is."""
    return render(request, "marketplace/_verdict.html", {"plan": plan_of(request.user, name)})


def plan_of(user: User, name: str) -> dict[str, Any]:
    """Give a plan as a page shows it: of a plan for several environments, each part. Raises Http404."""
    number = name.removeprefix("op-")
    rows = Operation.objects.permitted(user)
    row = rows.filter(number=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if row is None or not (row.kind == PLAN or row.is_batch):
        raise Http404
    children = list(row.children.order_by("number")) if row.is_batch else [row]
    names: dict[Any, str] = dict(
        Environment.objects.filter(pk__in=[one.environment_id for one in children]).values_list("pk", "name")
    )
    parts = [_part(one, names.get(one.environment_id, "")) for one in children]
    return {
        "name": row.name,
        "ended": not row.is_active,
        "parts": parts,
        "several": len(parts) > 1,
        "good": not row.is_active and all(part["good"] for part in parts),
        "consents": _consents(parts),
        "events": f"/events/operations/{row.name}",
    }


def _part(row: Operation, environment: str) -> dict[str, Any]:
    document: dict[str, Any] = row.plan or {}
    refusals = told(document.get("refusals", []))
    objects: dict[str, Any] = document.get("objects", {})
    checked = document.get("checked") or {}
    return {
        "environment": environment,
        "active": row.is_active,
        "state": row.state,
        "word": words.waiting(row) or words.headline(row),
        "outcome": _outcome(row),
        "good": row.state == "succeeded" and not refusals,
        "refusals": refusals,
        "warnings": _warned(document.get("warnings", [])),
        "by_hand": document.get("changed_by_hand", []),
        "consents": document.get("consents", []),
        "objects": {name: objects.get(name, 0) for name in ("create", "change", "remove", "keep")},
        "at": parse_datetime(checked["at"]) if checked.get("at") else None,
    }


def _outcome(row: Operation) -> str:
    if row.is_active or row.state == "succeeded":
        return ""
    if row.outcome_code is None:
        return str(words.headline(row))
    return sentence(row.outcome_code, row.outcome_params)


def _consents(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each consent once, with the items of all environments."""
    asked: dict[str, list[str]] = {}
    for part in parts:
        for consent in part["consents"]:
            asked.setdefault(consent["consent"], []).extend(consent["items"])
    return [{"consent": name, "items": items} for name, items in asked.items()]


def sentence(code: str, params: dict[str, Any]) -> str:
    """Say what a code means: a message's one sentence, or both of an error."""
    if code in messages.codes():
        return messages.text(code, params)
    return messages.said(code, params)


def told(notices: list[dict[str, Any]]) -> list[str]:
    """Give the sentences of a plan's refusals or warnings."""
    return [sentence(notice["code"], notice["params"]) for notice in notices]


def _warned(notices: list[dict[str, Any]]) -> list[str]:
    """Give the sentences of warnings, but of those that are agreed to beside the button, which say it themselves."""
    return told([notice for notice in notices if notice["code"] != AGREED])


# --- Previews --------------------------------------------------------------------------------------------------------


def preview_shown(document: dict[str, Any], environment: str = "") -> dict[str, Any]:
    """Give a preview as a page shows it."""
    counts = Counter(component["action"] for component in document["components"])
    images = document["images"]
    return {
        "environment": environment,
        "components": len(document["components"]) - counts.get("remove", 0),
        "counts": {name: counts.get(name, 0) for name in ("add", "change", "remove", "keep")},
        "images": images,
        "to_load": images["count"] - images["here_already"],
        "volumes": document["volumes"],
        "routes": [route["url"] for route in document.get("routes", [])],
        "quota": [row for name in QUOTA if (row := _quota(name, document["quota"].get(name)))],
        "values": document["values"],
        "warnings": _warned(document["warnings"]),
        "refusals": told([item for item in document["refusals"] if item["code"] != "value_missing"]),
    }


QUOTA = ("limits.cpu", "limits.memory", "requests.storage", "pods")


def _quota(name: str, row: dict[str, Any] | None) -> dict[str, Any] | None:
    """Give one resource with its shares of the limit in percent; None where there is no limit."""
    if row is None or row["hard"] is None:
        return None
    hard = quantities.parse(str(row["hard"]))
    before, after = (quantities.parse(str(row[side])) for side in ("before", "after"))
    used = _percent(min(before, after), hard)
    return {
        **row,
        "label": _labels()[name],
        "used": used,
        "more": max(0, _percent(max(before, after), hard) - used),
        "peaks": quantities.parse(str(row["during"])) > max(before, after),
    }


def _percent(amount: Fraction, hard: Fraction) -> int:
    return min(100, int(amount * 100 / hard)) if hard > 0 else 100


def _labels() -> dict[str, str]:
    return {
        "limits.cpu": pgettext("quota", "CPU"),
        "limits.memory": pgettext("quota", "Memory"),
        "requests.storage": pgettext("quota", "Storage"),
        "pods": pgettext("quota", "Pods"),
    }
