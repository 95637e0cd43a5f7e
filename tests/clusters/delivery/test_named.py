"""Every way a component can fail, played by nodes as real ones show it: the cause is named within ten seconds of the
first sign of it on the cluster, and no failure ever passes for a success."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from clusters.delivery import ready
from clusters.health import Verdict
from clusters.health.ready import Steady
from operations.engine.loop import Loop
from operations.models import Operation
from tests.clusters.delivery.house import House, begin, done, ended, make_app, part
from tests.faults.proofs import Tally
from tests.faults.size import size

BAR = 10.0
"""Seconds from the first sign on the cluster to the cause in the operation."""
ROUNDS = size(1, 8)
Pod = dict[str, Any]
pytestmark = pytest.mark.timeout(size(300, 3600))


def play(mark: str, **more: str) -> dict[str, Any]:
    """What makes the nodes play a failure."""
    values = {"PLAY": mark, **more}
    return {"variables": [{"name": name, "value": value} for name, value in values.items()]}


def waits(*reasons: str) -> Callable[[Pod, list[Pod]], bool]:
    """A container that waits for one of these reasons."""
    return lambda pod, _: any((s.get("state", {}).get("waiting") or {}).get("reason") in reasons for s in states(pod))


def came_to_an_end(pod: Pod, _: list[Pod]) -> bool:
    """A container that has ended, now or before."""
    return any(s.get("state", {}).get("terminated") or s.get("lastState", {}).get("terminated") for s in states(pod))


def told(reason: str) -> Callable[[Pod, list[Pod]], bool]:
    """An event about the pod."""
    return lambda pod, events: any(
        event["reason"] == reason and event["involvedObject"].get("uid") == pod["metadata"]["uid"] for event in events
    )


def not_scheduled(pod: Pod, _: list[Pod]) -> bool:
    """A pod that the scheduler has no place for."""
    found = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "PodScheduled" and c["status"] == "False" and c.get("message") for c in found)


def lost(pod: Pod, _: list[Pod]) -> bool:
    """A pod whose node went away."""
    return bool(pod.get("status", {}).get("reason") == "NodeLost")


def states(pod: Pod) -> list[Pod]:
    found: list[Pod] = pod.get("status", {}).get("containerStatuses") or []
    return found


@dataclass(frozen=True)
class Failure:
    """One way to fail: what is asked for, the cause that is to be named, and its first sign on the cluster."""

    fields: dict[str, Any]
    cause: str
    sign: Callable[[Pod, list[Pod]], bool] | None


LARGE = {"requests": {"cpu": "90", "memory": "64Mi"}, "limits": {"cpu": "90", "memory": "64Mi"}}
NO_CLASS = [{"name": "data", "path": "/data", "size": "1Gi", "storage_class": "nobody-makes-it"}]
PROBE = {"probes": {"readiness": {"kind": "command", "command": ["true"], "period": 1}}}
FAILURES: dict[str, Failure] = {
    "image_pull_failed": Failure(play("image_pull_failed"), "image_pull_failed", waits("ErrImagePull")),
    "image_pull_denied": Failure(play("image_pull_denied"), "image_pull_denied", waits("ErrImagePull")),
    "config_error": Failure(play("config_error"), "config_error", waits("CreateContainerConfigError")),
    "crash_loop": Failure(play("crash_loop"), "crash_loop", came_to_an_end),
    "out_of_memory": Failure(play("out_of_memory"), "out_of_memory", came_to_an_end),
    "flaps": Failure(play("flaps"), "crash_loop", came_to_an_end),
    "flaps without a probe": Failure({**play("flaps"), "probes": {}}, "crash_loop", came_to_an_end),
    "crash_loop without a probe": Failure({**play("crash_loop"), "probes": {}}, "crash_loop", came_to_an_end),
    "probe_failing": Failure({**play("probe_failing"), **PROBE}, "probe_failing", told("Unhealthy")),
    "node_lost": Failure(play("node_lost"), "node_lost", lost),
    "unschedulable": Failure({"resources": LARGE}, "unschedulable", not_scheduled),
    "volume_unbound": Failure(
        {"kind": "stateful", "volumes": NO_CLASS, "replicas": {"default": 1, "max": 1}}, "volume_unbound", not_scheduled
    ),
    "slow": Failure(play("slow", PLAY_DELAY="10m"), "slow", None),
}


@dataclass
class Watched:
    """One failure under way, and when what was seen of it."""

    failure: Failure
    operation: Operation
    signed: float | None = None
    named: float | None = None
    seen: str | None = None

    def look(self, pods: list[Pod], events: list[Pod], slug: str) -> None:
        """Look at the cluster and at the operation once more."""
        now = time.monotonic()
        mine = [pod for pod in pods if pod["metadata"]["labels"].get("app.kubernetes.io/instance") == slug]
        sign = self.failure.sign
        if self.signed is None and sign is not None and any(sign(pod, events) for pod in mine):
            self.signed = now
        self.operation.refresh_from_db()
        step = self.operation.steps.filter(key="component:web").first()
        causes = [self.operation.outcome_params.get("cause"), step and step.message_params.get("cause")]
        if self.named is None and self.failure.cause in causes:
            self.named = now


def watch(house: House, running: dict[str, Watched], seconds: float) -> None:
    """Look until all have ended."""
    until = time.monotonic() + seconds
    while any(one.operation.is_active for one in running.values()):
        assert time.monotonic() < until, [name for name, one in running.items() if one.operation.is_active]
        pods = house.real.get(f"{house.path}/pods")["items"]
        events = house.real.get(f"{house.path}/events")["items"]
        for slug, one in running.items():
            one.look(pods, events, slug)
        time.sleep(0.25)
    for slug, one in running.items():
        one.look([], [], slug)


@pytest.mark.proof("K5")
def test_each_failure_is_named_soon_and_none_is_a_success(house: House, loop: Loop, tally: Tally) -> None:
    for turn in range(ROUNDS):
        running = {}
        for number, (name, failure) in enumerate(FAILURES.items()):
            fields = {"start_timeout": 25, **failure.fields}
            if turn % 2 and "volumes" not in fields:
                fields["kind"] = "stateful"
            slug = f"a{turn}-{number:02}"
            running[slug] = Watched(failure, begin(house, make_app(house, slug), [part("web", **fields)]), seen=name)
        watch(house, running, 200)
        for slug, one in running.items():
            outcome = (one.seen, one.operation.state, one.operation.outcome_code, one.operation.outcome_params)
            assert (one.operation.state, one.operation.outcome_code) == ("failed", "not_ready"), outcome
            assert one.operation.outcome_params["component"] == "web", outcome
            assert one.named is not None, (slug, outcome)
            if one.failure.sign is not None:
                assert one.signed is not None, (slug, outcome)
                assert one.named - one.signed <= BAR, (outcome, one.named - one.signed)
            tally.runs()


@pytest.mark.control("K5")
def test_control_believing_ready_pods_a_flapping_component_is_a_success(
    house: House, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judged by a first look at *Ready* alone, as many tools do, what falls a second later was a success."""

    def credulous(look: Any, steady: Steady, **_: Any) -> Verdict:
        is_there = bool(look.count("readyReplicas")) and look.observed
        return Verdict("ready" if is_there else "waiting", 1, 1, None, "", steady)

    monkeypatch.setattr(ready, "judge", credulous)
    operation = begin(house, make_app(house), [part("web", start_timeout=25, **play("flaps"))])
    assert ended(operation).state == "succeeded"
    monkeypatch.undo()
    again = ended(begin(house, make_app(house, "other"), [part("web", start_timeout=25, **play("flaps"))]))
    assert again.state == "failed"
    done(begin(house, make_app(house, "good"), [part("web")]))
