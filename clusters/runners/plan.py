"""The runner of `plan`: make the proposal, render it, ask the cluster, and keep the answer as a document."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.utils import timezone

from clusters.actions.proposal import PLAN, Proposal, planner
from clusters.delivery import fence, inventory, resolving
from clusters.delivery.dry_run import basis
from clusters.delivery.examine import Findings, examine
from clusters.delivery.live import CLAIM, look, object_id
from clusters.delivery.render import bundle_of
from clusters.delivery.run import Run
from clusters.manifests import Bundle
from clusters.planning import ClusterPart, complete
from console.kit.errors import WaybillError
from operations.engine.runner import Runner

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team

STEPS = ("render", "dry_run", "compare")


@dataclass
class Draft:
    """A plan on its way, in memory alone: a process that takes it over begins anew, which costs nothing but time."""

    proposal: Proposal
    run: Run
    bundle: Bundle
    started: float = field(default_factory=time.monotonic)
    findings: Findings | None = None


class PlanRunner(Runner):
    """Nothing is written but the plan: neither rows of the application nor anything on its cluster."""

    kind = PLAN

    def __init__(self) -> None:
        self._drafts: WeakKeyDictionary[Work, Draft] = WeakKeyDictionary()

    def steps(self, operation: Operation) -> list[str]:
        """Give the three steps."""
        return list(STEPS)

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Who sees the application may let go of its plan."""
        return "view_team", operation.team

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step; what an earlier owner had in memory is made again."""
        draft = self._drafts.get(work)
        if draft is None:
            draft = self._drafts[work] = _draft(work, step)
        if step.key == "render":
            step.conclude(objects=len(draft.bundle.inventory()))
            return
        if draft.findings is None:
            draft.findings = _ask(draft, step)
        if step.key == "dry_run":
            step.conclude(refusals=[error.code for error in draft.findings.refusals])
            return
        work.keep_plan(_document(draft, draft.findings))
        step.conclude(basis=basis(draft.findings))

    def result(self, operation: Operation) -> dict[str, Any] | None:
        """The plan is in the operation itself."""
        return {"href": f"/api/v1/operations/{operation.name}"}


def _draft(work: Work, step: StepWork) -> Draft:
    operation = work.operation
    request: dict[str, Any] = work.sealed()["request"]
    proposal = planner(operation.input["kind"])(operation, request)
    revision = proposal.revision()
    run = Run(work, proposal.application, revision, inventory.rows_of(proposal.application))
    resolving.complete(run, step, revision.document, revision.content().get("pull") or {})
    return Draft(proposal, run, bundle_of(proposal.application, revision, revision.content()))


def _ask(draft: Draft, step: StepWork) -> Findings:
    return fence.with_key(draft.run.work, draft.run.environment, lambda: _look_and_ask(draft, step))


def _look_and_ask(draft: Draft, step: StepWork) -> Findings:
    run = draft.run
    run.live = look(run.work, run.kube(step.key), run.namespace, run.application_id)
    return examine(run, draft.bundle, step.key)


def _document(draft: Draft, found: Findings) -> dict[str, Any]:
    part = ClusterPart(
        cluster=draft.run.cluster.slug,
        objects=_objects(found),
        by_hand=[
            {"object": edit.object, "field": edit.field, "manager": edit.manager, "live": edit.live, "ours": edit.ours}
            for edit in found.hands
        ],
        refusals=[_notice(error) for error in found.refusals],
        warnings=found.warnings,
        quota=found.quota or None,
        claims_create=found.claims_new,
        claims_keep=found.claims_kept,
        basis=basis(found),
    )
    now = timezone.now()
    return complete(
        draft.proposal.preview(),
        part,
        rows=draft.proposal.rows,
        at=_text(now),
        took_ms=round((time.monotonic() - draft.started) * 1000),
        valid_until=_text(now + timedelta(seconds=settings.WAYBILL_PLAN_VALID)),
    )


def _objects(found: Findings) -> list[dict[str, str]]:
    actions: dict[str, str] = {f"{CLAIM}/{name}": "keep" for name in found.claims_kept}
    actions = {sending.id: sending.action for sending in found.sendings} | actions
    actions |= {object_id(live): "remove" for live in found.removals}
    split = [(*name.partition("/")[::2], action) for name, action in actions.items()]
    return [{"kind": kind, "name": name, "action": action} for kind, name, action in split]


def _notice(error: WaybillError) -> dict[str, Any]:
    return {"code": error.code, "params": error.params}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
