"""What this app tells the apps below when the process starts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from clusters import words
from clusters.actions import deploy
from clusters.api.environments import EXAMPLE
from clusters.delivery.words import register_words
from clusters.duties import observe, probe
from clusters.models import Cluster, Environment
from clusters.present import environments_json
from clusters.runners.check import CheckRunner
from clusters.runners.deploy import DeployRunner, StartRunner, StopRunner
from clusters.runners.plan import PlanRunner
from clusters.runners.prepare_environment import PrepareRunner, SyncRunner
from console.kit import messages
from operations import registry
from operations.engine.runner import Runner
from operations.registry import PlaceNames
from teams import places, present
from teams.models import Team, User

if TYPE_CHECKING:
    from teams.access import Person

_MESSAGES = {
    "role_left_as_it_is": _("%(role)s is left as a cluster admin made it: the console may not change it."),
    "environment_taken_back": _("What was made in %(namespace)s has been removed again."),
}
_REASONS = {
    "name_unknown": pgettext_lazy("reason", "the name is not known"),
    "timed_out": pgettext_lazy("reason", "no answer in time"),
    "refused": pgettext_lazy("reason", "the connection is refused"),
    "no_route": pgettext_lazy("reason", "no network route leads there"),
    "no_answer": pgettext_lazy("reason", "it stopped answering"),
    "no_socket": pgettext_lazy("reason", "there is no such socket"),
    "not_permitted": pgettext_lazy("reason", "the console may not open its socket"),
    "not_kubernetes": pgettext_lazy("reason", "what answers is not a Kubernetes API"),
    "redirected": pgettext_lazy("reason", "it points to another address"),
}


class Places:
    """Answers about environments and clusters."""

    def names(self, environments: Iterable[uuid.UUID], clusters: Iterable[uuid.UUID]) -> PlaceNames:
        """Give the slugs of these rows."""
        return PlaceNames(
            dict(Environment.objects.filter(pk__in=list(environments)).values_list("pk", "slug")),
            dict(Cluster.objects.filter(pk__in=list(clusters)).values_list("pk", "slug")),
        )

    def environment(self, user: Person, slug: str) -> uuid.UUID | None:
        """Give the row id of an environment the person may see."""
        if not isinstance(user, User):
            return None
        return Environment.objects.permitted(user).filter(slug=slug).values_list("pk", flat=True).first()


def _environments(teams: Sequence[Team], user: User) -> Mapping[uuid.UUID, Any]:
    """Give the environments of teams, for their JSON."""
    rows = list(Environment.objects.present().filter(team__in=teams).select_related("team", "cluster"))
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row, data in zip(rows, environments_json(rows), strict=True):
        found.setdefault(row.team_id, []).append({key: value for key, value in data.items() if key != "team"})
    return found


def _place_names(ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, places.Place]:
    """Give the names of environments, for the trail."""
    rows = Environment.objects.filter(pk__in=list(ids)).values_list("pk", "slug", "name")
    return {pk: places.Place(slug, name) for pk, slug, name in rows}


def register() -> None:
    """Make everything known."""
    runners: tuple[type[Runner], ...] = (CheckRunner, PrepareRunner, SyncRunner)
    for runner in (*runners, DeployRunner, StartRunner, StopRunner, PlanRunner):
        registry.register(runner())
    register_words()
    words.register_words()
    deploy.register()
    registry.register_duty(probe.KIND, settings.WAYBILL_PROBE_EVERY, probe.probe_cluster, deadline=10)
    registry.register_duty(observe.KIND, settings.WAYBILL_OBSERVE_EVERY, observe.observe_cluster, deadline=60)
    registry.register_places(Places())
    places.register(_place_names)
    messages.register_messages(_MESSAGES)
    messages.register_labels("reason", _REASONS)
    example = {key: value for key, value in EXAMPLE.items() if key != "team"}
    present.extend_team("environments", _environments, example=[example], empty=[])
