"""The play of nodes and pods: documents for the program that stands in for kubelets.

A pod runs unless it is marked. The mark is the annotation ``play``, or a container's environment variable ``PLAY``, or
an argument ``play=…``; it names how the pod fails, with the words of a real kubelet:

``image_pull_failed`` ``image_pull_denied`` ``crash_loop`` ``out_of_memory`` ``config_error`` ``probe_failing``
``stuck_terminating`` ``node_lost`` ``slow`` (starts after ``PLAY_DELAY``, ten minutes unless said) · ``flaps`` (is ready
for a while, then crashes again and again) · ``other_image`` (runs another digest than the one asked for).

What the scheduler, the quota, admission and the volume controllers refuse is not played: they are the real ones here.
A node with the annotation ``play: lost`` stops being ready.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

MARKS = (
    "image_pull_failed",
    "image_pull_denied",
    "crash_loop",
    "out_of_memory",
    "config_error",
    "probe_failing",
    "stuck_terminating",
    "node_lost",
    "slow",
    "flaps",
    "other_image",
)
"""Every mark a pod may carry."""

CRASHES = ["crash_loop", "out_of_memory", "flaps"]
STARTS = ["run", "probe_failing", "stuck_terminating", "node_lost", "other_image", *CRASHES]
BECOMES_READY = ["run", "stuck_terminating", "node_lost", "other_image", "slow", "flaps"]


def _variable(name: str) -> str:
    return f'.spec.containers[] | .env[]? | select(.name == "{name}") | .value'


PLAY = (
    f"(.metadata.annotations.play // ([({_variable('PLAY')}), (.spec.containers[] | .args[]?"
    ' | select(startswith("play=")) | ltrimstr("play="))] | map(select(. != null)) | first) // "run")'
)
PLAY_DELAY = f"([{_variable('PLAY_DELAY')}] | map(select(. != null)) | first)"
FIRST = ".status.containerStatuses[0]"

Expression = dict[str, Any]


def _is(key: str, *values: str) -> Expression:
    return {"jq": {"key": key, "operator": "In", "values": list(values)}}


def _not(key: str, *values: str) -> Expression:
    return {"jq": {"key": key, "operator": "NotIn", "values": list(values)}}


def _there(key: str) -> Expression:
    return {"jq": {"key": key, "operator": "Exists"}}


def _absent(key: str) -> Expression:
    return {"jq": {"key": key, "operator": "DoesNotExist"}}


ALIVE = _absent(".metadata.deletionTimestamp")
WAITING = f"{FIRST}.state.waiting.reason"
RUNNING = _there(f"{FIRST}.state.running.startedAt")
CREATING = _is(WAITING, "ContainerCreating")
STAYS = _not(".spec.restartPolicy", "Never")
ONCE = _is('[.metadata.ownerReferences[]? | .kind] | first // "none"', "Job")


def _stage(
    name: str,
    when: list[Expression],
    steps: list[dict[str, Any]],
    *,
    kind: str = "Pod",
    after: int = 0,
    before: int | None = None,
    after_from: str | None = None,
) -> dict[str, Any]:
    """One scene: when it is due, how long it waits (milliseconds, at random up to ``before``), what then happens."""
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": when},
        "steps": steps,
    }
    if after or after_from:
        delay: dict[str, Any] = {"durationMilliseconds": after}
        if before is not None:
            delay["jitterDurationMilliseconds"] = before
        if after_from is not None:
            delay["durationFrom"] = {"jq": {"expression": after_from}}
        spec["delay"] = delay
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}


def _status(template: str) -> dict[str, Any]:
    return {"patch": {"subresource": "status", "root": "status", "template": "{{ $now := Now }}\n" + template}}


def _event(reason: str, message: str, *, kind: str = "Warning", tag: str = "1", count: str = "1") -> dict[str, Any]:
    """An event as the kubelet would send it; sent again, the same one counts on."""
    template = f"""\
        {{{{ $now := Now }}}}
        {{{{ $container := index .spec.containers 0 }}}}
        apiVersion: v1
        kind: Event
        metadata:
          name: {{{{ printf "%s.%s-{reason.lower()}-{tag}" .metadata.name (substr 0 8 .metadata.uid) | Quote }}}}
        involvedObject:
          apiVersion: v1
          kind: Pod
          name: {{{{ .metadata.name | Quote }}}}
          namespace: {{{{ .metadata.namespace | Quote }}}}
          uid: {{{{ .metadata.uid | Quote }}}}
          fieldPath: {{{{ printf "spec.containers{{%s}}" $container.name | Quote }}}}
        type: {kind}
        reason: {reason}
        message: {{{{ {message} | Quote }}}}
        source: {{component: kubelet, host: {{{{ .spec.nodeName | Quote }}}}}}
        firstTimestamp: {{{{ or .status.startTime $now | Quote }}}}
        lastTimestamp: {{{{ $now | Quote }}}}
        count: {count}
        """
    return {"apply": {"template": textwrap.dedent(template)}}


def _conditions(*, ready: bool | str, scheduled_only: bool = False) -> str:
    """Conditions of a started pod. ``ready`` as a template text is the condition's status."""
    status = ready if isinstance(ready, str) else str(ready)
    del scheduled_only
    return textwrap.dedent(f"""\
        {{{{ $ready := {"`" + status + "`" if not status.startswith("(") else status} }}}}
        conditions:
        - {{type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{{{ $now | Quote }}}}}}
        - {{type: Initialized, status: "True", lastTransitionTime: {{{{ $now | Quote }}}}}}
        {{{{ range $type := list "Ready" "ContainersReady" }}}}
        - type: {{{{ $type }}}}
          status: {{{{ $ready | Quote }}}}
          lastTransitionTime: {{{{ $now | Quote }}}}
          {{{{ if eq $ready "True" }}}}
          reason: ""
          message: ""
          {{{{ else }}}}
          reason: ContainersNotReady
          message: {{{{ printf "containers with unready status: [%s]" (index $.spec.containers 0).name | Quote }}}}
          {{{{ end }}}}
        {{{{ end }}}}
        """)


PROBED = '(ternary "False" "True" (hasKey (index .spec.containers 0) "readinessProbe"))'
"""Whether a container that just started is ready at once: only when nothing probes it."""

IMAGE_ID = '{{ regexReplaceAll ":[^:@/]+@" $c.image "@" | Quote }}'
OTHER_IMAGE_ID = (
    '{{ printf "%s@sha256:%s" (regexReplaceAll "(:[^:@/]+)?(@.*)?$" $c.image "") (repeat 64 "0") | Quote }}'
)


def _containers(
    state: str,
    *,
    ready: str = "false",
    started: str = "false",
    restarts: str = "{{ $had.restartCount }}",
    last: str = "{{ $had.lastState | toJson }}",
    image_id: str = IMAGE_ID,
) -> str:
    """The state of every container; ``$c`` is its specification, ``$had`` what its status was."""
    return textwrap.dedent(f"""\
        containerStatuses:
        {{{{ range $index, $c := .spec.containers }}}}
        {{{{ $had := dict "restartCount" 0 "lastState" dict "state" dict "ready" false }}}}
        {{{{ if $.status.containerStatuses }}}}{{{{ $had = index $.status.containerStatuses $index }}}}{{{{ end }}}}
        - name: {{{{ $c.name | Quote }}}}
          image: {{{{ $c.image | Quote }}}}
          imageID: {image_id}
          ready: {ready}
          started: {started}
          restartCount: {restarts}
          lastState: {last}
          state: {state}
        {{{{ end }}}}
        """)


def _waiting(reason: str, message: str = '""') -> str:
    return f"{{waiting: {{reason: {reason}, message: {{{{ {message} | Quote }}}}}}}}"


RUNS = "{running: {startedAt: {{ $now | Quote }}}}"
IS_READY = '{{ not (hasKey $c "readinessProbe") }}'
LAST_IS_STATE = "{{ $had.state | toJson }}"


def _terminated(reason: str, code: int) -> str:
    began = '{{ dig "running" "startedAt" $now $had.state | Quote }}'
    return f"{{terminated: {{reason: {reason}, exitCode: {code}, startedAt: {began}, finishedAt: {{{{ $now | Quote }}}}}}}}"


PULL_NOT_FOUND = (
    '(printf "rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found"'
    " (index .spec.containers 0).image (index .spec.containers 0).image (index .spec.containers 0).image)"
)
PULL_DENIED = (
    '(printf "rpc error: code = Unknown desc = failed to pull and unpack image %q: failed to resolve reference %q: pull access'
    ' denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials"'
    " (index .spec.containers 0).image (index .spec.containers 0).image)"
)
IMAGE = "(index .spec.containers 0).image"


def _beginning() -> list[dict[str, Any]]:
    """From scheduled to running: pulling, pulled, created, started, probed."""
    status = "phase: Pending\nstartTime: {{ $now | Quote }}\nhostIP: {{ NodeIPWith .spec.nodeName | Quote }}\n"
    pull = _status(status + _conditions(ready=False) + _containers(_waiting("ContainerCreating"), image_id='""'))
    address = "podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}\n"

    def start(image_id: str) -> list[dict[str, Any]]:
        containers = _containers(RUNS, ready=IS_READY, started="true", image_id=image_id)
        pulled = f'(printf "Successfully pulled image %q in 312ms (312ms including waiting). Image size: 4194304 bytes." {IMAGE})'
        return [
            _status("phase: Running\n" + address + _conditions(ready=PROBED) + containers),
            _event("Pulled", pulled, kind="Normal"),
            _event("Created", '"Container created"', kind="Normal"),
            _event("Started", '"Container started"', kind="Normal"),
        ]

    ready = _status(
        _conditions(ready=True)
        + _containers("{{ $had.state | toJson }}", ready="true", started="true", image_id="{{ $had.imageID | Quote }}")
    )
    honest = [mark for mark in STARTS if mark != "other_image"]
    return [
        _stage(
            "pod-pulls",
            [ALIVE, _absent(FIRST)],
            [pull, _event("Pulling", f'(printf "Pulling image %q" {IMAGE})', kind="Normal")],
        ),
        _stage("pod-starts", [ALIVE, CREATING, _is(PLAY, *honest)], start(IMAGE_ID), after=300, before=800),
        _stage("pod-starts-other-image", [ALIVE, CREATING, _is(PLAY, "other_image")], start(OTHER_IMAGE_ID), after=300),
        _stage(
            "pod-starts-slowly",
            [ALIVE, CREATING, _is(PLAY, "slow")],
            start(IMAGE_ID),
            after=600_000,
            after_from=PLAY_DELAY,
        ),
        _stage(
            "pod-becomes-ready",
            [ALIVE, RUNNING, _is(f"{FIRST}.ready | tostring", "false"), _is(PLAY, *BECOMES_READY)],
            [ready],
            after=200,
            before=600,
        ),
    ]


def _pull_failures() -> list[dict[str, Any]]:
    stages = []
    for mark, words in (("image_pull_failed", PULL_NOT_FOUND), ("image_pull_denied", PULL_DENIED)):
        name = mark.replace("_", "-")
        failed = f'(printf "Failed to pull image %q: %s" {IMAGE} {words})'
        back_off = f'(printf "Back-off pulling image %q" {IMAGE})'
        root_words = words.replace("(index .spec", "(index $.spec")
        root_back_off = f'(printf "Back-off pulling image %q: ErrImagePull: %s" $c.image {root_words})'
        stages += [
            _stage(
                f"{name}-first",
                [ALIVE, CREATING, _is(PLAY, mark)],
                [
                    _status(_containers(_waiting("ErrImagePull", root_words), image_id='""')),
                    _event("Failed", failed, tag="pull"),
                    _event("Failed", '"Error: ErrImagePull"', tag="error"),
                ],
                after=300,
                before=600,
            ),
            _stage(
                f"{name}-again",
                [ALIVE, _is(WAITING, "ErrImagePull"), _is(PLAY, mark)],
                [
                    _status(_containers(_waiting("ImagePullBackOff", root_back_off), image_id='""')),
                    _event("BackOff", back_off, kind="Normal", tag="pull"),
                    _event("Failed", '"Error: ImagePullBackOff"', tag="back-off"),
                ],
                after=3000,
                before=5000,
            ),
        ]
    return stages


def _crashes() -> list[dict[str, Any]]:
    """Crash, restart at once, crash, wait, restart: as a kubelet does it, with the first waits shortened."""

    def crash(reason: str, code: int) -> list[dict[str, Any]]:
        return [_status(_conditions(ready=False) + _containers(_terminated(reason, code)))]

    def restart() -> list[dict[str, Any]]:
        containers = _containers(
            RUNS, ready=IS_READY, started="true", restarts="{{ add1 $had.restartCount }}", last=LAST_KEPT
        )
        return [
            _status(_conditions(ready=PROBED) + containers),
            _event("Started", '"Container started"', kind="Normal"),
        ]

    pod = '(printf "%s_%s(%s)" $.metadata.name $.metadata.namespace $.metadata.uid)'
    container = "(index $.spec.containers 0).name"
    waits = _waiting("CrashLoopBackOff", f'(printf "back-off 10s restarting failed container=%s pod=%s" $c.name {pod})')
    backs_off = [
        _status(_conditions(ready=False) + _containers(waits, last=LAST_IS_STATE)),
        _event(
            "BackOff",
            f'(printf "Back-off restarting failed container %s in pod %s" {container} {pod})',
            tag="crash",
            count="{{ (index .status.containerStatuses 0).restartCount }}",
        ),
    ]
    ended = _there(f"{FIRST}.state.terminated.reason")
    first = _is(f"{FIRST}.restartCount | tostring", "0")
    later = _not(f"{FIRST}.restartCount | tostring", "0")
    ready = _is(f"{FIRST}.ready | tostring", "true")
    return [
        _stage("crash", [ALIVE, RUNNING, STAYS, _is(PLAY, "crash_loop")], crash("Error", 1), after=500, before=800),
        _stage(
            "crash-memory",
            [ALIVE, RUNNING, STAYS, _is(PLAY, "out_of_memory")],
            crash("OOMKilled", 137),
            after=500,
            before=800,
        ),
        _stage("crash-flapping", [ALIVE, RUNNING, STAYS, ready, _is(PLAY, "flaps")], crash("Error", 1), after=2500),
        _stage("restart-at-once", [ALIVE, ended, STAYS, first, _is(PLAY, *CRASHES)], restart(), after=400),
        _stage("back-off", [ALIVE, ended, STAYS, later, _is(PLAY, *CRASHES)], backs_off, after=400),
        _stage(
            "restart-later",
            [ALIVE, _is(WAITING, "CrashLoopBackOff"), _is(PLAY, *CRASHES)],
            restart(),
            after=10_000,
            before=12_000,
        ),
    ]


LAST_KEPT = (
    '{{ if hasKey $had.state "terminated" }}{{ $had.state | toJson }}{{ else }}{{ $had.lastState | toJson }}{{ end }}'
)


def _other_failures() -> list[dict[str, Any]]:
    missing = '"secret \\"played-absent\\" not found"'
    probing = _status(
        textwrap.dedent("""\
        conditions:
        - {type: Ready, lastProbeTime: {{ $now | Quote }}}
        """)
    )
    unhealthy = _event(
        "Unhealthy",
        '"Readiness probe failed: HTTP probe failed with statuscode: 503"',
        count='{{ add1 (div (sub (now | unixEpoch | int64) (toDate "2006-01-02T15:04:05Z07:00" .status.startTime | unixEpoch | int64)) 3) }}',
    )
    lost = _status(
        textwrap.dedent("""\
        reason: NodeLost
        message: {{ printf "Node %s which was running pod %s is unresponsive" .spec.nodeName .metadata.name | Quote }}
        conditions:
        - {type: Ready, status: "False", lastTransitionTime: {{ $now | Quote }}}
        """)
    )
    unready = _is(f"{FIRST}.ready | tostring", "false")
    return [
        _stage(
            "config-error",
            [ALIVE, CREATING, _is(PLAY, "config_error")],
            [
                _status(_containers(_waiting("CreateContainerConfigError", missing), image_id='""')),
                _event("Failed", f'(printf "Error: %s" {missing})', tag="config"),
            ],
            after=300,
        ),
        _stage("probe-fails", [ALIVE, RUNNING, unready, _is(PLAY, "probe_failing")], [probing, unhealthy], after=3000),
        _stage(
            "node-lost",
            [
                ALIVE,
                RUNNING,
                _is(PLAY, "node_lost"),
                _is(f"{FIRST}.ready | tostring", "true"),
                _absent(".status.reason"),
            ],
            [lost, _event("NodeNotReady", '"Node is not ready"')],
            after=1000,
        ),
    ]


def _endings() -> list[dict[str, Any]]:
    """A pod that is deleted ends first and goes then: a Job waits for the end, and so does its namespace."""
    going = _there(".metadata.deletionTimestamp")
    open_ended = _not(".status.phase", "Succeeded", "Failed")
    killed = _event("Killing", '(printf "Stopping container %s" (index .spec.containers 0).name)', kind="Normal")

    def ends(phase: str, reason: str, code: int) -> dict[str, Any]:
        return _status(f"phase: {phase}\n" + _conditions(ready=False) + _containers(_terminated(reason, code)))

    return [
        _stage(
            "job-completes", [ALIVE, RUNNING, ONCE, _is(PLAY, "run")], [ends("Succeeded", "Completed", 0)], after=1000
        ),
        _stage(
            "pod-fails-for-good",
            [ALIVE, RUNNING, _is(".spec.restartPolicy", "Never"), _is(PLAY, *CRASHES)],
            [ends("Failed", "Error", 1)],
            after=800,
        ),
        _stage(
            "pod-ends",
            [
                going,
                open_ended,
                _not(PLAY, "stuck_terminating"),
                _not('[.metadata.ownerReferences[]? | .kind] | first // "none"', "Job"),
            ],
            [ends("Succeeded", "Completed", 0), killed],
            after=200,
            before=600,
        ),
        _stage("job-is-cut", [going, open_ended, ONCE], [ends("Failed", "Error", 143)], after=200),
        _stage("pod-goes", [going, _is(".status.phase", "Succeeded", "Failed")], [{"delete": True}], after=100),
    ]


def _nodes() -> list[dict[str, Any]]:
    conditions = "conditions:\n" + "".join(
        f"- {{type: {kind}, status: {status}, reason: {reason}, message: {message},"
        " lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}\n"
        for kind, status, reason, message in (
            ("Ready", '"True"', "KubeletReady", "kubelet is posting ready status"),
            ("MemoryPressure", '"False"', "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", '"False"', "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", '"False"', "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        )
    )
    up = conditions + textwrap.dedent("""\
        addresses:
        - {type: InternalIP, address: {{ NodeIP | Quote }}}
        - {type: Hostname, address: {{ .metadata.name | Quote }}}
        daemonEndpoints: {kubeletEndpoint: {Port: {{ NodePort }}}}
        allocatable: {cpu: "8", memory: 16Gi, pods: "110", ephemeral-storage: 100Gi}
        capacity: {cpu: "8", memory: 16Gi, pods: "110", ephemeral-storage: 100Gi}
        nodeInfo: {architecture: amd64, operatingSystem: linux, kubeletVersion: v1.36.3, osImage: played,
          containerRuntimeVersion: played, kernelVersion: "", kubeProxyVersion: "", bootID: "", machineID: "", systemUUID: ""}
        phase: Running
        """)
    down = "conditions:\n" + (
        "- {type: Ready, status: Unknown, reason: NodeStatusUnknown, message: Kubelet stopped posting node status.,"
        " lastTransitionTime: {{ $now | Quote }}}\n"
    )
    ready = '.status.conditions[]? | select(.type == "Ready") | .status'
    return [
        _stage(
            "node-up",
            [_not(f'[{ready}] | first // "none"', "True"), _not('.metadata.annotations.play // "run"', "lost")],
            [_status(up)],
            kind="Node",
        ),
        _stage(
            "node-away", [_is(ready, "True"), _is(".metadata.annotations.play", "lost")], [_status(down)], kind="Node"
        ),
    ]


def _logs(pod_log: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "every-pod"},
        "spec": {"logs": [{"logsFile": str(pod_log), "previousLogsFile": str(pod_log), "follow": False}]},
    }


def stages() -> list[dict[str, Any]]:
    """All scenes, of nodes and of pods."""
    return [*_nodes(), *_beginning(), *_pull_failures(), *_crashes(), *_other_failures(), *_endings()]


def documents(*, pod_log: Path) -> str:
    """The whole play as one YAML text; every container's log is the given file (in the form kubelets write)."""
    return yaml.safe_dump_all([*stages(), _logs(pod_log)], allow_unicode=True, width=10_000, sort_keys=False)
