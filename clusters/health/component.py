"""The health of one component, from one look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from clusters.health.causes import Finding, findings
from clusters.health.digests import digests_match, running_digests
from clusters.health.look import Look

State = Literal["idle", "starting", "running", "degraded", "failed", "stopping", "stopped"]


@dataclass(frozen=True)
class ComponentHealth:
    """What a page shows of a component; `digests_match` None: nobody can tell yet."""

    state: State
    ready: int
    desired: int
    restarts: int
    cause: str | None
    words: str
    digests: tuple[str, ...]
    digests_match: bool | None


def component_health(
    look: Look, *, accepted: Collection[str] = (), stopped: bool = False, now: float
) -> ComponentHealth:
    """Judge one component. `accepted` are all digests of its image; `now` is Unix seconds.

    `starting` is a roll-out without a cause against it; a cause makes it `failed` (no pod ready) or `degraded` (some).
    """
    found = [] if stopped else findings(look, now=now)
    first: Finding | None = found[0] if found else None
    state = _state(look, first, stopped=stopped)
    shown = first if state in {"failed", "degraded", "starting"} else None
    return ComponentHealth(
        state=state,
        ready=look.ready(),
        desired=0 if stopped else look.desired,
        restarts=look.restarts(),
        cause=shown.cause if shown else None,
        words=shown.words if shown else "",
        digests=tuple(running_digests(look.current)),
        digests_match=digests_match(look.current, accepted) if accepted else None,
    )


def rolled_out(look: Look) -> bool:
    """Tell whether the workload says its roll-out is complete: every pod updated and ready, none of the former left."""
    wanted = look.desired
    if not look.observed or look.count("replicas") != wanted:
        return False
    if look.count("readyReplicas") != wanted or look.count("updatedReplicas") != wanted:
        return False
    revision = look.status.get("updateRevision")
    # A StatefulSet that was rolled back has equal revisions while a pod of the broken one still stands: count pods.
    return revision is None or wanted == len(look.current) == len(look.living)


def _state(look: Look, first: Finding | None, *, stopped: bool) -> State:
    if stopped:
        return "stopping" if look.living else "stopped"
    if look.workload is None:
        return "failed"
    ready = look.ready()
    if look.desired == 0:
        return "stopping" if look.living else "stopped"
    if rolled_out(look) and ready >= look.desired:
        return "running"
    if first is None:
        return "starting"
    if ready == 0:
        return "failed" if _told_enough(first) else "starting"
    return "degraded"


def _told_enough(finding: Finding) -> bool:
    """A probe that has not passed yet, with no word of failure, is a start and no fault."""
    return finding.final or finding.cause != "probe_failing" or bool(finding.words)
