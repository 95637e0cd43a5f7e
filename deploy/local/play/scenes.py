"""The life of a pod, scene by scene: pulled, started, failing in one of many ways, ended."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from deploy.local.play import marks as m
from deploy.local.play import templates as t

Scene = dict[str, Any]


def scene(
    name: str,
    when: list[m.Expression],
    steps: list[t.Step],
    *,
    kind: str = "Pod",
    after: int = 0,
    before: int | None = None,
    after_from: str | None = None,
) -> Scene:
    """One scene: when it is due, how long it waits (milliseconds, at random up to ``before``), what then happens.

    ``after_from`` is an expression whose duration, when the object gives one, replaces ``after``.
    """
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": when},
        "steps": steps,
    }
    if after:
        delay: dict[str, Any] = {"durationMilliseconds": after}
        if before is not None:
            delay["jitterDurationMilliseconds"] = before
        if after_from is not None:
            delay["durationFrom"] = {"jq": {"expression": after_from}}
        spec["delay"] = delay
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _start(image: str = t.ASKED_IMAGE) -> list[t.Step]:
    address = "podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}\n"
    pulled = (
        '(printf "Successfully pulled image %q in 312ms (312ms including waiting). Image size: 4194304 bytes."'
        f" {t.IMAGE})"
    )
    running = t.containers(t.RUNS, ready=t.IS_UNPROBED, started="true", image=image)
    return [
        t.status("phase: Running\n", address, t.conditions(t.NO_PROBE), running),
        t.event("Pulled", pulled, kind="Normal"),
        t.event("Created", '"Container created"', kind="Normal"),
        t.event("Started", '"Container started"', kind="Normal"),
    ]


def beginning() -> list[Scene]:
    """From scheduled to ready: pulled, created, started, probed."""
    first = "phase: Pending\nstartTime: {{ $now | Quote }}\nhostIP: {{ NodeIPWith .spec.nodeName | Quote }}\n"
    pulls = [
        t.status(first, t.IS_UNREADY, t.containers(t.waiting("ContainerCreating"), image=t.NO_IMAGE)),
        t.event("Pulling", f'(printf "Pulling image %q" {t.IMAGE})', kind="Normal"),
    ]
    ready = [t.status(t.IS_READY, t.containers(t.AS_IT_WAS, ready="true", started="true"))]
    begins = [m.ALIVE, m.CREATING]
    return [
        scene("pulls", [m.ALIVE, m.absent(m.FIRST)], pulls),
        scene("starts", [*begins, m.plays(*m.STARTS)], _start(), after=300, before=800),
        scene("starts-other-image", [*begins, m.plays("other_image")], _start(t.OTHER_IMAGE), after=300),
        scene("starts-slowly", [*begins, m.plays("slow")], _start(), after=600_000, after_from=m.PLAY_DELAY),
        scene(
            "becomes-ready",
            [m.ALIVE, m.RUNNING, m.UNREADY, m.plays(*m.BECOMES_READY)],
            ready,
            after=200,
            before=600,
        ),
    ]


NOT_FOUND = (
    '(printf "rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q:'
    f' %s: not found" {t.IMAGE} {t.IMAGE} {t.IMAGE})'
)
DENIED = (
    '(printf "rpc error: code = Unknown desc = failed to pull and unpack image %q: failed to resolve reference %q:'
    " pull access denied, repository does not exist or may require authorization: authorization failed:"
    f' no basic auth credentials" {t.IMAGE} {t.IMAGE})'
)


def pull_failures() -> list[Scene]:
    """An image that cannot be had: an error, then waiting between attempts."""
    found: list[Scene] = []
    for mark, words in (("image_pull_failed", NOT_FOUND), ("image_pull_denied", DENIED)):
        name = mark.replace("_", "-")
        back_off = f'(printf "Back-off pulling image %q: ErrImagePull: %s" {t.IMAGE} {words})'
        fails = [
            t.status(t.containers(t.waiting("ErrImagePull", words))),
            t.event("Failed", f'(printf "Failed to pull image %q: %s" {t.IMAGE} {words})', tag="pull"),
            t.event("Failed", '"Error: ErrImagePull"', tag="error"),
        ]
        backs_off = [
            t.status(t.containers(t.waiting("ImagePullBackOff", back_off))),
            t.event("BackOff", f'(printf "Back-off pulling image %q" {t.IMAGE})', kind="Normal", tag="pull"),
            t.event("Failed", '"Error: ImagePullBackOff"', tag="back-off"),
        ]
        again = m.is_one(m.WAITING, "ErrImagePull")
        found += [
            scene(name, [m.ALIVE, m.CREATING, m.plays(mark)], fails, after=300, before=600),
            scene(f"{name}-back-off", [m.ALIVE, again, m.plays(mark)], backs_off, after=3000, before=5000),
        ]
    return found


def crashes() -> list[Scene]:
    """Crash, restart at once, crash, wait, restart: as a kubelet does it, with the waits kept short."""

    def crash(reason: str, code: int) -> list[t.Step]:
        return [t.status(t.IS_UNREADY, t.containers(t.terminated(reason, code)))]

    alive = [m.ALIVE, m.RUNNING, m.STAYS]
    back_off = m.is_one(m.WAITING, "CrashLoopBackOff")
    return [
        scene("crash", [*alive, m.plays("crash_loop")], crash("Error", 1), after=500, before=800),
        scene("memory", [*alive, m.plays("out_of_memory")], crash("OOMKilled", 137), after=500, before=800),
        scene("flaps", [*alive, m.READY, m.plays("flaps")], crash("Error", 1), after=2500),
        scene("restart", [m.ALIVE, m.ENDED, m.STAYS, m.NEVER_RESTARTED, m.plays(*m.CRASHES)], _restart(), after=400),
        scene("back-off", [m.ALIVE, m.ENDED, m.STAYS, m.RESTARTED, m.plays(*m.CRASHES)], _back_off(), after=400),
        scene("restart-later", [m.ALIVE, back_off, m.plays(*m.CRASHES)], _restart(), after=10_000, before=12_000),
    ]


def _restart() -> list[t.Step]:
    running = t.containers(
        t.RUNS, ready=t.IS_UNPROBED, started="true", restarts="{{ add1 $had.restartCount }}", last=t.LAST_END
    )
    return [
        t.status(t.conditions(t.NO_PROBE), running),
        t.event(
            "Started",
            '"Container started"',
            kind="Normal",
            count="{{ add 2 (index .status.containerStatuses 0).restartCount }}",
        ),
    ]


def _back_off() -> list[t.Step]:
    words = f'(printf "back-off 10s restarting failed container=%s pod=%s" $c.name {t.POD})'
    waits = t.containers(t.waiting("CrashLoopBackOff", words), last=t.LAST_IS_STATE)
    return [
        t.status(t.IS_UNREADY, waits),
        t.event(
            "BackOff",
            f'(printf "Back-off restarting failed container %s in pod %s" {t.CONTAINER} {t.POD})',
            tag="crash",
            count="{{ (index .status.containerStatuses 0).restartCount }}",
        ),
    ]


def other_failures() -> list[Scene]:
    """A configuration that is not there, a probe that fails, a node that vanished."""
    missing = '"secret \\"played-absent\\" not found"'
    misconfigured = [
        t.status(t.containers(t.waiting("CreateContainerConfigError", missing))),
        t.event("Failed", f'(printf "Error: %s" {missing})', tag="config"),
    ]
    since = '(sub (now | unixEpoch | int64) (toDate "2006-01-02T15:04:05Z07:00" .status.startTime | unixEpoch | int64))'
    unhealthy = [
        # Only a changed pod is looked at again: the time of the last probe is the change.
        t.status("conditions:\n- {type: Ready, lastProbeTime: {{ $now | Quote }}}\n"),
        t.event(
            "Unhealthy",
            '"Readiness probe failed: HTTP probe failed with statuscode: 503"',
            count=f"{{{{ add1 (div {since} 3) }}}}",
        ),
    ]
    return [
        scene("config-error", [m.ALIVE, m.CREATING, m.plays("config_error")], misconfigured, after=300),
        scene("probe-fails", [m.ALIVE, m.RUNNING, m.UNREADY, m.plays("probe_failing")], unhealthy, after=3000),
        scene(
            "node-lost",
            [m.ALIVE, m.RUNNING, m.READY, m.plays("node_lost"), m.absent(".status.reason")],
            [t.status(LOST), t.event("NodeNotReady", '"Node is not ready"')],
            after=1000,
        ),
    ]


LOST = dedent("""\
    reason: NodeLost
    message: {{ printf "Node %s which was running pod %s is unresponsive" .spec.nodeName .metadata.name | Quote }}
    conditions:
    - {type: Ready, status: "False", lastTransitionTime: {{ $now | Quote }}}
    """)


def endings() -> list[Scene]:
    """A pod that is deleted ends first and goes then: a Job waits for the end, and so does its namespace."""

    def ends(phase: str, reason: str, code: int) -> t.Step:
        return t.status(f"phase: {phase}\n", t.IS_UNREADY, t.containers(t.terminated(reason, code)))

    killed = t.event("Killing", f'(printf "Stopping container %s" {t.CONTAINER})', kind="Normal")
    once = [m.ALIVE, m.RUNNING, m.is_one(".spec.restartPolicy", "Never")]
    goes = [m.GOING, m.UNFINISHED]
    stopped = ends("Succeeded", "Completed", 0)
    return [
        scene("job-completes", [m.ALIVE, m.RUNNING, m.OF_A_JOB, m.plays("run")], [stopped], after=1000),
        scene("fails-for-good", [*once, m.plays("crash_loop", "flaps")], [ends("Failed", "Error", 1)], after=800),
        scene("memory-for-good", [*once, m.plays("out_of_memory")], [ends("Failed", "OOMKilled", 137)], after=800),
        scene(
            "ends",
            [*goes, m.OF_NO_JOB, m.is_none(m.PLAY, "stuck_terminating")],
            [stopped, killed],
            after=200,
            before=600,
        ),
        scene("job-is-cut", [*goes, m.OF_A_JOB], [ends("Failed", "Error", 143)], after=200),
        scene("goes", [m.GOING, m.FINISHED], [{"delete": True}], after=100),
    ]
