"""Upgrade: another version, or other values, for an installed application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from clusters.actions.proposal import Proposal, accept, hold_to_plan, lock_application, require_ready, start_plan
from clusters.models import Application, Revision
from console.kit.errors import NotFound, Refused
from marketplace import gate
from marketplace.actions.delivering import (
    Wish,
    find_version,
    installation_of,
    keep_evidence,
    propose,
    question,
    refuse_what_is_in_the_way,
    tell,
)
from marketplace.models import Version
from operations.models import Operation
from teams import access
from teams.models import User

KIND = Revision.Kind.UPGRADE


@dataclass(frozen=True)
class Change:
    """A request to upgrade. Values of the environment stay; those given win, those named in `reset` go back."""

    version: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    reset: Sequence[str] = ()
    consents: Sequence[str] = ()
    plan_id: str | None = None


def upgrade(*, acting_user: User, application: Application, change: Change) -> Operation:
    """Bring another version to the application, or other values at the same version.

    Needs the right to deliver in its environment. Raises Denied role_required; NotFound for an application made by
    hand; Refused version_not_accepted, version_not_published, application_stopped, environment_not_ready,
    cluster_unreachable, operation_in_progress, nothing_changed, confirmation_required; Stale plan_stale; Invalid.
    """
    _require(acting_user, application)
    with transaction.atomic():
        row = lock_application(application)
        version, proposal = _proposal(row, change, acting_user)
        held = hold_to_plan(proposal, change.plan_id, acting_user=acting_user, consents=change.consents)
        operation = accept(proposal, acting_user=acting_user, input={**held, "consents": list(change.consents)})
        keep_evidence(operation.revision, version, question(version, row.environment))
        tell("upgrade.requested", row, acting_user, operation, version=version.number)
    return operation


def plan_upgrade(*, acting_user: User, application: Application, change: Change) -> Operation:
    """Ask the cluster what an upgrade would do; refuses what `upgrade` does."""
    _require(acting_user, application)
    with transaction.atomic():
        version, proposal = _proposal(lock_application(application), change, acting_user)
        request = {"version": version.number, "values": dict(change.values), "reset": list(change.reset)}
        return start_plan(proposal, request, acting_user=acting_user)


def propose_again(operation: Operation, request: dict[str, Any]) -> Proposal:
    """Make the proposal of a plan anew, in a worker."""
    assert operation.subject_id is not None
    rows = Application.objects.select_related("environment__cluster", "environment__team", "environment__enterprise")
    application = rows.get(pk=operation.subject_id)
    installation = installation_of(application)
    if installation is None:
        raise NotFound()
    version = find_version(installation.template, request["version"], [application.environment])
    return propose(KIND, application, Wish(version, request["values"], request["reset"]))


def _require(acting_user: User, application: Application) -> None:
    environment = application.environment
    access.require(acting_user, environment.deliver_right, environment.team)


def _proposal(application: Application, change: Change, acting_user: User) -> tuple[Version, Proposal]:
    installation = installation_of(application)
    if installation is None:
        raise NotFound()
    if application.desired == Application.Desired.STOPPED:
        raise Refused("application_stopped", application=application.name)
    environment = application.environment
    version = find_version(installation.template, change.version, [environment])
    gate.pass_or_raise(question(version, environment))
    require_ready(environment)
    proposal = propose(KIND, application, Wish(version, change.values, change.reset, change.consents))
    refuse_what_is_in_the_way(proposal, "/version")
    if not change.consents and _is_as_deployed(application, proposal):
        raise Refused("nothing_changed")
    return version, proposal


def _is_as_deployed(application: Application, proposal: Proposal) -> bool:
    """Whether the last attempt was deployed and says the same, values included."""
    last = application.revisions.order_by("-number").first()
    current = application.current_revision
    if current is None or last is None or last.pk != current.pk:
        return False
    made = proposal.revision()
    return (
        made.document_hash == current.document_hash
        and made.values == current.values
        and (made.source == current.source)
    )
