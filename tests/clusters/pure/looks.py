"""Looks at components as a cluster would give them, and the causes they tell of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from clusters.health import Look

NOW = 1_780_000_000.0
DIGEST = "sha256:" + "a" * 64


def time(offset: float) -> str:
    return datetime.fromtimestamp(NOW + offset, UTC).isoformat().replace("+00:00", "Z")


def deployment(desired: int = 1, ready: int = 1, **status: Any) -> dict[str, Any]:
    counts = {"observedGeneration": 2, "replicas": desired, "readyReplicas": ready, "updatedReplicas": desired}
    return {
        "kind": "Deployment",
        "metadata": {"name": "shop-web", "uid": "w", "generation": 2},
        "spec": {"replicas": desired},
        "status": counts | status,
    }


def pod(
    name: str = "p1", *, ready: bool = True, container: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    state = {
        "name": "web",
        "ready": ready,
        "restartCount": 0,
        "state": {"running": {"startedAt": time(-60)}},
        "imageID": f"registry.example.com/web@{DIGEST}",
    }
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}, *more.pop("conditions", [])]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": [state | (container or {})]}
    metadata = {"name": name, "uid": f"uid-{name}", "creationTimestamp": time(-60), "labels": {}}
    return {"metadata": metadata | more.pop("metadata", {}), "status": status | more}


def event(reason: str, message: str, uid: str = "uid-p1", at: float = -1) -> dict[str, Any]:
    return {"involvedObject": {"uid": uid}, "reason": reason, "message": message, "lastTimestamp": time(at)}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}, **more}


def exited(code: int, reason: str = "Error", restarts: int = 1, at: float = -1) -> dict[str, Any]:
    ended = {"exitCode": code, "reason": reason, "finishedAt": time(at)}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
    return {"ready": False, "restartCount": restarts, "state": waiting, "lastState": {"terminated": ended}}


CASES: list[tuple[str, Look, str, str, bool]] = [
    (
        "image not found",
        Look(deployment(ready=0), [pod(ready=False, container=waiting("ErrImagePull", "r/web@x: not found"))]),
        "image_pull_failed",
        "r/web@x: not found",
        True,
    ),
    (
        "registry away",
        Look(
            deployment(ready=0),
            [pod(ready=False, container=waiting("ImagePullBackOff", "dial tcp: connect: connection refused"))],
        ),
        "image_pull_failed",
        "dial tcp: connect: connection refused",
        False,
    ),
    (
        "no platform",
        Look(
            deployment(ready=0),
            [pod(ready=False, container=waiting("ErrImagePull", "no match for platform in manifest"))],
        ),
        "image_pull_failed",
        "no match for platform in manifest",
        True,
    ),
    (
        "not allowed to pull",
        Look(
            deployment(ready=0),
            [pod(ready=False, container=waiting("ErrImagePull", "failed to authorize: 401 Unauthorized"))],
        ),
        "image_pull_denied",
        "failed to authorize: 401 Unauthorized",
        True,
    ),
    (
        "one bad exit",
        Look(deployment(ready=0), [pod(ready=False, container=exited(3))]),
        "crash_loop",
        "exit code 3",
        False,
    ),
    (
        "five bad exits",
        Look(deployment(ready=0), [pod(ready=False, container=exited(3, restarts=5))]),
        "crash_loop",
        "exit code 3",
        True,
    ),
    (
        "ended well, which a service must not",
        Look(deployment(ready=0), [pod(ready=False, container=exited(0, "Completed"))]),
        "crash_loop",
        "exit code 0",
        False,
    ),
    (
        "memory",
        Look(deployment(ready=0), [pod(ready=False, container=exited(137, "OOMKilled"))]),
        "out_of_memory",
        "exit code 137",
        False,
    ),
    (
        "no such command",
        Look(deployment(ready=0), [pod(ready=False, container=waiting("RunContainerError", "exec: not found"))]),
        "config_error",
        "exec: not found",
        True,
    ),
    (
        "variable's secret absent",
        Look(
            deployment(ready=0),
            [pod(ready=False, container=waiting("CreateContainerConfigError", 'secret "x" not found'))],
        ),
        "config_error",
        'secret "x" not found',
        True,
    ),
    (
        "no node",
        Look(
            deployment(ready=0),
            [
                pod(
                    ready=False,
                    containerStatuses=[],
                    phase="Pending",
                    conditions=[
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "message": "0/1 nodes are available: Insufficient cpu",
                        }
                    ],
                )
            ],
        ),
        "unschedulable",
        "0/1 nodes are available: Insufficient cpu",
        False,
    ),
    (
        "claim not bound",
        Look(
            deployment(ready=0),
            [
                pod(
                    ready=False,
                    containerStatuses=[],
                    conditions=[
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "message": "pod has unbound immediate PersistentVolumeClaims",
                        }
                    ],
                )
            ],
        ),
        "volume_unbound",
        "pod has unbound immediate PersistentVolumeClaims",
        False,
    ),
    (
        "volume does not mount, told by events only",
        Look(
            deployment(ready=0),
            [pod(ready=False, container=waiting("ContainerCreating"))],
            [event("FailedMount", 'MountVolume.SetUp failed for volume "data" : timed out')],
        ),
        "volume_unbound",
        'MountVolume.SetUp failed for volume "data" : timed out',
        False,
    ),
    (
        "config map of a volume absent, told by events only",
        Look(
            deployment(ready=0),
            [pod(ready=False, container=waiting("ContainerCreating"))],
            [event("FailedMount", 'MountVolume.SetUp failed for volume "files" : configmap "x" not found')],
        ),
        "config_error",
        'MountVolume.SetUp failed for volume "files" : configmap "x" not found',
        False,
    ),
    (
        "probe fails, told by events only",
        Look(
            deployment(ready=0),
            [pod(ready=False)],
            [
                event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", at=-9),
                event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", at=-1),
            ],
        ),
        "probe_failing",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        False,
    ),
    (
        "quota, told by a condition",
        Look(
            deployment(
                ready=0,
                replicas=0,
                conditions=[
                    {
                        "type": "ReplicaFailure",
                        "status": "True",
                        "message": 'pods "x" is forbidden: exceeded quota: waybill',
                    }
                ],
            )
        ),
        "quota",
        'pods "x" is forbidden: exceeded quota: waybill',
        False,
    ),
    (
        "pods of a stateful set refused, told by events only",
        Look(
            {**deployment(ready=0, replicas=0), "kind": "StatefulSet"},
            (),
            [event("FailedCreate", 'pods "x" is forbidden: violates PodSecurity "restricted:latest"', uid="w")],
        ),
        "pod_refused",
        'pods "x" is forbidden: violates PodSecurity "restricted:latest"',
        False,
    ),
    (
        "nothing there and nobody says why",
        Look(deployment(ready=0, replicas=0)),
        "no_pods",
        "",
        False,
    ),
    (
        "node lost",
        Look(
            deployment(ready=0),
            [pod(ready=False, reason="NodeLost", message="Node n1 is gone", containerStatuses=[])],
        ),
        "node_lost",
        "Node n1 is gone",
        False,
    ),
]
