"""Waiting until components run: by looking again and again, with the slot given back in between.

A level is sent once what it depends on has started. That each component stands is watched meanwhile, of all of them
side by side, and waited for once, by the last: nothing is taken away from the cluster and no record says "deployed"
before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from clusters.delivery.live import WORKLOADS, generation_of, is_terminating
from clusters.delivery.run import Run
from clusters.health import Look, Steady, Verdict, judge, seconds
from clusters.health.look import Object, containers, is_ready, label
from clusters.kube.errors import Outdated
from clusters.manifests import Rendered, labels
from clusters.models import AppliedObject, Revision
from clusters.spec import Component, by_key
from console.kit.errors import NotHealthy

if TYPE_CHECKING:
    from clusters.kube.protocol import Kube, Manifest
    from operations.engine.step import StepWork

LOOK_EVERY = 0.7
LOOK_LEAST = 0.05
EVENTS_EVERY = 2.0
SAVE_EVERY = 10.0
STARTED_AFTER = 3.0
"""So many seconds a component without a readiness probe runs before what depends on it is sent."""

GAP_MOST = 5.0
"""So much of the time between two looks counts against a component's start time: the rest the cluster was away."""

LATELY = 300.0
"""So long ago the last end of a container must lie for its component to count as standing since it was deployed."""

BROKEN_AFTER = 5.0
"""So long a broken pod of a former revision may stand before it is taken out of a StatefulSet's way."""


@dataclass
class Watched:
    """One component that is waited for. `spent` is how many seconds it has had, the cluster's absences not counted;
    `proven` says that it runs as a deployed revision left it, which was watched then."""

    component: Component
    item: Rendered
    started: float
    proven: bool = False
    steady: Steady = field(default_factory=Steady)
    spent: float = 0.0
    saved: float = 0.0
    verdict: Verdict | None = None

    @property
    def stands(self) -> bool:
        """Whether it has run unchanged for long enough to be called deployed."""
        return self.verdict is not None and self.verdict.state == "ready"

    def has_started(self, now: float) -> bool:
        """Whether what depends on it may be sent: its readiness probe has answered, or it runs without one for a while
        in which a container that exits at once would have been seen. One that came to an end must stand."""
        if self.verdict is None or self.verdict.cause is not None or self.verdict.steady.signature is None:
            return self.stands
        return self.stands or "readiness" in self.component["probes"] or now - self.steady.since >= STARTED_AFTER


@dataclass
class Round:
    """What one look saw of all components that were sent."""

    at: float
    workloads: dict[str, Manifest]
    pods: dict[str, list[Manifest]]
    events: Sequence[Object]

    def of(self, watched: Watched) -> Look:
        """Give one component's part."""
        return Look(self.workloads.get(watched.item.id), self.pods.get(watched.component["key"], ()), self.events)


def wait_until_ready(run: Run, step: StepWork, key: str, sent: Sequence[Rendered], *, last: bool) -> Watched:
    """Wait until the component has started; with the last of all, until every one that was sent stands. Gives it.

    All that was sent is looked at along with it, so that waiting for the others later costs nothing more.
    Raises NotHealthy not_ready at once for a cause that cannot mend itself, in whichever component; and when one has
    used up its start time, with the last cause seen, or `slow`.
    """
    watching = _watching(run, sent)
    mine = watching[key]
    mine.spent = max(mine.spent, float(step.observed.get("spent", 0)))
    broken_since: dict[str, float] = {}
    events: Sequence[Object] = ()
    events_at = looked_at = 0.0
    while True:
        kube = run.kube(step.key)
        now = time.time()
        told = now - events_at >= EVENTS_EVERY and looked_at > 0
        seen = _look(run, kube, watching.values(), None if told else events, now)
        events, events_at = seen.events, now if told else events_at
        for watched in watching.values():
            if not watched.stands:  # one that stood and falls has what is left of its start time
                watched.spent += min(now - looked_at, GAP_MOST) if looked_at else 0.0
            _judge(watched, seen)
        looked_at = now
        awaited = _awaited(mine, watching.values(), now, last=last)
        if awaited is None:
            return mine
        _give_up(watching.values())
        _clear_the_way(run, kube, seen, watching.values(), broken_since)
        _tell(step, awaited, seen)
        run.work.pause(_next_look(watching.values(), now))


def _next_look(watching: Iterable[Watched], now: float) -> float:
    """Give the seconds until the next look: as soon as the mere passing of time may have settled something."""
    left = [LOOK_EVERY]
    for watched in watching:
        verdict = watched.verdict
        if verdict is not None and verdict.stands_in is not None and not watched.stands:
            left += [verdict.stands_in, watched.steady.since + STARTED_AFTER - now]
    return min(max(soon, LOOK_LEAST) for soon in left if soon > 0)


def _awaited(mine: Watched, watching: Iterable[Watched], now: float, *, last: bool) -> Watched | None:
    """Give the component that is still waited for: the step's own first; None when the step is done."""
    if not mine.has_started(now):
        return mine
    return next((watched for watched in (mine, *watching) if not watched.stands), None) if last else None


def note(step: StepWork, watched: Watched) -> None:
    """Say, as the step's last words, how the component was last seen."""
    assert watched.verdict is not None
    step.conclude(ready=watched.verdict.ready, desired=watched.verdict.desired, spent=round(watched.spent))
    step.message("pods_starting", ready=watched.verdict.ready, desired=watched.verdict.desired)


def _watching(run: Run, sent: Sequence[Rendered]) -> dict[str, Watched]:
    """Give what is remembered of components, each from the moment it was sent."""
    components = by_key(run.components)
    for item in sent:
        assert item.component is not None
        known = run.watched.get(item.component)
        if known is None or known.item.hash != item.hash:
            sent_at, proven = _sent_at(run, item), _is_proven(run, item)
            run.watched[item.component] = Watched(components[item.component], item, sent_at, proven)
    return {item.component: run.watched[item.component] for item in sent if item.component is not None}


def _sent_at(run: Run, item: Rendered) -> float:
    """Give when the workload was sent, by the cluster's own clock where it says so; what ended before is history."""
    live = run.live.get(item.id)
    row = run.rows.get(item.id)
    if live is not None and row is not None and row.revision_id == run.revision.pk:
        for entry in live["metadata"].get("managedFields") or []:
            if entry.get("manager") == run.manager and entry.get("operation") == "Apply":
                return seconds(entry.get("time")) or time.time()
    return time.time()


def _is_proven(run: Run, item: Rendered) -> bool:
    """Whether a deployed revision sent this workload, and nothing has been sent for it since."""
    row = run.rows.get(item.id)
    if row is None or row.revision_id == run.revision.pk or row.state != AppliedObject.State.APPLIED:
        return False
    was_deployed = (Revision.State.DEPLOYED, Revision.State.SUPERSEDED)
    return Revision.objects.filter(pk=row.revision_id, state__in=was_deployed).exists()


def _look(run: Run, kube: Kube, watching: Any, events: Sequence[Object] | None, now: float) -> Round:
    """Ask for workloads and pods, and for events unless those of a moment ago are given; all at once."""
    selector = labels.of_application(run.application_id)
    kinds = [kind for kind in WORKLOADS if any(watched.item.kind == kind for watched in watching)]
    asked = [*kinds, "Pod"] + (["Event"] if events is None else [])

    def ask(kind: str) -> list[Manifest]:
        return kube.list(kind, run.namespace, selector="" if kind == "Event" else selector).items

    found = dict(zip(asked, run.work.parallel(ask, asked, width=len(asked)), strict=True))
    workloads = {f"{kind}/{item['metadata']['name']}": item for kind in kinds for item in found[kind]}
    pods: dict[str, list[Manifest]] = {}
    for pod in found["Pod"]:
        pods.setdefault(label(pod, labels.NAME) or "", []).append(pod)
    return Round(now, workloads, pods, found["Event"] if events is None else events)


def _judge(watched: Watched, seen: Round) -> None:
    watched.verdict = judge(
        seen.of(watched),
        watched.steady,
        has_readiness_probe="readiness" in watched.component["probes"],
        started=watched.started,
        now=seen.at,
    )
    watched.steady = watched.verdict.steady
    calm = watched.verdict.state == "waiting" and watched.steady.signature is not None
    if calm and watched.proven and not _ended_lately(seen.of(watched), seen.at):
        watched.verdict = replace(watched.verdict, state="ready")


def _ended_lately(look: Look, now: float) -> bool:
    """Whether a container of the component came to an end in the last minutes: then it is watched like a new one."""
    ends = [
        seconds((status.get("lastState", {}).get("terminated") or {}).get("finishedAt"))
        for pod in look.current
        for status in containers(pod)
    ]
    return any(end is not None and now - end < LATELY for end in ends)


def _give_up(watching: Any) -> None:
    for watched in watching:
        verdict = watched.verdict
        assert verdict is not None
        late = not watched.stands and watched.spent > watched.component["start_timeout"]
        if verdict.state == "failed" or late:
            raise NotHealthy(
                "not_ready", component=watched.component["key"], cause=verdict.cause or "slow", words=verdict.words
            )


def _clear_the_way(run: Run, kube: Kube, seen: Round, watching: Any, broken_since: dict[str, float]) -> None:
    """Delete broken pods of a former revision of a StatefulSet, the highest ordinal first: some are never replaced."""
    for watched in watching:
        workload = seen.workloads.get(watched.item.id)
        if workload is None or workload["kind"] != "StatefulSet" or not _is_observed(workload):
            continue
        newest = workload.get("status", {}).get("updateRevision")
        for pod in sorted(seen.pods.get(watched.component["key"], ()), key=_ordinal, reverse=True):
            old = newest and label(pod, "controller-revision-hash") != newest
            uid = pod["metadata"]["uid"]
            if not old or is_ready(pod) or is_terminating(pod):
                broken_since.pop(uid, None)
            elif seen.at - broken_since.setdefault(uid, seen.at) > BROKEN_AFTER:
                _delete_pod(run, kube, pod)
                broken_since.pop(uid)
                return


def _delete_pod(run: Run, kube: Kube, pod: Manifest) -> None:
    name = pod["metadata"]["name"]
    try:
        kube.delete("Pod", name, run.namespace, uid=pod["metadata"]["uid"])
    except Outdated:
        return
    run.work.log("broken_pod_removed", level="warning", pod=name)


def _is_observed(workload: Manifest) -> bool:
    return int(workload.get("status", {}).get("observedGeneration", 0)) >= (generation_of(workload) or 0)


def _ordinal(pod: Manifest) -> int:
    tail = str(pod["metadata"]["name"]).rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def _tell(step: StepWork, watched: Watched, seen: Round) -> None:
    """Say what is waited for, as it is now; and keep the time spent, for whoever takes the operation over."""
    verdict = watched.verdict
    assert verdict is not None
    if watched.spent - watched.saved >= SAVE_EVERY:
        watched.saved = watched.spent
        step.observe(spent=round(watched.spent))
    node = _pulling_on(seen.pods.get(watched.component["key"], ()), seen.events)
    if verdict.cause is not None and verdict.words:
        step.message("component_waits", component=watched.component["key"], cause=verdict.cause, words=verdict.words)
    elif node is not None:
        step.message("pulling_image", node=node)
    elif verdict.steady.signature is not None:
        step.message("pods_steady", ready=verdict.ready, desired=verdict.desired)
    else:
        step.message("pods_starting", ready=verdict.ready, desired=verdict.desired)


def _pulling_on(pods: Sequence[Manifest], events: Sequence[Object]) -> str | None:
    """Give the node that pulls an image for one of these pods, by its events; None when none does."""
    for pod in pods:
        waiting = [status for status in containers(pod) if status.get("state", {}).get("waiting")]
        if not waiting and pod.get("status", {}).get("containerStatuses"):
            continue
        told = list(Look(None, (), events).about(pod["metadata"]["uid"]))
        if told and told[0].get("reason") == "Pulling":
            return str(pod["spec"].get("nodeName", ""))
    return None
