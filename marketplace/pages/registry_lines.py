"""What the registry's page shows besides its form: the outcome of a test, and the versions that stay elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clusters.models import Cluster
from clusters.pages.cluster_checks import CheckLine, duration, problem_of
from console.kit.among import among
from console.kit.api.lists import COUNT_MAX
from marketplace.models import ImageRegistry, Version
from marketplace.present.registry import PULL
from operations import words

if TYPE_CHECKING:
    from operations.models import Operation, Step
    from teams.models import Enterprise

NAMED = 50


@dataclass(frozen=True)
class Elsewhere:
    """Published versions that keep their address when another one is saved: how many, and the first of them."""

    count: int
    versions: list[Version]


def test_lines(test: Operation) -> list[CheckLine]:
    """Give a line for each thing a test tried: sign in, push, one pull per cluster, cleaning up."""
    names = dict(Cluster.objects.filter(enterprise=test.enterprise_id).values_list("slug", "name"))
    steps = sorted(test.steps.all(), key=lambda step: step.seq)
    return [_line(step, test, names) for step in steps]


def _line(step: Step, test: Operation, names: dict[str, str]) -> CheckLine:
    slug = step.key.removeprefix(PULL) if step.key.startswith(PULL) else ""
    title = _("Pull from %(name)s") % {"name": names.get(slug, slug)} if slug else words.step(step)
    text, fix = _told(step, test)
    return CheckLine(step.key, title, step.state, text, fix, duration(step))


def _told(step: Step, test: Operation) -> tuple[str, str]:
    if step.state == "skipped":
        return _("Not tried."), ""
    if step.message_code and step.state in ("failed", "warning"):
        return problem_of(step, step.message_code)
    if step.state != "done":
        return "", ""
    if step.message_code:
        return words.step_message(step) or "", ""
    if step.key.startswith(PULL):
        return _("A pod pulled the image"), ""
    found = {
        "login": _("Signed in as %(user)s") % {"user": _accounts(test)},
        "push": _("An image of a few bytes was pushed"),
        "clean": _("What the test made is removed"),
    }
    return found.get(step.key, ""), ""


def _accounts(test: Operation) -> str:
    user, pull_user = test.input["user"], test.input["pull_user"]
    return _("%(user)s and %(other)s") % {"user": user, "other": pull_user} if pull_user else str(user)


def elsewhere(enterprise: Enterprise, address: str, prefix: str) -> Elsewhere:
    """Give the versions that lie in another registry than address/prefix, newest first."""
    others = ImageRegistry.objects.filter(enterprise=enterprise).exclude(address=address, prefix=prefix)
    rows: QuerySet[Version] = Version.objects.filter(among("registry", others)).exclude(state="copying")
    named = rows.select_related("template", "registry").defer("document").order_by("template__slug", "-sort_key")
    return Elsewhere(rows.order_by()[:COUNT_MAX].count(), list(named[:NAMED]))
