"""Roll back: the recorded objects of an earlier revision, sent again as a new one; allowed without a mark too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import transaction

from clusters.actions.proposal import (
    Proposal,
    accept,
    hold_to_plan,
    limits_of,
    lock_application,
    require_ready,
    start_plan,
    used_of,
)
from clusters.actions.routes import taken_routes
from clusters.models import Application, Revision
from clusters.planning import PreviewFacts
from clusters.spec import Component
from console.kit.errors import FieldError, Invalid, Refused
from marketplace import gate
from marketplace.actions.delivering import (
    claims_there,
    images_there,
    keep_evidence,
    question,
    side_of,
    tell,
    was_deployed,
)
from marketplace.models import Delivery
from operations.models import Operation
from teams import access
from teams.models import User

KIND = Revision.Kind.ROLLBACK


@dataclass(frozen=True)
class Return:
    """A request to roll back: to which revision (None: the former one), and what is consented to."""

    revision: int | None = None
    consents: Sequence[str] = ()
    confirm_name: str | None = None
    plan_id: str | None = None


def roll_back(*, acting_user: User, application: Application, wish: Return) -> Operation:
    """Bring back an earlier revision that was deployed once, as revision n + 1.

    Needs the right to deliver in its environment, and neither template, registry nor mark. Raises Denied role_required;
    Invalid unknown_revision; Refused nothing_deployed, nothing_changed, application_stopped, environment_not_ready,
    cluster_unreachable, operation_in_progress, confirmation_required; Stale plan_stale.
    """
    _require(acting_user, application)
    with transaction.atomic():
        row = lock_application(application)
        target = _target(row, wish)
        proposal = _proposal(row, target)
        held = hold_to_plan(proposal, wish.plan_id, acting_user=acting_user, consents=wish.consents)
        operation = accept(proposal, acting_user=acting_user, input={**held, "consents": list(wish.consents)})
        delivery = _delivery(target)
        if delivery is not None:
            asked = question(delivery.version, row.environment, once_deployed=True)
            keep_evidence(operation.revision, delivery.version, asked)
        tell("rollback.requested", row, acting_user, operation, revision=target.number)
    return operation


def plan_rollback(*, acting_user: User, application: Application, wish: Return) -> Operation:
    """Ask the cluster what a rollback would do; refuses what `roll_back` does."""
    _require(acting_user, application)
    with transaction.atomic():
        row = lock_application(application)
        target = _target(row, wish)
        return start_plan(_proposal(row, target), {"revision": target.number}, acting_user=acting_user)


def preview_rollback(application: Application, target: Revision) -> dict[str, Any]:
    """Give what a page draws at once, from rows alone; whether it may be done, `roll_back` says."""
    return _proposal(application, target).preview()


def propose_again(operation: Operation, request: dict[str, Any]) -> Proposal:
    """Make the proposal of a plan anew, in a worker."""
    assert operation.subject_id is not None
    rows = Application.objects.select_related("environment__cluster", "environment__team", "environment__enterprise")
    application = rows.get(pk=operation.subject_id)
    return _proposal(application, application.revisions.get(number=request["revision"]))


def _require(acting_user: User, application: Application) -> None:
    environment = application.environment
    access.require(acting_user, environment.deliver_right, environment.team)


def _target(application: Application, wish: Return) -> Revision:
    """Find the revision to go back to."""
    if wish.confirm_name is not None and wish.confirm_name != application.slug:
        raise Invalid("invalid", errors=[FieldError("/confirm_name", "malformed", {"example": application.slug})])
    if application.desired == Application.Desired.STOPPED:
        raise Refused("application_stopped", application=application.name)
    require_ready(application.environment)
    current = application.current_revision
    if current is None:
        raise Refused("nothing_deployed")
    last = application.revisions.order_by("-number").first()
    stands = last is not None and last.pk == current.pk
    known = application.revisions.filter(was_deployed()).order_by("-number")
    if wish.revision is None:
        target = known.exclude(pk=current.pk).first() if stands else current
        if target is None:
            raise Refused("nothing_changed")
        return target
    target = known.filter(number=wish.revision).first()
    if target is None:
        missing = FieldError("/revision", "unknown_revision", {"revision": wish.revision})
        raise Invalid("invalid", errors=[missing])
    if target.pk == current.pk and stands and not wish.consents:
        raise Refused("nothing_changed")
    return target


def _proposal(application: Application, target: Revision) -> Proposal:
    environment, current = application.environment, application.current_revision
    components = cast("list[Component]", target.document["components"])
    source: dict[str, Any] = target.source or {}
    delivery = _delivery(target)
    warnings = []
    if delivery is not None:
        verdict = gate.ask(question(delivery.version, environment, once_deployed=True))
        warnings = [{"code": verdict.warning, "params": {}}] if verdict.warning else []
    return Proposal(
        kind=KIND,
        application=application,
        components=components,
        values=target.values,
        facts=PreviewFacts(
            kind=KIND,
            environment=environment.slug,
            app=application.slug,
            accepts=environment.accepts,
            old=cast("list[Component]", current.document["components"]) if current else [],
            new=components,
            former=side_of(current) if current else None,
            to=side_of(target),
            hard=limits_of(environment),
            used=used_of(environment),
            images_there=images_there(environment),
            claims_there=claims_there(application),
            refusals=[fault.notice for fault in taken_routes(application, components)],
            warnings=warnings,
        ),
        secrets=target.content().get("values") or {},
        pulls=target.content().get("pull") or {},
        source=target.source,
        based_on=current,
        rolls_back_to=target,
        number=source.get("number"),
        mark=delivery.version.mark if delivery is not None else None,
    )


def _delivery(revision: Revision) -> Delivery | None:
    rows = Delivery.objects.select_related("version__template__team")
    return rows.filter(revision=revision).first()
