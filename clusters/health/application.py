"""The state of a whole application, from its components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clusters.health.component import ComponentHealth, State
from console.kit.codes import CAUSES


@dataclass(frozen=True)
class ApplicationHealth:
    """State, and the cause a reader should be told first: of which component, and in which words."""

    state: State
    component: str | None = None
    cause: str | None = None
    words: str = ""
    digests_match: bool | None = None


def application_state(components: Mapping[str, ComponentHealth], *, deployed: bool, stopped: bool) -> ApplicationHealth:
    """Judge an application.

    `idle` nothing deployed; `running` every component ready = desired with the delivered digests; `failed` a component
    has no pod ready, with its cause; `degraded` some are; `starting` while none is at fault. When and whether this is
    still true is for the reader of the row: an old look is never shown as current.
    """
    if not deployed or not components:
        return ApplicationHealth("idle")
    states = {health.state for health in components.values()}
    match = _match(components)
    if stopped:
        return ApplicationHealth("stopped" if states <= {"stopped", "idle"} else "stopping", digests_match=match)
    key, health = _first(components)
    if "failed" in states:
        return _at_fault("failed", key, health, match)
    if "degraded" in states:
        return _at_fault("degraded", key, health, match)
    if states & {"starting", "stopping"}:
        return _at_fault("starting", key, health, match)
    # Running, but not what was delivered: that is no health.
    return ApplicationHealth("degraded" if match is False else "running", digests_match=match)


def _at_fault(state: State, key: str, health: ComponentHealth, match: bool | None) -> ApplicationHealth:
    if health.cause is None:
        return ApplicationHealth(state, digests_match=match)
    return ApplicationHealth(state, key, health.cause, health.words, match)


def _first(components: Mapping[str, ComponentHealth]) -> tuple[str, ComponentHealth]:
    """The component to tell of: failed before degraded, then by the rank of its cause, then in its order."""
    order = ("failed", "degraded", "starting")

    def rank(item: tuple[str, ComponentHealth]) -> tuple[int, int]:
        _, health = item
        worst = order.index(health.state) if health.state in order else len(order)
        return worst, CAUSES.index(health.cause) if health.cause else len(CAUSES)

    return min(components.items(), key=rank)


def _match(components: Mapping[str, ComponentHealth]) -> bool | None:
    told = [health.digests_match for health in components.values() if health.state not in {"stopped", "idle"}]
    if False in told:
        return False
    return True if told and all(told) else None
