"""Why a component is not ready, read from pods, their conditions, and events: some causes are only there.

Words are the cluster's, cut to one line and bounded. A finding is `final` when it cannot mend itself: then a roll-out
fails at once instead of waiting for its deadline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clusters.health.look import Look, Object, condition, containers, event_time, is_ready, phase
from clusters.health.times import seconds
from console.kit.codes import CAUSES

MAX_WORDS = 300
BAD_EXITS = 5
"""So many restarts after bad exits, and the container is taken to be broken."""

STUCK_AFTER = 60.0
"""Seconds past its grace period after which a pod on its way out is stuck."""

_DENIED = re.compile(r"unauthorized|denied|forbidden|no basic auth credentials|\b40[13]\b|insufficient_scope", re.I)
_NOT_FOUND = re.compile(r"not found|manifest unknown|name unknown|no match for platform|\b404\b", re.I)
_PULLING = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError"}
_INTERRUPTED = re.compile(
    r"context cancell?ed|context deadline exceeded|DeadlineExceeded|transport is closing|error reading from server|"
    r"connection refused|connection reset|ttrpc: closed|code = Unavailable|is reserved for|containerd\.sock",
    re.I,
)
"""What a node says of a container whose start was cut off, because its agent or its runtime died: it tries again."""
_VOLUME_EVENTS = {"FailedMount", "FailedAttachVolume", "FailedMapVolume", "ProvisioningFailed"}
_CLAIM_WORDS = re.compile(r"persistentvolumeclaim|volume", re.I)


@dataclass(frozen=True)
class Finding:
    """One cause with the cluster's words; `pod` is where it was seen, if on a pod."""

    cause: str
    words: str
    final: bool = False
    pod: str | None = None


def findings(look: Look, *, now: float) -> list[Finding]:
    """Give every cause that stands in the way of readiness, the most telling first (the order of CAUSES)."""
    found = [*_refused_pods(look), *_stuck(look, now)]
    for pod in look.current:
        if not is_ready(pod):
            found += _of_pod(look, pod)
    if not look.living and look.desired and look.observed and not found:
        found.append(Finding("no_pods", ""))
    rank = {cause: place for place, cause in enumerate(CAUSES)}
    return sorted(dict.fromkeys(found), key=lambda finding: (not finding.final, rank[finding.cause]))


def one_line(text: str | None) -> str:
    """Cut the cluster's words to one bounded line."""
    line = " ".join((text or "").split())
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"


def ending(line: str) -> str:
    """Cut a long line at its beginning: for words that say at their end what is the matter."""
    return line if len(line) <= MAX_WORDS else f"…{line[1 - MAX_WORDS :]}"


def _refused_pods(look: Look) -> Iterator[Finding]:
    """Pods that were never made: a Deployment says so in a condition, a StatefulSet in events only."""
    workload = look.workload or {}
    failure = condition(workload, "ReplicaFailure")
    words = failure.get("message") if failure and failure.get("status") == "True" else None
    if words is None and look.count("replicas") < look.desired:
        uid = workload.get("metadata", {}).get("uid")
        event = next((item for item in look.about(uid) if item.get("reason") == "FailedCreate"), None)
        words = event.get("message") if event else None
    if words is not None:
        yield Finding("quota" if "exceeded quota" in words else "pod_refused", one_line(words))


def _stuck(look: Look, now: float) -> Iterator[Finding]:
    for pod in look.pods:
        since = seconds(pod["metadata"].get("deletionTimestamp"))
        if since is not None and now - since > STUCK_AFTER:
            yield Finding("stuck_terminating", "", pod=pod["metadata"]["name"])


def _of_pod(look: Look, pod: Object) -> Iterator[Finding]:
    name = pod["metadata"]["name"]
    if pod.get("status", {}).get("reason") == "NodeLost" or phase(pod) == "Unknown":
        # What its containers and probes were like says nothing any more: nobody has looked at them since.
        yield Finding("node_lost", one_line(pod["status"].get("message")), pod=name)
        return
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        words = one_line(scheduled.get("message"))
        unbound = "unbound" in words or ("persistentvolumeclaim" in words and "not found" in words)
        yield Finding("volume_unbound" if unbound else "unschedulable", words, pod=name)
    told = False
    for status in containers(pod):
        for finding in _of_container(status, name):
            told = True
            yield finding
    if not told:
        yield from _of_events(look, pod)


def _of_container(status: Object, pod: str) -> Iterator[Finding]:
    waiting = status.get("state", {}).get("waiting") or {}
    reason, said = waiting.get("reason", ""), " ".join((waiting.get("message") or "").split())
    message = one_line(said)
    ended = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
    if reason in _PULLING:
        # A runtime wraps the reason in the image's name several times over: it stands at the end, past the cut.
        denied, absent = bool(_DENIED.search(said)), bool(_NOT_FOUND.search(said))
        malformed = reason in {"InvalidImageName", "ErrImageNeverPull"}
        cause = "image_pull_denied" if denied else "image_pull_failed"
        yield Finding(cause, ending(said) or reason, final=denied or absent or malformed, pod=pod)
    elif reason in _CONFIG:
        yield Finding("config_error", message or reason, final=not _INTERRUPTED.search(said), pod=pod)
    elif ended is not None and not status.get("ready") and not _completed_init(status):
        yield _of_exit(ended, status.get("restartCount", 0), pod)


def _completed_init(status: Object) -> bool:
    ended = status.get("state", {}).get("terminated")
    return ended is not None and ended.get("exitCode") == 0 and status.get("ready") is True


def _of_exit(ended: Object, restarts: int, pod: str) -> Finding:
    reason, code = ended.get("reason", ""), ended.get("exitCode")
    final = restarts >= BAD_EXITS
    if reason == "OOMKilled":
        return Finding("out_of_memory", f"exit code {code}", final=final, pod=pod)
    words = one_line(ended.get("message")) or f"exit code {code}"
    if reason in {"StartError", "ContainerCannotRun"}:
        return Finding("config_error", words, final=not _INTERRUPTED.search(ended.get("message") or ""), pod=pod)
    return Finding("crash_loop", words, final=final, pod=pod)


def _of_events(look: Look, pod: Object) -> Iterator[Finding]:
    """What only events tell: volumes that do not mount, probes that fail."""
    name = pod["metadata"]["name"]
    events = list(look.about(pod["metadata"].get("uid")))
    running = any("running" in status.get("state", {}) for status in containers(pod))
    if running:
        unhealthy = [event for event in events if event.get("reason") in {"Unhealthy", "ProbeWarning"}]
        words = one_line(unhealthy[0].get("message")) if unhealthy else ""
        if unhealthy or condition(pod, "ContainersReady") is not None:
            yield Finding("probe_failing", words, pod=name)
        return
    mounts = [event for event in events if event.get("reason") in _VOLUME_EVENTS]
    if mounts:
        words = one_line(max(mounts, key=event_time).get("message"))
        config = re.search(r"configmap|secret", words, re.I) and not _CLAIM_WORDS.search(words.partition(":")[2])
        yield Finding("config_error" if config else "volume_unbound", words, pod=name)
