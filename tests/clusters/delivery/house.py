"""A team, a real cluster, and an environment on it: what deliveries are tested in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from clusters.kube import connect, keys
from clusters.manifests import environment as manifests
from clusters.models import Application, Cluster, Environment, Revision
from clusters.spec import Component, check_component
from console.kit.canonical import digest
from deploy.local.cluster import Cluster as LocalCluster
from operations.actions.enqueue import Subject, enqueue
from operations.engine import doorbell
from operations.models import Operation
from teams.models import Enterprise, Team, User
from tests.waiting import until

IMAGE = "registry.example.com/shop/{key}@sha256:{digest}"


@dataclass(frozen=True)
class House:
    """Rows, and the real cluster behind them."""

    enterprise: Enterprise
    team: Team
    user: User
    cluster: Cluster
    environment: Environment
    real: LocalCluster

    @property
    def path(self) -> str:
        """The API path of the namespace."""
        return f"/api/v1/namespaces/{self.environment.namespace}"

    def listed(self, kind: str, group: str = "") -> dict[str, dict[str, Any]]:
        """The objects of a kind in the namespace, by name."""
        root = f"/apis/{group}/v1" if group else "/api/v1"
        items = self.real.get(f"{root}/namespaces/{self.environment.namespace}/{kind}")["items"]
        return {item["metadata"]["name"]: item for item in items}


def make_house(real: LocalCluster, *, quota: dict[str, Any] | None = None, stage: str = "test") -> House:
    """Make an enterprise with one environment in a namespace of its own, prepared on the cluster."""
    name = f"t{uuid.uuid4().hex[:10]}"
    enterprise = Enterprise.objects.create(slug=name, name=name)
    team = Team.objects.create(enterprise=enterprise, slug="shop", name="Shop")
    user = User.objects.create(enterprise=enterprise, login=f"{name}.admin", name="Admin", enterprise_roles=["admin"])
    cluster = Cluster(enterprise=enterprise, slug="here", name="Here", endpoint=real.endpoint, ca_pem=real.ca_pem)
    cluster.credential_kind, cluster.health = "token", "online"
    cluster.seal_credential({"token": real.admin_token})
    cluster.uid = real.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    cluster.save()
    environment = make_environment(enterprise, team, cluster, name, quota=quota, stage=stage)
    return House(enterprise, team, user, cluster, environment, real)


def make_environment(
    enterprise: Enterprise,
    team: Team,
    cluster: Cluster,
    slug: str,
    *,
    quota: dict[str, Any] | None = None,
    stage: str = "test",
) -> Environment:
    """Make a ready environment, on the cluster too."""
    environment = Environment.objects.create(
        enterprise=enterprise,
        team=team,
        cluster=cluster,
        slug=slug,
        name=slug,
        namespace=slug,
        stage=stage,
        accepts="release" if stage == "production" else "any",
        state="ready",
        quota=quota,
    )
    prepare(environment)
    return environment


def prepare(environment: Environment) -> None:
    """Make the environment on its cluster, as preparing it does."""
    kube, owner, namespace = connect.for_cluster(environment.cluster), str(environment.pk), environment.namespace
    kube.apply(manifests.namespace(namespace, owner), keys.MANAGER, create_only=True)
    for shared in (manifests.system_namespace(), manifests.deploy_role(), manifests.prepare_role()):
        kube.apply(shared, keys.MANAGER, force=True)
    keys.place_key(kube, environment, 1)
    wanted = [manifests.limit_range(namespace, owner), manifests.default_policy(namespace, owner)]
    if environment.quota:
        wanted.append(manifests.resource_quota(namespace, owner, environment.quota))
    for manifest in wanted:
        kube.apply(manifest, keys.MANAGER, force=True)
    until(lambda: connect.for_environment(environment).may("patch", "deployments", group="apps", namespace=namespace))


def part(key: str, version: int = 1, **fields: Any) -> Component:
    """Give a component of a revision; another `version` is another image."""
    data: dict[str, Any] = {
        "key": key,
        "image": {"reference": f"registry.example.com/shop/{key}:{version}"},
        "probes": {"readiness": {"kind": "command", "command": ["true"], "period": 1}},
        "run_as": {"user": 10001, "group": 10001},
    }
    component = check_component({**data, **fields})
    name = digest([key, version])
    component["image"] |= {
        "source": f"registry.example.com/shop/{key}:{version}",
        "digest": f"sha256:{name}",
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "bytes": 1,
        "platforms": [],
        "pull": f"registry.example.com/shop/{key}@sha256:{name}",
    }
    for variable in component["variables"]:
        if variable.get("secret"):
            variable["fingerprint"] = "00000000"
    return component


def make_app(house: House, slug: str = "shop-app") -> Application:
    """Make an application without any revision."""
    return Application.objects.create(environment=house.environment, slug=slug, name=slug, origin="made")


@transaction.atomic
def begin(
    house: House,
    app: Application,
    components: Sequence[Component] = (),
    *,
    kind: str = "deploy",
    secrets: dict[str, str] | None = None,
    back_to: Revision | None = None,
    **input: Any,
) -> Operation:
    """Accept an operation on an application, with its revision where the kind makes one."""
    app.refresh_from_db()
    operation = enqueue(
        kind=kind,
        subject=Subject("app", app.pk, app.name, f"/api/v1/environments/{house.environment.slug}/apps/{app.slug}"),
        enterprise=house.enterprise,
        initiator=house.user,
        team=house.team,
        environment_id=house.environment.pk,
        cluster_id=house.cluster.pk,
        lock_key=app.lock_key,
        input=input,
        deadline_seconds=120,
    )
    if kind in {"start", "stop"}:
        return operation
    document = back_to.document if back_to else {"schema": 1, "components": list(components)}
    revision = Revision(
        application=app,
        number=app.revisions.count() + 1,
        kind=kind if kind in Revision.Kind.values else "upgrade",
        document=document,
        document_hash=digest(document),
        operation=operation,
        based_on=app.current_revision,
        rolls_back_to=back_to,
    )
    revision.seal_content({"values": secrets or {}})
    revision.save()
    return operation


def ended(operation: Operation, *, seconds: float = 60) -> Operation:
    """Wait until the operation has ended; gives its row."""
    doorbell.ring()

    def over() -> bool:
        operation.refresh_from_db()
        return not operation.is_active

    until(over, seconds=seconds, what=f"the end of {operation}")
    return operation


def story(operation: Operation) -> list[tuple[str, str, str | None, Any]]:
    """Give what happened in each step, for a failing test to print."""
    return [(step.key, step.state, step.message_code, step.message_params) for step in operation.steps.order_by("seq")]


def done(operation: Operation, *, seconds: float = 60) -> Operation:
    """Wait until the operation has succeeded."""
    ended(operation, seconds=seconds)
    assert operation.state == "succeeded", (operation.outcome_code, operation.outcome_params, story(operation))
    return operation


def failed(operation: Operation, code: str, *, seconds: float = 60, **params: Any) -> Operation:
    """Wait until the operation has failed with a code and these parameters among others."""
    ended(operation, seconds=seconds)
    outcome = (operation.state, operation.outcome_code, operation.outcome_params)
    assert operation.outcome_code == code, (outcome, story(operation))
    assert operation.state == "failed", outcome
    assert {name: operation.outcome_params.get(name) for name in params} == params, outcome
    return operation
