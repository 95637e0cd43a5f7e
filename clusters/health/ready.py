"""When a roll-out counts as done, and when as failed.

Ready = the workload has observed its spec, updated = ready = desired, no former pods, and all of that unchanged for a
while: a container that exits is *Ready* for about a second first, and a Deployment never takes back that it was
available. What was started again since the operation began must stand for longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from clusters.health.causes import Finding, findings
from clusters.health.component import rolled_out
from clusters.health.look import Look, containers, is_ready
from clusters.health.times import seconds

STEADY_WITH_PROBE = 3.0
STEADY_WITHOUT_PROBE = 10.0
STEADY_AFTER_RESTART = 60.0
"""Seconds for which a component must stand unchanged: with a readiness probe, without one, and after one of its
containers came to an end since the operation began (it may have waited for another; or it is about to do it again)."""

State = Literal["ready", "waiting", "failed"]
Signature = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Steady:
    """What the former look saw: who stood ready, with how many restarts, and since when (Unix seconds)."""

    signature: Signature | None = None
    since: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """`waiting` may carry a cause that can still mend itself; `failed` always carries one. Pass `steady` on.

    `stands_in`: after so many seconds of nothing else it will be ready; None while something has to happen first.
    """

    state: State
    ready: int
    desired: int
    cause: str | None
    words: str
    steady: Steady
    stands_in: float | None = None


def judge(look: Look, steady: Steady, *, has_readiness_probe: bool, started: float, now: float) -> Verdict:
    """Judge a roll-out from one more look.

    `started` is when the operation sent this workload, `now` this look's time, both Unix seconds of the caller's clock.
    The deadline is the caller's: it runs only while the cluster answers; when it has passed the cause is the last
    verdict's, or `slow`.
    """
    found = findings(look, now=now)
    final = next((finding for finding in found if finding.final), None)
    if final is not None and look.observed:
        return _verdict("failed", look, final, Steady())
    ended = _ended_since(look, started)
    if not rolled_out(look) or _former_pods(look):
        return _verdict("waiting", look, found[0] if found else ended, Steady())
    signature = _signature(look)
    since = steady.since if signature == steady.signature else now
    needed = STEADY_WITH_PROBE if has_readiness_probe else STEADY_WITHOUT_PROBE
    if ended is not None:
        needed = STEADY_AFTER_RESTART
    if now - since >= needed or look.desired == 0:
        return _verdict("ready", look, None, Steady(signature, since))
    return replace(_verdict("waiting", look, ended, Steady(signature, since)), stands_in=needed - (now - since))


def _verdict(state: State, look: Look, finding: Finding | None, steady: Steady) -> Verdict:
    cause, words = (finding.cause, finding.words) if finding else (None, "")
    return Verdict(state, sum(is_ready(pod) for pod in look.current), look.desired, cause, words, steady)


def _former_pods(look: Look) -> bool:
    return len(look.living) != len(look.current) or len(look.current) != look.desired


def _ended_since(look: Look, started: float) -> Finding | None:
    """A container of a current pod that came to a bad end after the operation began."""
    for pod in look.current:
        for status in containers(pod):
            ended = status.get("lastState", {}).get("terminated")
            finished = seconds(ended.get("finishedAt")) if ended else None
            if ended is not None and finished is not None and finished >= started:
                cause = "out_of_memory" if ended.get("reason") == "OOMKilled" else "crash_loop"
                return Finding(cause, f"exit code {ended.get('exitCode')}", pod=pod["metadata"]["name"])
    return None


def _signature(look: Look) -> Signature:
    return tuple(
        sorted(
            (pod["metadata"]["uid"], sum(status.get("restartCount", 0) for status in containers(pod)))
            for pod in look.current
        )
    )
