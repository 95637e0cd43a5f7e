"""Two environments on a real cluster, a template, and versions of it made of whole components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from clusters.models import Application, Cluster, Environment
from clusters.spec import Component
from deploy.local.cluster import Cluster as LocalCluster
from marketplace.models import ImageRegistry, MarkEvent, Template, Version
from operations.models import Operation
from tests.cast import Cast
from tests.clusters.delivery.house import House, done, ended, failed, make_environment, part
from tests.marketplace import world
from tests.marketplace.world import key

REGISTRY = "registry.example.com"


@dataclass
class Stage:
    """What deliveries happen on. Everything is asked for by REST."""

    cast: Cast
    cluster: Cluster
    real: LocalCluster
    template: Template
    places: dict[str, Environment] = field(default_factory=dict)

    def house(self, place: str) -> House:
        """One environment and the real cluster behind it."""
        return House(self.cast.enterprise, self.cast.team, self.cast.admin, self.cluster, self.places[place], self.real)

    def slug(self, place: str) -> str:
        """The slug of an environment."""
        return self.places[place].slug

    def version(
        self,
        number: str,
        components: Sequence[Component],
        *,
        parameters: Sequence[dict[str, Any]] = (),
        mark: str = "release",
    ) -> Version:
        """Publish a version."""
        ImageRegistry.objects.current(self.cast.developer.enterprise) or world.make_registry(
            self.cast.developer, REGISTRY
        )
        version = world.make_version(self.template, number, self.cast.developer, components, parameters=parameters)
        if mark == "release":
            self.mark(version, mark)
        return version

    def mark(self, version: Version, mark: str) -> None:
        """Set or take back the Release mark."""
        Version.objects.filter(pk=version.pk).update(mark=mark)
        MarkEvent.objects.create(version=version, mark=mark, by=self.cast.tester, at=timezone.now())
        version.refresh_from_db()

    # --- By REST -------------------------------------------------------------------------------------------------

    def post(self, path: str, body: dict[str, Any], *, who: str = "delivery", **query: Any) -> Any:
        """Ask for work; gives the answer."""
        return self.cast.api(who).post(path, body, headers=key(), **query)

    def install(self, *places: str, who: str = "delivery", query: dict[str, Any] | None = None, **body: Any) -> Any:
        """Ask to install; the application is called `shop`."""
        wish = {
            "template": self.template.slug,
            "environments": [self.slug(place) for place in places],
            "app": {"slug": "shop", "name": "Shop"},
            **body,
        }
        return self.post("installations", wish, who=who, **(query or {}))

    def change(
        self, what: str, place: str, who: str = "delivery", query: dict[str, Any] | None = None, **body: Any
    ) -> Any:
        """Ask for an upgrade or a rollback of `shop`."""
        return self.post(f"environments/{self.slug(place)}/apps/shop/{what}", body, who=who, **(query or {}))

    def app(self, place: str) -> Application:
        """The application."""
        return Application.objects.get(environment=self.places[place], slug="shop", removed_at=None)


def make_stage(people: Cast, real: LocalCluster, name: str) -> Stage:
    """Make a test and a production environment on the real cluster, and an empty template."""
    cluster = Cluster(
        enterprise=people.enterprise, slug="here", name="Here", endpoint=real.endpoint, ca_pem=real.ca_pem
    )
    cluster.credential_kind, cluster.health = "token", "online"
    cluster.seal_credential({"token": real.admin_token})
    cluster.uid = real.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    cluster.save()
    stage = Stage(people, cluster, real, world.make_template(people.team, "goods"))
    for place, kind in (("test", "test"), ("prod", "production")):
        slug = f"{place}-{name[-8:]}"
        stage.places[place] = make_environment(people.enterprise, people.team, cluster, slug, stage=kind)
    return stage


def operation(answer: Any) -> Operation:
    """The operation an answer names."""
    assert answer.status_code == 202, answer.content
    return Operation.objects.get(number=int(answer.json()["id"].removeprefix("op-")))


__all__ = ["Stage", "done", "ended", "failed", "make_stage", "operation", "part"]
