"""What the overview of an enterprise shows: how far setting up is, how things stand, what happened last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clusters.models import Cluster, Environment
from console.kit.phrases import joined
from marketplace.models import ImageRegistry, Template, Version
from operations import words
from operations.models import Operation
from operations.states import ACTIVE
from teams.models import Team

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from teams.models import Enterprise, User

DAY = timedelta(hours=24)
NAMES = 5
DOING: dict[str, _StrPromise] = {
    "cluster_check": gettext_lazy("%(name)s is checking a connection."),
    "prepare_environment": gettext_lazy("%(subject)s is being prepared."),
    "registry_test": gettext_lazy("%(name)s is testing %(subject)s."),
    "publish": gettext_lazy("%(name)s is publishing %(subject)s."),
}
"""What is said of running work, by its kind; one kind for each of the first steps, in their order."""


@dataclass(frozen=True)
class Todo:
    """One line of the first-run list: what, how it stands, the page where it is done, and the work that runs for it."""

    title: str
    text: str
    done: bool
    href: str
    label: str
    running: Operation | None = None
    doing: str = ""
    work: str = ""


@dataclass(frozen=True)
class Counts:
    """Numbers of the tiles: a whole, and its parts by state (those that are not zero, the best first)."""

    whole: int
    parts: Mapping[str, int]


def first_steps(enterprise: Enterprise) -> list[Todo]:
    """Give the four things an enterprise sets up first, with how each stands and what is being done about it."""
    rows = Operation.objects.active().filter(enterprise=enterprise, kind__in=DOING)
    newest = {row.kind: row for row in rows.select_related("initiator").order_by("number")}
    steps = (_clusters(enterprise), _teams(enterprise), _registry(enterprise), _version(enterprise))
    return [_with(todo, newest.get(kind)) for todo, kind in zip(steps, DOING, strict=True)]


def _with(todo: Todo, running: Operation | None) -> Todo:
    """Add the operation that runs for it, if one does."""
    if running is None:
        return todo
    by = running.initiator.name if running.initiator else "–"
    doing = str(DOING[running.kind]) % {"name": by, "subject": running.subject["name"]}
    return replace(todo, running=running, doing=doing, work=reverse("operation_page", args=[running.name]))


def _clusters(enterprise: Enterprise) -> Todo:
    health = list(Cluster.objects.connected().filter(enterprise=enterprise).values_list("health", flat=True))
    text = _("Each is checked before it is added, and watched afterwards.")
    if health:
        online = health.count(Cluster.Health.ONLINE)
        phrase = ngettext("%(n)d connected, %(online)d online", "%(n)d connected, %(online)d online", len(health))
        text = phrase % {"n": len(health), "online": online}
    href, label = ("cluster_list", _("Clusters")) if health else ("cluster_new", _("Add cluster"))
    return Todo(_("Connect clusters"), text, bool(health), reverse(href), label)


def _teams(enterprise: Enterprise) -> Todo:
    rows = Team.objects.filter(enterprise=enterprise, removed_at=None).order_by("slug")
    names = list(rows.values_list("name", flat=True)[: NAMES + 1])
    text = _("A team gets its environment on a cluster: namespace, key, quota and network rules.")
    if names:
        text = joined(names[:NAMES]) + ("…" if len(names) > NAMES else "")
    href, label = ("team_list", _("Teams")) if names else ("team_new", _("Create team"))
    return Todo(_("Create teams"), text, bool(names), reverse(href), label)


def _registry(enterprise: Enterprise) -> Todo:
    rows = ImageRegistry.objects.filter(enterprise=enterprise, state=ImageRegistry.State.CURRENT)
    row = rows.select_related("test__initiator").first()
    text = _("Published images are copied there, and every cluster pulls from it.")
    if row is not None:
        by = row.test.initiator.name if row.test and row.test.initiator else None
        tested = _("tested by %(name)s") % {"name": by} if by else _("saved untested")
        text = joined([row.location, tested])
    label = _("Image registry") if row else _("Set the registry")
    return Todo(_("Set the image registry"), text, row is not None, reverse("registry_settings"), label)


def _version(enterprise: Enterprise) -> Todo:
    there = Version.objects.published().filter(template__enterprise=enterprise).exists()
    title = _("Publish a first version")
    if there:
        text = _("The local component library has versions to install.")
        return Todo(title, text, True, reverse("market"), _("Local component library"))
    text = _("A tested application becomes an immutable version in the local component library.")
    return Todo(title, text, False, reverse("team_list"), _("Teams"))


def clusters(user: User) -> Counts:
    """Count the clusters by health."""
    rows = Cluster.objects.permitted(user).order_by().values_list("health").annotate(n=Count("pk"))
    return _counts(dict(rows), ("online", "unreachable", "offline", "unknown"))


def environments(user: User) -> Counts:
    """Count the environments by state."""
    rows = Environment.objects.permitted(user).order_by().values_list("state").annotate(n=Count("pk"))
    return _counts(dict(rows), ("ready", "preparing", "failed"))


def awaiting_mark(user: User) -> int:
    """Count the templates whose newest version has no Release mark yet."""
    rows = Template.objects.permitted(user).shown()
    return rows.filter(Q(newest_released=None) | ~Q(newest_version=F("newest_released"))).count()


def operations(user: User) -> Counts:
    """Count what runs now, and what ended within a day."""
    recent = Q(state__in=ACTIVE) | Q(finished_at__gte=timezone.now() - DAY)
    rows = Operation.objects.permitted(user).listed().filter(recent).order_by()
    found = dict(rows.values_list("state").annotate(n=Count("pk")))
    return _counts(found, tuple(words.STATES))


def _counts(found: Mapping[str, int], order: tuple[str, ...]) -> Counts:
    return Counts(sum(found.values()), {state: found[state] for state in order if found.get(state)})
