"""One look at one component: what the cluster answered, and the few readings everything else is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from clusters.health.times import seconds

Object = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """The workload (None: there is none), its pods, and the events about it, its pods, claims and replica sets.

    Events are Kubernetes' own (`involvedObject`, `reason`, `message`); those about other objects do no harm.
    """

    workload: Object | None
    pods: Sequence[Object] = field(default_factory=tuple)
    events: Sequence[Object] = field(default_factory=tuple)

    @property
    def spec(self) -> Object:
        """The workload's spec."""
        return (self.workload or {}).get("spec") or {}

    @property
    def status(self) -> Object:
        """The workload's status."""
        return (self.workload or {}).get("status") or {}

    @property
    def desired(self) -> int:
        """How many pods there shall be."""
        return int(self.spec.get("replicas", 1)) if self.workload is not None else 0

    @property
    def observed(self) -> bool:
        """Whether the status speaks of the spec as it is now. The answer to an apply carries the old one."""
        generation = int((self.workload or {}).get("metadata", {}).get("generation", 0))
        return self.workload is not None and int(self.status.get("observedGeneration", 0)) >= generation

    def count(self, name: str) -> int:
        """A number of the status; absent ones are 0."""
        return int(self.status.get(name, 0))

    @property
    def living(self) -> list[Object]:
        """The pods that are not on their way out and not over."""
        return [
            pod
            for pod in self.pods
            if "deletionTimestamp" not in pod["metadata"] and phase(pod) not in {"Succeeded", "Failed"}
        ]

    @property
    def current(self) -> list[Object]:
        """The living pods of the workload's newest template, as far as the cluster says which those are."""
        newest = self.status.get("updateRevision")
        if newest is None:
            hashes = [label(pod, "pod-template-hash") for pod in self.living]
            newest = self._newest_hash() if len(set(hashes)) > 1 else None
            return [pod for pod in self.living if newest is None or label(pod, "pod-template-hash") == newest]
        return [pod for pod in self.living if label(pod, "controller-revision-hash") == newest]

    def _newest_hash(self) -> str | None:
        """The template hash of the pods made last: a Deployment does not name its newest replica set."""
        made = sorted(self.living, key=lambda pod: seconds(pod["metadata"].get("creationTimestamp")) or 0.0)
        return label(made[-1], "pod-template-hash") if made else None

    def ready(self) -> int:
        """How many living pods are ready."""
        return sum(is_ready(pod) for pod in self.living)

    def restarts(self) -> int:
        """How often the containers of the living pods were started again."""
        return sum(status.get("restartCount", 0) for pod in self.living for status in containers(pod))

    def about(self, uid: str | None) -> Iterator[Object]:
        """The events about one object, newest first."""
        mine = [event for event in self.events if uid and event.get("involvedObject", {}).get("uid") == uid]
        return iter(sorted(mine, key=event_time, reverse=True))


def phase(pod: Object) -> str:
    """The pod's phase."""
    return str(pod.get("status", {}).get("phase", ""))


def label(pod: Object, name: str) -> str | None:
    """One label of a pod."""
    value: str | None = pod["metadata"].get("labels", {}).get(name)
    return value


def condition(thing: Object, kind: str) -> Object | None:
    """The condition of that type; None when there is none."""
    conditions = thing.get("status", {}).get("conditions") or []
    return next((item for item in conditions if item.get("type") == kind), None)


def is_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition holds."""
    found = condition(pod, "Ready")
    return found is not None and found.get("status") == "True"


def containers(pod: Object) -> list[Object]:
    """The statuses of all its containers, init containers first."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def event_time(event: Object) -> float:
    """When an event happened last. The scheduler sets only `eventTime`."""
    series = event.get("series") or {}
    metadata = event.get("metadata", {})
    names = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    found = next((name for name in names if name), metadata.get("creationTimestamp"))
    return seconds(found) or 0.0
