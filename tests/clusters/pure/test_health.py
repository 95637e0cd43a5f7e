"""Health from looks: causes with their words, readiness without false success, digests, and the whole application."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.health import (
    ApplicationHealth,
    ComponentHealth,
    Look,
    Steady,
    application_state,
    component_health,
    digests_match,
    findings,
    judge,
    running_digests,
    seconds,
)
from tests.clusters.pure.looks import CASES, DIGEST, NOW, deployment, exited, pod, time, waiting


@pytest.mark.parametrize(
    ("look", "cause", "words", "final"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_cause_is_named_with_the_clusters_words(look: Look, cause: str, words: str, final: bool) -> None:
    first = findings(look, now=NOW)[0]
    assert (first.cause, first.words, first.final) == (cause, words, final)
    health = component_health(look, now=NOW)
    assert (health.state, health.cause, health.words) == ("failed", cause, words)
    verdict = judge(look, Steady(), has_readiness_probe=True, started=NOW - 5, now=NOW)
    assert (verdict.state, verdict.cause) == ("failed" if final else "waiting", cause)


def test_a_pod_that_will_not_go_is_told() -> None:
    gone = pod("old", metadata={"deletionTimestamp": time(-120)})
    assert [finding.cause for finding in findings(Look(deployment(), [pod(), gone]), now=NOW)] == ["stuck_terminating"]


def test_words_are_one_bounded_line() -> None:
    said = "a\nb " + "x" * 999
    look = Look(deployment(ready=0), [pod(ready=False, container=waiting("CreateContainerConfigError", said))])
    words = findings(look, now=NOW)[0].words
    assert words.startswith("a b x") and len(words) == 300 and words.endswith("…")


def test_a_pull_that_fails_is_told_by_the_end_of_its_words() -> None:
    said = f'failed to pull and unpack "{"x" * 400}": registry.example.com/web: not found'
    look = Look(deployment(ready=0), [pod(ready=False, container=waiting("ErrImagePull", said))])
    found = findings(look, now=NOW)[0]
    assert (found.cause, found.final) == ("image_pull_failed", True)
    assert len(found.words) == 300 and found.words.startswith("…") and found.words.endswith(": not found")


@pytest.mark.parametrize(
    "said",
    [
        "failed to create containerd task: failed to create shim task: context canceled: unknown",
        'failed to reserve container name "web_1": name "web_1" is reserved for "8f3c"',
        "rpc error: code = Unavailable desc = connection error: dial unix /run/containerd/containerd.sock: refused",
        "error reading from server: EOF",
    ],
)
def test_a_start_that_was_cut_off_is_tried_again_by_its_node_and_waited_for(said: str) -> None:
    """The node's agent or runtime died in the middle of it."""
    ended = {"state": {"terminated": {"reason": "StartError", "exitCode": 128, "message": said}}}
    for container in (waiting("RunContainerError", said), waiting("CreateContainerError", said), ended):
        (found,) = findings(Look(deployment(ready=0), [pod(ready=False, container=container)]), now=NOW)
        assert (found.cause, found.final) == ("config_error", False)


def test_a_component_that_runs_has_no_cause() -> None:
    assert component_health(Look(deployment(), [pod()]), accepted={DIGEST}, now=NOW) == ComponentHealth(
        state="running",
        ready=1,
        desired=1,
        restarts=0,
        cause=None,
        words="",
        digests=(DIGEST,),
        digests_match=True,
    )


def test_a_component_with_some_pods_is_degraded_and_an_unobserved_one_starts() -> None:
    broken = pod("p2", ready=False, container=exited(1))
    health = component_health(Look(deployment(2, 1), [pod(), broken]), now=NOW)
    assert (health.state, health.ready, health.desired, health.cause) == ("degraded", 1, 2, "crash_loop")
    stale = component_health(Look(deployment(observedGeneration=1), [pod()]), now=NOW)
    assert (stale.state, stale.cause) == ("starting", None)
    young = component_health(
        Look(deployment(ready=0), [pod(ready=False, container=waiting("PodInitializing"))]), now=NOW
    )
    assert (young.state, young.cause) == ("starting", None)


def test_a_component_that_shall_stop_stops_without_a_cause() -> None:
    assert component_health(Look(deployment(0, 0), [pod(ready=False)]), stopped=True, now=NOW).state == "stopping"
    assert component_health(Look(deployment(0, 0)), stopped=True, now=NOW).state == "stopped"
    assert component_health(Look(None), now=NOW).state == "failed"


def test_ready_needs_to_stand_for_a_while() -> None:
    look = Look(deployment(), [pod()])
    steady = Steady()
    states = []
    for step in range(12):
        verdict = judge(look, steady, has_readiness_probe=False, started=NOW, now=NOW + step)
        states.append(verdict.state)
        steady = verdict.steady
    assert states == ["waiting"] * 10 + ["ready"] * 2
    first = judge(look, Steady(), has_readiness_probe=True, started=NOW, now=NOW)
    assert judge(look, first.steady, has_readiness_probe=True, started=NOW, now=NOW + 3).state == "ready"


def test_a_look_says_when_time_alone_will_make_it_ready() -> None:
    look = Look(deployment(), [pod()])
    first = judge(look, Steady(), has_readiness_probe=True, started=NOW, now=NOW)
    later = judge(look, first.steady, has_readiness_probe=True, started=NOW, now=NOW + 1)
    assert (first.stands_in, later.stands_in) == (3, 2)
    assert judge(look, first.steady, has_readiness_probe=True, started=NOW, now=NOW + 3).stands_in is None
    starting = judge(
        Look(deployment(ready=0), [pod(ready=False)]), Steady(), has_readiness_probe=True, started=NOW, now=NOW
    )
    assert starting.stands_in is None


def test_a_container_that_exits_after_being_ready_for_a_second_is_never_a_success() -> None:
    steady = Steady()
    verdicts = []
    for step in range(40):
        crashes, up = divmod(step, 4)
        ended = {"terminated": {"exitCode": 3, "finishedAt": time(step - up)}} if crashes else {}
        container = {"restartCount": crashes, "lastState": ended}
        now = pod(container=container) if up < 2 else pod(ready=False, container=exited(3, restarts=crashes, at=step))
        look = Look(deployment(ready=1 if up < 2 else 0), [now])
        verdict = judge(look, steady, has_readiness_probe=False, started=NOW - 1, now=NOW + step)
        steady = verdict.steady
        verdicts.append(verdict)
    assert "ready" not in {verdict.state for verdict in verdicts}
    failed = next(verdict for verdict in verdicts if verdict.state == "failed")
    assert failed.cause == "crash_loop"


def test_one_restart_since_the_operation_began_must_be_outlived() -> None:
    ended = {"terminated": {"exitCode": 1, "finishedAt": time(2)}}
    look = Look(deployment(), [pod(container={"restartCount": 1, "lastState": ended})])
    first = judge(look, Steady(), has_readiness_probe=True, started=NOW, now=NOW + 5)
    assert (first.state, first.cause, first.words) == ("waiting", "crash_loop", "exit code 1")
    assert judge(look, first.steady, has_readiness_probe=True, started=NOW, now=NOW + 64).state == "waiting"
    assert judge(look, first.steady, has_readiness_probe=True, started=NOW, now=NOW + 65).state == "ready"
    before = judge(look, Steady(), has_readiness_probe=True, started=NOW + 3, now=NOW + 5)
    assert before.cause is None


def test_pods_of_the_former_template_keep_a_roll_out_waiting() -> None:
    old = pod("old", metadata={"labels": {"pod-template-hash": "a"}, "creationTimestamp": time(-600)})
    new = pod("new", metadata={"labels": {"pod-template-hash": "b"}})
    look = Look(deployment(), [old, new])
    assert judge(look, Steady(), has_readiness_probe=True, started=NOW, now=NOW).steady == Steady()
    going = {**old, "metadata": {**old["metadata"], "deletionTimestamp": time(-1)}}
    assert judge(
        Look(deployment(), [going, new]), Steady(), has_readiness_probe=True, started=NOW, now=NOW
    ).steady == Steady((("uid-new", 0),), NOW)


def test_a_stateful_set_that_went_back_counts_its_pods() -> None:
    revision: dict[str, Any] = {"currentRevision": "r1", "updateRevision": "r1"}
    workload = {**deployment(**revision), "kind": "StatefulSet"}
    good = pod("db-0", metadata={"labels": {"controller-revision-hash": "r1"}})
    bad = pod("db-0", metadata={"labels": {"controller-revision-hash": "r2"}})
    assert component_health(Look(workload, [good]), now=NOW).state == "running"
    assert component_health(Look(workload, [bad]), now=NOW).state != "running"


def test_digests_match_by_any_digest_of_the_image_whatever_the_repository() -> None:
    assert digests_match([pod()], {DIGEST}) is True
    assert digests_match([pod(container={"imageID": DIGEST})], {DIGEST}) is True
    assert digests_match([pod(container={"imageID": "docker-pullable://other/repo@" + DIGEST})], {DIGEST}) is True
    assert digests_match([pod(container={"imageID": "x@sha256:" + "b" * 64})], {DIGEST}) is False
    assert digests_match([pod(), pod("p2", container={"imageID": ""})], {DIGEST}) is None
    assert digests_match([], {DIGEST}) is None
    gone = pod("old", container={"imageID": "x@sha256:0"}, metadata={"deletionTimestamp": time(0)})
    assert digests_match([pod(), gone], {DIGEST}) is True
    assert running_digests([pod(), gone]) == [DIGEST]


def _health(state: Any, cause: str | None = None, match: bool | None = True) -> ComponentHealth:
    return ComponentHealth(state, 1, 1, 0, cause, f"words of {cause}" if cause else "", (), match)


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ({}, ApplicationHealth("idle")),
        ({"web": _health("running")}, ApplicationHealth("running", digests_match=True)),
        ({"web": _health("running", match=None)}, ApplicationHealth("running", digests_match=None)),
        ({"web": _health("running", match=False)}, ApplicationHealth("degraded", digests_match=False)),
        ({"web": _health("running"), "db": _health("starting")}, ApplicationHealth("starting", digests_match=True)),
        (
            {"web": _health("degraded", "crash_loop"), "db": _health("failed", "slow")},
            ApplicationHealth("failed", "db", "slow", "words of slow", True),
        ),
        (
            {"web": _health("degraded", "probe_failing"), "db": _health("degraded", "image_pull_failed")},
            ApplicationHealth("degraded", "db", "image_pull_failed", "words of image_pull_failed", True),
        ),
    ],
)
def test_the_state_of_the_whole(components: dict[str, ComponentHealth], expected: ApplicationHealth) -> None:
    assert application_state(components, deployed=True, stopped=False) == expected


def test_a_stopped_application_is_stopped_once_every_pod_is_gone() -> None:
    both = {"web": _health("stopped"), "db": _health("stopping")}
    assert application_state(both, deployed=True, stopped=True).state == "stopping"
    assert application_state({"web": _health("stopped")}, deployed=True, stopped=True).state == "stopped"
    assert application_state(both, deployed=False, stopped=True).state == "idle"


def test_times_are_read_with_and_without_fractions() -> None:
    assert seconds("2026-03-02T14:02:11Z") == seconds("2026-03-02T14:02:11.000000Z") == 1772460131.0
    assert seconds(None) is None and seconds("yesterday") is None
