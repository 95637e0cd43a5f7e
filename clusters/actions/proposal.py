"""Proposals: what an application shall become, worked out from rows; the one thing that previews, plans and runs share.

An action makes a proposal and accepts it: operation and revision are written. A plan makes the same proposal and asks
the cluster about it. A run may hold to a plan: it is accepted only while the rows are those the plan stood on, and the
worker compares the cluster once more before its first write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db.models import Max
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.dateparse import parse_datetime

from clusters.actions.routes import hold_routes
from clusters.models import Application, Environment, Revision
from clusters.moved import moved
from clusters.planning import QUOTA_WORDS, PreviewFacts, preview, rows_fingerprint
from clusters.routing import routes_of
from clusters.spec import Component
from clusters.values import Values
from console.kit.canonical import digest
from console.kit.errors import Refused, Stale
from operations.actions.enqueue import Subject, enqueue
from operations.models import Operation

if TYPE_CHECKING:
    from teams.models import User

SCHEMA = 1
PLAN = "plan"
PLAN_SECONDS = 60
TAKING_SECONDS = 1800
"""The deadline of a plan that has images of a Docker engine to bring to the registry first."""


@dataclass(frozen=True)
class Proposal:
    """A revision that could be made. `application` may be a row that is not saved yet; secrets stand in the open here
    and are sealed with the revision. `number` and `mark` are the version's; `draft` the hash of a draft."""

    kind: str
    application: Application
    components: Sequence[Component]
    values: Values
    facts: PreviewFacts
    secrets: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: dict[str, Any] | None = None
    based_on: Revision | None = None
    rolls_back_to: Revision | None = None
    number: str | None = None
    mark: str | None = None
    draft: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The revision's document."""
        return {"schema": SCHEMA, "components": [cast("dict[str, Any]", component) for component in self.components]}

    @property
    def rows(self) -> str:
        """The fingerprint of the rows this stands on."""
        environment = self.application.environment
        return rows_fingerprint(
            revision=self.based_on.number if self.based_on else None,
            draft=self.draft,
            version=self.number,
            mark=self.mark,
            values=self._told_apart(),
            accepts=environment.accepts,
            quota=environment.quota,
            cluster_uid=environment.cluster.uid,
            routes=[[own.component, own.port, own.route] for own in routes_of(self.components)],
        )

    def _told_apart(self) -> dict[str, Any]:
        """The values, secrets under a hash that does not depend on the application's salt: one that is yet to be made
        has another salt when it is installed than it had when that was planned."""
        return {
            address: {**value, "secret": salted_hmac("waybill.plan", self.secrets.get(address, "")).hexdigest()}
            if "secret" in value
            else dict(value)
            for address, value in self.values.items()
        }

    def preview(self) -> dict[str, Any]:
        """The document a page draws at once."""
        return preview(self.facts)

    def revision(self) -> Revision:
        """The revision this would make, not saved; without number and operation."""
        document = self.document
        revision = Revision(
            application=self.application,
            kind=self.kind,
            document=document,
            document_hash=digest(document),
            values=self.values,
            source=self.source,
            based_on=self.based_on,
            rolls_back_to=self.rolls_back_to,
        )
        revision.seal_content({"values": dict(self.secrets), "pull": {key: dict(a) for key, a in self.pulls.items()}})
        return revision


def limits_of(environment: Environment) -> dict[str, str]:
    """Give an environment's quota by Kubernetes' names."""
    quota: dict[str, Any] = environment.quota or {}
    return {QUOTA_WORDS[name]: str(amount) for name, amount in quota.items() if amount is not None}


def used_of(environment: Environment) -> dict[str, str] | None:
    """Give what of the quota was in use when last seen, by Kubernetes' names; None when it was never seen."""
    used: dict[str, Any] | None = environment.quota_used
    return None if used is None else {QUOTA_WORDS[name]: str(amount) for name, amount in used.items()}


def subject_of(application: Application) -> Subject:
    """Give the subject of operations on an application."""
    return Subject("app", application.pk, application.name, href_of(application))


def href_of(application: Application) -> str:
    """Give the API path of an application."""
    return f"/api/v1/environments/{application.environment.slug}/apps/{application.slug}"


def require_ready(environment: Environment) -> None:
    """Refuse what could not begin now: Refused environment_not_ready, or cluster_unreachable while that is known."""
    if environment.state != Environment.State.READY:
        raise Refused("environment_not_ready", environment=environment.name, state=environment.state)
    cluster = environment.cluster
    if cluster.is_away:
        since = cluster.seen_at.strftime("%Y-%m-%dT%H:%M:%SZ") if cluster.seen_at else None
        raise Refused("cluster_unreachable", cluster=cluster.name, since=since)


def lock_application(application: Application) -> Application:
    """Give the application's row, locked, with what a proposal reads of it. Inside a transaction."""
    rows = Application.objects.select_related("environment__cluster", "environment__team", "environment__enterprise")
    return rows.select_for_update(of=("self",)).get(pk=application.pk)


def accept(
    proposal: Proposal,
    *,
    acting_user: User | None,
    input: Mapping[str, Any] | None = None,
    retry_of: Operation | None = None,
    parent: Operation | None = None,
    reason: str | None = None,
) -> Operation:
    """Write operation and revision of a proposal whose application is saved; inside the caller's transaction.

    Raises Refused environment_not_ready, cluster_unreachable, route_taken and operation_in_progress.
    """
    application = proposal.application
    require_ready(application.environment)
    hold_routes(application, proposal.components)
    operation = begin(
        application, proposal.kind, acting_user=acting_user, input=input, retry_of=retry_of, parent=parent
    )
    revision = proposal.revision()
    revision.number = (application.revisions.aggregate(last=Max("number"))["last"] or 0) + 1
    revision.operation = operation
    revision.reason = reason
    revision.save()
    return operation


def begin(
    application: Application,
    kind: str,
    *,
    acting_user: User | None,
    input: Mapping[str, Any] | None = None,
    retry_of: Operation | None = None,
    parent: Operation | None = None,
    deadline_seconds: int | None = None,
) -> Operation:
    """Write an operation that changes an application: one at a time, or Refused operation_in_progress."""
    environment = application.environment
    return enqueue(
        kind=kind,
        subject=subject_of(application),
        enterprise=environment.enterprise,
        initiator=acting_user,
        team=environment.team,
        environment_id=environment.pk,
        cluster_id=environment.cluster_id,
        lock_key=application.lock_key,
        input=input,
        deadline_seconds=deadline_seconds or settings.WAYBILL_DEADLINE_DELIVERY,
        parent=parent,
        retry_of=retry_of,
    )


def again(revision: Revision) -> Proposal:
    """Give the proposal of a revision that failed once more: same document, same values."""
    application = revision.application
    content = revision.content()
    environment = application.environment
    current = application.current_revision
    source: dict[str, Any] = revision.source or {}
    components = revision.document["components"]
    return Proposal(
        kind=revision.kind,
        application=application,
        components=components,
        values=revision.values,
        facts=PreviewFacts(
            kind=revision.kind,
            environment=environment.slug,
            app=application.slug,
            accepts=environment.accepts,
            old=current.document["components"] if current else [],
            new=components,
        ),
        secrets=content.get("values") or {},
        pulls=content.get("pull") or {},
        source=revision.source,
        based_on=current,
        rolls_back_to=revision.rolls_back_to,
        number=source.get("number"),
    )


# --- Plans -----------------------------------------------------------------------------------------------------

Planner = Callable[[Operation, dict[str, Any]], Proposal]
"""Makes the proposal of a plan anew, in a worker: from the plan's operation and the request it was asked with."""

_planners: dict[str, Planner] = {}


def register_planner(kind: str, planner: Planner) -> None:
    """Let `planner` make the proposals of plans for operations of `kind`."""
    _planners[kind] = planner


def planner(kind: str) -> Planner:
    """Give the planner of a kind; raises KeyError for a kind that has none."""
    return _planners[kind]


def start_plan(
    proposal: Proposal, request: Mapping[str, Any], *, acting_user: User, parent: Operation | None = None
) -> Operation:
    """Start the operation that asks the cluster about a proposal. `request` makes it anew there; it may hold secrets,
    so it is kept sealed."""
    application = proposal.application
    environment = application.environment
    require_ready(environment)
    return enqueue(
        kind=PLAN,
        subject=subject_of(application),
        enterprise=environment.enterprise,
        initiator=acting_user,
        team=environment.team,
        environment_id=environment.pk,
        cluster_id=environment.cluster_id,
        input={"kind": proposal.kind},
        sealed={"request": dict(request)},
        deadline_seconds=TAKING_SECONDS if _takes_images(proposal) else PLAN_SECONDS,
        parent=parent,
    )


def _takes_images(proposal: Proposal) -> bool:
    return any("from" in part["image"] and "digest" not in part["image"] for part in proposal.components)


def hold_to_plan(
    proposal: Proposal, plan_id: str | None, *, acting_user: User, consents: Sequence[str] = ()
) -> dict[str, Any]:
    """Give what a run's input says of the plan it holds to; empty without one.

    Raises Stale plan_stale when the plan is not there for this person, is not a finished one for the same thing, is
    over its time, or stands on other rows; Refused confirmation_required when it asks for a consent that is not given.
    """
    if plan_id is None:
        return {}
    operation = _plan_of(plan_id, proposal, acting_user)
    plan = operation.plan if operation is not None else None
    if operation is None or plan is None or plan["kind"] != proposal.kind or plan["app"] != proposal.application.slug:
        raise Stale("plan_stale", changes=["plan"])
    until = parse_datetime(plan["valid_until"])
    if until is None or until < timezone.now():
        raise Stale("plan_stale", changes=["time"])
    if plan["rows"] != proposal.rows:
        raise Stale("plan_stale", changes=moved(plan, proposal.preview()) or ["rows"])
    missing = [consent for consent in plan["consents"] if consent["consent"] not in consents]
    if missing:
        raise Refused("confirmation_required", consents=missing)
    return {"plan": {"operation": operation.name, "rows": plan["rows"], "fingerprint": plan["fingerprint"]}}


def _plan_of(plan_id: str, proposal: Proposal, acting_user: User) -> Operation | None:
    """Find a plan by its name; of a plan for several environments, the part for this one."""
    number = plan_id.removeprefix("op-")
    if not number.isdigit() or len(number) > 18:
        return None
    found = Operation.objects.permitted(acting_user).filter(number=int(number)).first()
    if found is not None and found.is_batch:
        found = found.children.filter(environment_id=proposal.application.environment_id).first()
    matches = (
        found is not None
        and found.kind == PLAN
        and found.state == "succeeded"
        and found.environment_id == proposal.application.environment_id
    )
    return found if matches else None
