"""The step before the first write: what the cluster refuses is refused here, with nothing changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clusters.delivery.examine import Findings, examine, forced_ids
from clusters.delivery.hands import error_of
from clusters.delivery.live import generation_of, object_id, uid_of, version_of
from clusters.delivery.run import Run
from clusters.planning import fingerprint
from console.kit.errors import Stale
from operations.models import Step

if TYPE_CHECKING:
    from clusters.kube.protocol import Manifest
    from operations.engine.step import StepWork

OVERWRITE = "overwrite_changes"
_CONTENT_NAMED = re.compile(r"-[0-9a-f]{8}$")


def dry_run(run: Run, step: StepWork) -> None:
    """Ask the cluster about everything that would be sent.

    Raises Stale plan_stale when the plan this run holds to no longer describes the cluster; else the first refusal;
    else Rejected field_conflict when other hands own fields and no consent to overwrite them was given.
    """
    found = examine(run, run.bundle, step.key)
    _hold_to_plan(run, found)
    for error in found.refusals[1:]:
        run.work.log(error.code, level="error", **error.params)
    if found.refusals:
        raise found.refusals[0]
    if found.hands and OVERWRITE not in run.work.operation.input.get("consents", ()):
        for edit in found.hands[1:]:
            run.work.log("field_conflict", level="error", **error_of(edit).params)
        raise error_of(found.hands[0])
    for warning in found.warnings:
        run.work.log(warning["code"], level="warning", **warning["params"])
    step.conclude(forced=forced_ids(found.hands), counts=counts(found), quota=found.quota)
    run.__dict__.pop("forced", None)


def counts(found: Findings) -> dict[str, int]:
    """Give how many objects would be created, changed, kept and removed."""
    actions = [sending.action for sending in found.sendings]
    return {
        "create": actions.count("create"),
        "change": actions.count("change"),
        "replace": 0,
        "remove": len(found.removals),
        "keep": actions.count("keep") + len(found.claims_kept),
    }


def basis(found: Findings) -> list[list[Any]]:
    """Give what a plan stands on of the cluster: per object the action, and which state of it was looked at.

    Objects named by their content are told by the name before it: a secret generated for the plan and one generated
    for the run give other names.
    """
    rows = [[_name(sending.id), sending.action, _state(sending.live)] for sending in found.sendings]
    rows += [[_name(object_id(live)), "remove", _state(live)] for live in found.removals]
    rows += [[edit.object, edit.field, edit.manager] for edit in found.hands]
    return sorted(rows)


def _name(object_id: str) -> str:
    kind = object_id.partition("/")[0]
    return _CONTENT_NAMED.sub("", object_id) if kind in {"Secret", "ConfigMap"} else object_id


def _state(live: Manifest | None) -> str:
    if live is None:
        return ""
    generation = generation_of(live)
    return f"{uid_of(live)}/{version_of(live) if generation is None else f'g{generation}'}"


def _hold_to_plan(run: Run, found: Findings) -> None:
    plan: dict[str, Any] | None = run.work.operation.input.get("plan")
    if plan is None:
        return
    now = basis(found)
    if fingerprint(plan["rows"], now) != plan["fingerprint"]:
        raise Stale("plan_stale", changes=_moved(plan["operation"], now))


def _moved(plan: str, now: list[list[Any]]) -> list[str]:
    """Name the objects on which plan and cluster differ; at most ten."""
    step = Step.objects.filter(operation__number=int(plan.removeprefix("op-")), key="compare").first()
    then: list[list[Any]] = step.observed.get("basis", []) if step is not None else []
    differing = {tuple(row) for row in now} ^ {tuple(row) for row in then}
    return sorted({str(row[0]) for row in differing})[:10]
