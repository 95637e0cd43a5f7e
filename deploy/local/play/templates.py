"""What a scene writes: pieces of status and whole events, as templates that the player fills in from the object."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

Step = dict[str, Any]

NO_PROBE = '(ternary "False" "True" (hasKey (index .spec.containers 0) "readinessProbe"))'
"""Whether a pod that just started is ready at once: only when nothing probes it."""
IS_UNPROBED = '{{ not (hasKey $c "readinessProbe") }}'

ASKED_IMAGE = '{{ regexReplaceAll ":[^:@/]+@" $c.image "@" | Quote }}'
"""The image a container runs when it is the one asked for: repository and digest, as a container runtime says it."""
OTHER_IMAGE = '{{ printf "%s@sha256:%s" (regexReplaceAll "(:[^:@/]+)?(@.*)?$" $c.image "") (repeat 64 "0") | Quote }}'
SAME_IMAGE = "{{ $had.imageID | Quote }}"
NO_IMAGE = '""'

RUNS = "{running: {startedAt: {{ $now | Quote }}}}"
AS_IT_WAS = "{{ $had.state | toJson }}"
LAST_AS_IT_WAS = "{{ $had.lastState | toJson }}"
LAST_IS_STATE = AS_IT_WAS
LAST_END = (
    '{{ if hasKey $had.state "terminated" }}{{ $had.state | toJson }}{{ else }}{{ $had.lastState | toJson }}{{ end }}'
)

IMAGE = "(index $.spec.containers 0).image"
CONTAINER = "(index $.spec.containers 0).name"
POD = '(printf "%s_%s(%s)" $.metadata.name $.metadata.namespace $.metadata.uid)'


def waiting(reason: str, message: str = '""') -> str:
    """A container that waits; ``message`` is a template expression."""
    return f"{{waiting: {{reason: {reason}, message: {{{{ {message} | Quote }}}}}}}}"


def terminated(reason: str, code: int) -> str:
    """A container that ended just now."""
    began = '{{ dig "running" "startedAt" $now $had.state | Quote }}'
    ended = "{{ $now | Quote }}"
    return f"{{terminated: {{reason: {reason}, exitCode: {code}, startedAt: {began}, finishedAt: {ended}}}}}"


def status(*pieces: str) -> Step:
    """Write these pieces of the object's status."""
    return {"patch": {"subresource": "status", "root": "status", "template": "".join(["{{ $now := Now }}\n", *pieces])}}


def conditions(ready: str) -> str:
    """The conditions of a pod on a node; ``ready`` is a template expression for True or False."""
    return dedent(f"""\
        {{{{ $ready := {ready} }}}}
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
          message: {{{{ printf "containers with unready status: [%s]" {CONTAINER} | Quote }}}}
          {{{{ end }}}}
        {{{{ end }}}}
        """)


IS_READY = conditions('"True"')
IS_UNREADY = conditions('"False"')


def containers(
    state: str,
    *,
    ready: str = "false",
    started: str = "false",
    restarts: str = "{{ $had.restartCount }}",
    last: str = LAST_AS_IT_WAS,
    image: str = SAME_IMAGE,
) -> str:
    """The state of every container; in the pieces ``$c`` is its specification and ``$had`` what its status was."""
    return dedent(f"""\
        containerStatuses:
        {{{{ range $index, $c := .spec.containers }}}}
        {{{{ $had := dict "restartCount" 0 "lastState" dict "state" dict "imageID" "" }}}}
        {{{{ if $.status.containerStatuses }}}}{{{{ $had = index $.status.containerStatuses $index }}}}{{{{ end }}}}
        - name: {{{{ $c.name | Quote }}}}
          image: {{{{ $c.image | Quote }}}}
          imageID: {image}
          ready: {ready}
          started: {started}
          restartCount: {restarts}
          lastState: {last}
          state: {state}
        {{{{ end }}}}
        """)


def event(reason: str, message: str, *, kind: str = "Warning", tag: str = "1", count: str = "1") -> Step:
    """An event as the kubelet would send it; ``message`` is a template expression. Sent again, it is the same one."""
    template = f"""\
        {{{{ $now := Now }}}}
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
          fieldPath: {{{{ printf "spec.containers{{%s}}" {CONTAINER} | Quote }}}}
        type: {kind}
        reason: {reason}
        message: {{{{ {message} | Quote }}}}
        source: {{component: kubelet, host: {{{{ .spec.nodeName | Quote }}}}}}
        firstTimestamp: {{{{ or .status.startTime $now | Quote }}}}
        lastTimestamp: {{{{ $now | Quote }}}}
        count: {count}
        """
    return {"apply": {"template": dedent(template)}}
