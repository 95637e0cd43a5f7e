"""Deploy: what the draft of an application made by hand says becomes a revision, and a worker brings it about."""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction

from clusters import images
from clusters.actions.applications import refuse_made
from clusters.actions.proposal import (
    Proposal,
    accept,
    hold_to_plan,
    limits_of,
    lock_application,
    register_planner,
    start_plan,
    used_of,
)
from clusters.actions.routes import place_of, refuse_faults, settle_routes
from clusters.draft import undeployed
from clusters.models import Application, Revision
from clusters.planning import PreviewFacts, Side
from clusters.routing import routed, routes_of
from clusters.spec import Component, check_application
from clusters.values import Former, Settled, apply, generated_text, settle
from console.kit.canonical import digest
from console.kit.errors import Refused
from console.kit.secrets import fingerprint
from operations.models import Operation
from teams import access

if TYPE_CHECKING:
    from clusters.models import Environment
    from teams.models import User

KIND = Revision.Kind.DEPLOY


def deploy(
    *,
    application: Application,
    acting_user: User,
    consents: Sequence[str] = (),
    refresh_images: bool = False,
    plan_id: str | None = None,
) -> Operation:
    """Start to deploy the draft as a new revision.

    `refresh_images` deploys an unchanged draft too, since a tag may name another image by now. `consents` are what a
    plan asked for; `plan_id` holds the run to a plan.
    Raises Denied role_required; Refused market_application, made_not_accepted, ingress_class_missing,
    route_host_missing, route_taken, nothing_changed, environment_not_ready, cluster_unreachable,
    operation_in_progress, confirmation_required; Stale plan_stale; Invalid for a draft that cannot run, with places
    `/components/{key}/…`, and `/values/{address}` for a secret without a value.
    """
    access.require(acting_user, "edit_application", application.environment.team)
    with transaction.atomic():
        row = lock_application(application)
        proposal = propose(row)
        if not refresh_images:
            _refuse_unchanged(row)
        held = hold_to_plan(proposal, plan_id, acting_user=acting_user, consents=consents)
        return accept(proposal, acting_user=acting_user, input={"consents": list(consents), **held})


def plan_deploy(*, application: Application, acting_user: User) -> Operation:
    """Start the plan of a deploy: the cluster is asked, nothing is changed. Raises what `deploy` does."""
    access.require(acting_user, "edit_application", application.environment.team)
    with transaction.atomic():
        return start_plan(propose(lock_application(application)), {}, acting_user=acting_user)


def propose(application: Application) -> Proposal:
    """Work out what deploying the draft would make of the application. Secrets with a rule are generated, kept ones
    carried over from the newest attempt: what was started with them may have written them down.

    Raises Refused market_application, made_not_accepted, ingress_class_missing, route_host_missing, route_taken;
    docker_not_set, registry_not_set (images of a Docker engine); Invalid for a draft that cannot run.
    """
    if application.origin != Application.Origin.MADE:
        raise Refused("market_application")
    environment = application.environment
    refuse_made(environment)
    rows = list(application.components.all())
    components = [cast(Component, row.definition) for row in rows]
    check_application(components)
    if any("from" in component["image"] for component in components):
        images.require_engine(environment.enterprise)
    given: dict[str, str] = {}
    pulls: dict[str, dict[str, str]] = {}
    for row in rows:
        kept = row.secrets()
        given |= {f"{row.key}.variables.{name}": value for name, value in (kept.get("variables") or {}).items()}
        if kept.get("pull"):
            pulls[row.key] = kept["pull"]
    settled = settle(
        components,
        None,
        given=given,
        former=_former(application),
        generate=lambda rule: generated_text(rule, random.choice),
        fingerprint=partial(fingerprint, application.open_salt()),
    )
    settled.require_complete()
    new, faults = settle_routes(application, apply(components, settled.values))
    refuse_faults(faults, made=True)
    return Proposal(
        kind=KIND,
        application=application,
        components=new,
        values=settled.values,
        facts=_facts(application, environment, new, settled),
        secrets=settled.secrets,
        pulls=pulls,
        based_on=application.current_revision,
        draft=digest(components),
    )


def changed_components(application: Application) -> list[str]:
    """Give the keys of components in which the draft differs from what is deployed; none for one from the market."""
    if application.origin != Application.Origin.MADE:
        return []
    draft = [cast(Component, row.definition) for row in application.components.all()]
    current = application.current_revision
    if current is None:
        return [component["key"] for component in draft]
    routes = routes_of(routed(draft, place_of(application))[0])
    return undeployed(draft, current.document["components"], current.values, routes)


def _refuse_unchanged(application: Application) -> None:
    """Refuse a draft that runs already. After an attempt that failed the same draft mends what it left."""
    current = application.current_revision
    if current is None or application.revisions.filter(number__gt=current.number).exists():
        return
    if not changed_components(application):
        raise Refused("nothing_changed")


def _former(application: Application) -> Former:
    newest = application.revisions.exclude(kind=Revision.Kind.UNINSTALL).order_by("-number").first()
    if newest is None:
        return Former()
    return Former(newest.values, newest.content().get("values") or {}).generated()


def _facts(
    application: Application, environment: Environment, new: Sequence[Component], settled: Settled
) -> PreviewFacts:
    current = application.current_revision
    return PreviewFacts(
        kind=KIND,
        environment=environment.slug,
        app=application.slug,
        accepts=environment.accepts,
        old=current.document["components"] if current else [],
        new=new,
        former=Side(revision=current.number) if current else None,
        settled=settled,
        stopped=application.desired == Application.Desired.STOPPED,
        hard=limits_of(environment),
        used=used_of(environment),
        images_there=[component["image"]["digest"] for component in current.document["components"]] if current else [],
    )


def _plan_again(operation: Operation, request: dict[str, Any]) -> Proposal:
    rows = Application.objects.select_related("environment__cluster", "environment__team", "environment__enterprise")
    return propose(rows.select_related("current_revision").get(pk=operation.subject_id or operation.pk))


def register() -> None:
    """Let plans of deploys be made in a worker."""
    register_planner(KIND, _plan_again)
