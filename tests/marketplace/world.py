"""Rows for tests of the market: a registry, an application that was deployed, a published version."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from django.utils import timezone

from clusters.models import Application, Environment, Revision
from clusters.spec import Component, check_component
from console.kit.canonical import digest
from marketplace import snapshot, versioning
from marketplace.models import Delivery, ImageRegistry, Installation, MarkEvent, Template, Version
from marketplace.snapshot import Origin
from operations.models import Operation
from teams.models import Enterprise, Team, User
from tests.clusters.working import make_cluster, make_environment, unique


def key() -> dict[str, str]:
    """A fresh Idempotency-Key header."""
    return {"Idempotency-Key": uuid.uuid4().hex}


def make_registry(
    by: User, address: str, *, prefix: str = "library", account: tuple[str, str] = ("ci", "secret"), **columns: Any
) -> ImageRegistry:
    """A registry over plain HTTP, as saved."""
    row = ImageRegistry(
        **{
            "enterprise": by.enterprise,
            "address": address,
            "prefix": prefix,
            "user": account[0],
            "plain_http": True,
            "saved_untested": True,
            "saved_by": by,
            **columns,
        }
    )
    row.seal_passwords(account[1], "pull-secret" if row.pull_user else None)
    row.save()
    return row


def make_place(team: Team, slug: str | None = None, **columns: Any) -> Environment:
    """A ready environment on a cluster of its own that nobody asks."""
    return make_environment(team, make_cluster(team.enterprise, unique("c")), slug, **columns)


def answered(plan: Operation, document: dict[str, Any]) -> None:
    """End a plan that was asked for as its worker does, with what the cluster is taken to have said."""
    mine = Operation.objects.filter(pk=plan.pk)
    mine.update(state="running")
    mine.update(state="succeeded", plan=document, finished_at=timezone.now())


def part(name: str, source: str, image_digest: str, *, size: int = 100, **fields: Any) -> Component:
    """A component as a revision holds it, its image resolved."""
    component = check_component(
        {
            "key": name,
            "image": {"reference": source},
            "run_as": {"user": 10001, "group": 10001},
            **fields,
        }
    )
    component["image"] |= {
        "source": source,
        "digest": image_digest,
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "bytes": size,
        "platforms": [{"os": "linux", "architecture": "amd64", "digest": image_digest, "config": image_digest}],
        "pull": f"{source.rpartition(':')[0]}@{image_digest}",
    }
    return component


def operation_done(enterprise: Enterprise, kind: str = "deploy", team: Team | None = None) -> Operation:
    """An operation that has ended well."""
    now = timezone.now()
    row = Operation.objects.create(
        enterprise=enterprise,
        team=team,
        kind=kind,
        subject_type="app",
        subject={"type": "app", "name": "x", "href": "/x"},
        not_before=now + timedelta(days=1),
        deadline=now,
        request_id="test",
    )
    Operation.objects.filter(pk=row.pk).update(state="running", started_at=now)
    Operation.objects.filter(pk=row.pk).update(state="succeeded", finished_at=now)
    row.refresh_from_db()
    return row


def deployed(
    environment: Environment,
    components: Sequence[Component],
    *,
    slug: str = "back-office",
    origin: str = "made",
    pulls: Mapping[str, Mapping[str, str]] | None = None,
) -> Application:
    """An application whose first revision is deployed."""
    app = Application.objects.create(environment=environment, slug=slug, name=slug.title(), origin=origin)
    revise(app, components, pulls=pulls)
    return app


def revise(
    app: Application, components: Sequence[Component], *, pulls: Mapping[str, Mapping[str, str]] | None = None
) -> Revision:
    """The next deployed revision of an application."""
    app.revisions.filter(state="deployed").update(state="superseded")
    document = {"components": [cast(dict[str, Any], component) for component in components]}
    revision = Revision(
        application=app,
        number=app.revisions.count() + 1,
        kind="deploy" if app.origin == "made" else "install",
        state="deployed",
        document=document,
        document_hash=digest(document),
        operation=operation_done(app.environment.enterprise, team=app.environment.team),
    )
    if pulls:
        revision.seal_content({"pull": {name: dict(account) for name, account in pulls.items()}})
    revision.save()
    app.current_revision = revision
    app.save()
    return revision


def make_template(team: Team, slug: str | None = None, **columns: Any) -> Template:
    """A template, without versions."""
    slug = slug or unique("m")
    return Template.objects.create(
        **{"enterprise": team.enterprise, "team": team, "slug": slug, "name": slug, **columns}
    )


def make_version(
    template: Template,
    number: str,
    by: User,
    components: Sequence[Component] | None = None,
    *,
    parameters: Sequence[Mapping[str, Any]] = (),
    mark: str = "test",
    **columns: Any,
) -> Version:
    """A published version, of one component where none is given."""
    registry = ImageRegistry.objects.current(by.enterprise) or make_registry(by, "registry.example.com")
    read = versioning.read(number)
    if components is None:
        components = [part("web", "registry.example.com/dev/web:1", f"sha256:{secrets.token_hex(32)}")]
    choice = snapshot.choose(list(components), None, list(parameters))
    document = snapshot.document(template.slug, number, Origin("e", "a", 1, "0" * 64), choice)
    version = Version.objects.create(
        **{
            "template": template,
            "number": read.text,
            "sort_key": read.sort_key,
            "registry": registry,
            "state": "published",
            "mark": mark,
            "document": document,
            "content_hash": snapshot.content_hash(document),
            "bytes": 100,
            "published_by": by,
            "published_at": timezone.now(),
            **columns,
        }
    )
    if mark == "release":
        MarkEvent.objects.create(version=version, mark=mark, by=by, at=timezone.now())
    return version


def install(environment: Environment, version: Version, *, slug: str = "shop-1") -> Revision:
    """A version that runs in an environment: its deployed revision."""
    app = deployed(environment, version.document["components"] if version.document else [], slug=slug, origin="market")
    Installation.objects.create(application=app, template=version.template, version=version)
    revision = app.current_revision
    assert revision is not None
    Delivery.objects.create(revision=revision, version=version, gate={})
    return revision
