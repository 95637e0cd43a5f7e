"""The environments one could install into, as cards; one that cannot be chosen says why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from clusters.models import Environment
from clusters.pages.finding import address
from clusters.pages.lines import Gauge, gauges
from console.kit import messages
from console.kit.errors import Refused, WaybillError
from console.kit.phrases import joined
from marketplace import gate
from marketplace.actions.delivering import is_visible, question
from marketplace.models import Installation, Template, Version
from teams import access
from teams.models import User
from teams.roles import ROLE_LABELS, TEAM_RIGHTS, rights_of

MOST = 100


@dataclass
class Card:
    """One environment. `why` says what is in the way; `runs` is the version that is there already."""

    environment: Environment
    id: str
    checked: bool = False
    why: str = ""
    runs: str | None = None
    mark: str = ""
    upgrade: str | None = None
    memory: Gauge | None = None

    @property
    def free(self) -> bool:
        """Whether it can be chosen."""
        return not self.why and self.runs is None


def cards(user: User, template: Template, version: Version | None, chosen: Collection[str]) -> list[Card]:
    """Give a card for each environment the person sees; with as many queries for one as for fifty."""
    rows = Environment.objects.permitted(user).select_related("cluster", "team").order_by("stage", "position", "slug")
    environments = list(rows[:MOST])
    there = _installed(template, environments)
    rights = access.rights_by_team(user)
    found = []
    for index, environment in enumerate(environments):
        card = Card(environment, f"id_environments_{index}", memory=_memory(environment))
        held = rights_of(ROLE_LABELS) if user.is_enterprise_admin else rights.get(environment.team.slug, frozenset())
        card.why = _why(environment, version, held)
        if not card.why and not is_visible(template, environment.team):
            card.why = _("This template is for its own team only.")
        running = there.get(environment.pk)
        if running is not None:
            _put(card, running, version)
        card.checked = card.free and environment.slug in chosen
        found.append(card)
    return found


def _why(environment: Environment, version: Version | None, held: frozenset[str]) -> str:
    if environment.deliver_right not in held:
        roles = [str(ROLE_LABELS[role]) for role in ROLE_LABELS if role in TEAM_RIGHTS[environment.deliver_right]]
        return _("Needs one of these roles here: %(roles)s.") % {"roles": joined(roles)}
    if environment.state != Environment.State.READY:
        return _said(Refused("environment_not_ready", environment=environment.name, state=environment.state))
    if environment.cluster.is_away:
        return _("Its cluster does not answer: nothing can be installed now.")
    strict = environment.accepts == Environment.Accepts.RELEASE
    if strict and version is not None and version.mark != Version.Mark.RELEASE:
        return _("Takes Release versions only; %(number)s is Test.") % {"number": version.number}
    return ""


def _put(card: Card, running: Any, version: Version | None) -> None:
    """Offer the review of an upgrade where the template runs already."""
    card.runs, card.mark = running.version.number, running.version.mark
    page = address("app_upgrade", card.environment.slug, running.application.slug)
    if page and version is not None and version.pk != running.version_id and not card.why:
        card.upgrade = f"{page}?{urlencode({'to': version.number})}"


def _installed(template: Template, environments: list[Environment]) -> dict[Any, Any]:
    rows = Installation.objects.filter(
        template=template,
        version__isnull=False,
        application__removed_at=None,
        application__environment__in=environments,
    )
    found = rows.select_related("version", "application").defer("version__document")
    return {row.application.environment_id: row for row in found}


def _memory(environment: Environment) -> Gauge | None:
    return next((gauge for gauge in gauges(environment) if gauge.name == "memory"), None)


def _said(error: WaybillError) -> str:
    return messages.title(error.code, error.params)


def refusal_of(version: Version, environment: Environment) -> str:
    """Say why an environment does not take a version; empty when it does."""
    try:
        gate.pass_or_raise(question(version, environment))
    except Refused as error:
        return messages.said(error.code, error.params)
    return ""
