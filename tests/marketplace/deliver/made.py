"""An application made by hand on a real cluster, from images of a real registry that asks for an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clusters.models import Application, Environment
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from operations.models import Operation
from tests.cast import Api, Cast
from tests.clusters.apps import make_app, path_of
from tests.clusters.delivery.house import make_environment
from tests.clusters.working import connect_row, ended, key, unique
from tests.marketplace.world import make_registry

RUN_AS = {"user": 10001, "group": 10001}


@dataclass
class Made:
    """The application `files`, a second environment beside it, the cluster and the registry."""

    cast: Cast
    app: Application
    other: Environment
    cluster: LocalCluster
    registry: RegistryFacts
    images: dict[str, str]

    @property
    def api(self) -> Api:
        """Who makes, deploys, publishes, and installs in environments of stage test."""
        return self.cast.api("developer")

    @property
    def account(self) -> dict[str, str]:
        """An account that may only pull."""
        return {"user": self.registry.pull_user, "password": self.registry.pull_password}

    def component(self, name: str, **fields: Any) -> dict[str, Any]:
        """Give a component of the sample's image, with an account of its own."""
        image = {"reference": self.images[name], **self.account}
        return {"key": name, "image": image, "args": [name], "run_as": RUN_AS, **fields}

    def add(self, name: str, **fields: Any) -> None:
        """Put a component into the draft."""
        answer = self.api.post(path_of(self.app, "components"), self.component(name, **fields))
        assert answer.status_code == 201, answer.content

    def change(self, name: str, **fields: Any) -> None:
        """Replace a component of the draft."""
        answer = self.api.put(path_of(self.app, "components", name), self.component(name, **fields))
        assert answer.status_code == 200, answer.content

    def post(self, path: str, body: dict[str, Any], *, seconds: float = 90) -> Operation:
        """Start work and wait for its end."""
        answer = self.api.post(path, body, headers=key())
        assert answer.status_code == 202, answer.content
        return ended(answer.json()["id"], seconds=seconds)

    def done(self, path: str, body: dict[str, Any], *, seconds: float = 90) -> Operation:
        """Start work that succeeds."""
        operation = self.post(path, body, seconds=seconds)
        told = (operation.outcome_code, operation.outcome_params)
        assert operation.state == "succeeded", told
        return operation

    def deploy(self) -> Operation:
        """Deploy the draft."""
        return self.done(path_of(self.app, "deployments"), {"consents": []})

    def publish(self, number: str, **more: Any) -> Operation:
        """Publish what is deployed."""
        template = {"slug": "files", "name": "Files", "scope": "team", "intro": "", "tags": []}
        if number != "1.0":
            template = {"slug": "files"}
        wish = {"template": template, "number": number, "confirm_by_itself": True, **more}
        return self.done(path_of(self.app, "publications"), wish)

    def listed(self, kind: str, place: Environment | None = None, group: str = "") -> dict[str, Any]:
        """Give the objects of a kind in an environment, by name."""
        root = f"/apis/{group}/v1" if group else "/api/v1"
        namespace = (place or self.app.environment).namespace
        items = self.cluster.get(f"{root}/namespaces/{namespace}/{kind}")["items"]
        return {item["metadata"]["name"]: item for item in items}


def make_made(cast: Cast, cluster: LocalCluster, registry: RegistryFacts, images: dict[str, str]) -> Made:
    """Connect the cluster, prepare two environments, set the registry, make an empty application."""
    make_registry(
        cast.admin,
        registry.address,
        prefix=unique("lib"),
        account=(registry.user, registry.password),
        ca_pem=registry.ca_pem,
        plain_http=False,
    )
    row = connect_row(cast.enterprise, cluster)
    places = [make_environment(cast.enterprise, cast.team, row, unique(word)) for word in ("made", "other")]
    return Made(cast, make_app(places[0], "files"), places[1], cluster, registry, images)
