"""Played or real: which nodes the clusters of a demo get, by wish, by what the folder holds, by what can be had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import programs
from deploy.local.node import ability
from deploy.local.plan import CLUSTERS, REAL, ClusterPlan, PlatformError, load, really
from deploy.local.toolchain import BuildError

Say = Callable[[str], None]
PLAYED = "played"


def choose(
    state: Path, wish: str | None, *, clusters: Sequence[ClusterPlan] = CLUSTERS, say: Say = print
) -> tuple[ClusterPlan, ...]:
    """The clusters with the nodes they get, and say which and why.

    ``wish`` is ``played``, ``real``, or None for real ones where they can be had. What was made in the folder before
    stays as it is. PlatformError when a wish cannot be met. Installs the system's packages and builds the programs of
    real nodes: minutes the first time.
    """
    if wish not in {None, PLAYED, REAL}:
        raise PlatformError(f"nodes are {PLAYED} or {REAL}, not {wish}")
    kept = _kept(state)
    if kept is not None and wish is not None and wish != kept:
        raise PlatformError(f"the clusters in {state} have {kept} nodes; reset the demo to get {wish} ones")
    if (wish or kept) == PLAYED:
        say("The nodes of the clusters are played: pods come and go as asked, no program runs in them.")
        return tuple(clusters)
    why = ability.prepare(state, say) or _cannot_build(say)
    if why is None:
        say("The nodes of the clusters are real: they pull images and run them.")
        return really(clusters)
    if (wish or kept) == REAL:
        raise PlatformError(f"the clusters cannot have real nodes: {why}")
    say(f"The nodes of the clusters are played, no program runs in their pods: {why}.")
    return tuple(clusters)


def _kept(state: Path) -> str | None:
    plan = load(state)
    if plan is None:
        return None
    return REAL if plan.real else PLAYED


def _cannot_build(say: Say) -> str | None:
    try:
        programs.ensure(say, node=True)
    except BuildError as error:
        return f"{error}"
    return None
