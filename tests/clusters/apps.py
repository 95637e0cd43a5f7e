"""Applications made by hand, over REST and as rows, for tests that need no cluster."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from clusters.delivery.render import bundle_of
from clusters.models import Application, Component, Environment, Revision
from operations.models import Operation
from tests.cast import Api, Cast
from tests.clusters.working import key, make_cluster, make_environment

IMAGE = {"reference": "registry.example.com/dev/web:2.0"}


def make_place(cast: Cast, slug: str = "test-internal", **columns: Any) -> Environment:
    """Make a ready environment of the team `shop`, on a cluster that is said to be online."""
    return make_environment(cast.team, make_cluster(cast.enterprise, f"on-{slug}", health="online"), slug, **columns)


def make_app(place: Environment, slug: str = "shop", **columns: Any) -> Application:
    """Make an empty application."""
    values = {"environment": place, "slug": slug, "name": slug.title(), "origin": "made", **columns}
    return Application.objects.create(**values)


def path_of(app: Application, *more: str) -> str:
    """Give the API path of an application, or of something under it."""
    return "/".join([f"environments/{app.environment.slug}/apps/{app.slug}", *more])


def add(api: Api, app: Application, component_key: str = "web", **fields: Any) -> dict[str, Any]:
    """Add a component over REST."""
    response = api.post(path_of(app, "components"), {"key": component_key, "image": IMAGE, **fields})
    assert response.status_code == 201, response.content
    data: dict[str, Any] = response.json()
    return data


def start(api: Api, app: Application, body: dict[str, Any] | None = None, **query: str) -> Operation:
    """Deploy over REST; gives the operation."""
    response = api.post(path_of(app, "deployments"), body or {"consents": []}, headers=key(), **query)
    assert response.status_code == 202, response.content
    number: str = response.json()["id"]
    return Operation.objects.get(number=int(number.removeprefix("op-")))


def settle(operation: Operation, state: str = "succeeded") -> Revision | None:
    """End an operation as its worker would in the rows, without a cluster: resolved, rendered, deployed."""
    revision = Revision.objects.filter(operation=operation).first()
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="running", started_at=now)
    Operation.objects.filter(pk=operation.pk).update(state=state, finished_at=now)
    if revision is None:
        return None
    if state != "succeeded":
        revision.state = "failed"
        revision.save()
        return revision
    for component in revision.document["components"]:
        component["image"] |= {
            "source": component["image"]["reference"],
            "digest": "sha256:" + "a" * 64,
            "media_type": "application/vnd.oci.image.manifest.v1+json",
            "bytes": 1000,
            "platforms": [],
            "pull": "registry.example.com/dev/web@sha256:" + "a" * 64,
        }
    revision.save()
    _render(revision)
    Revision.objects.filter(application=revision.application, state="deployed").update(state="superseded")
    revision.state = "deployed"
    revision.save()
    Application.objects.filter(pk=revision.application_id).update(current_revision=revision)
    return revision


def _render(revision: Revision) -> None:
    content = revision.content()
    bundle = bundle_of(revision.application, revision, content)
    revision.objects_applied = bundle.inventory()
    revision.seal_content({**content, "manifests": bundle.stored()})
    revision.save()


def draft(app: Application, component_key: str = "web") -> Component:
    """Give the row of a component."""
    return Component.objects.get(application=app, key=component_key)
