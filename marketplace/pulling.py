"""Whether a cluster's nodes can pull: a pod that names the probe by digest, in a namespace made and removed for it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clusters.kube.errors import Exists
from clusters.kube.protocol import Kube
from clusters.manifests import labels, names
from clusters.manifests.config import docker_config
from clusters.manifests.scope import PullCredential, encoded
from console.kit.errors import Rejected, WaybillError

PULL_SECONDS = 30.0
READY_SECONDS = 10.0
EVERY = 0.4
POD = "probe"
_FAILED = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "RegistryUnavailable", "ImageInspectError"}
)
_STARTED = frozenset({"CreateContainerError", "RunContainerError", "CrashLoopBackOff"})

RUNTIMES = ("containerd://", "cri-o://", "docker://")
"""How runtimes that really pull call themselves on their node, as in `containerd://1.7.2`."""


@dataclass(frozen=True)
class Trial:
    """One trial: the image by digest, the account to pull with, and the namespace to do it in."""

    reference: str
    registry: str
    user: str
    password: str
    namespace: str


def namespace_of(operation: str) -> str:
    """The namespace of an operation's trial; each has its own, so that two at once do not remove each other's."""
    return f"waybill-check-{operation}"


def try_pull(kube: Kube, trial: Trial, *, cluster: str, pause: Callable[[float], None]) -> str:
    """Let a pod pull the image: `pass`, or `played` where the node that took it is not a real one.

    `pause(seconds)` waits between two looks. The namespace stays; `remove` takes it away. Raises Rejected pull_failed
    with the node's words, and what the cluster answers (permission_missing, policy_refused, cluster_unreachable).
    """
    begin(kube, trial)
    end = time.monotonic() + READY_SECONDS
    while not send(kube, trial) and time.monotonic() < end:
        pause(EVERY)
    end = time.monotonic() + PULL_SECONDS
    while True:
        pod = kube.get("Pod", POD, trial.namespace) or {}
        if is_pulled(pod, cluster):
            return "played" if _is_played(kube, pod) else "pass"
        if time.monotonic() > end:
            raise Rejected("pull_failed", cluster=cluster, words=_last_words(pod))
        pause(EVERY)


def begin(kube: Kube, trial: Trial) -> None:
    """Make what the pod needs, once. Raises what the cluster answers."""
    for manifest in (_namespace(trial), _secret(trial)):
        with contextlib.suppress(Exists):
            kube.create(manifest)


def send(kube: Kube, trial: Trial) -> bool:
    """Make the pod, once. False while the namespace's own account is not there, without which pods are refused."""
    if kube.get("ServiceAccount", "default", trial.namespace) is None:
        return False
    with contextlib.suppress(Exists):
        kube.create(_pod(trial))
    return True


def remove(kube: Kube, namespace: str) -> None:
    """Remove the trial's namespace, if it is there and ours."""
    found = kube.get("Namespace", namespace)
    if found and (found["metadata"].get("labels") or {}).get(labels.MANAGED_BY) == labels.CONSOLE:
        kube.delete("Namespace", namespace, uid=found["metadata"]["uid"])


def is_pulled(pod: dict[str, Any], cluster: str) -> bool:
    """Whether the image is on the node; raises pull_failed when the node says that it cannot be had."""
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        state = status.get("state") or {}
        waiting = state.get("waiting") or {}
        if waiting.get("reason") in _FAILED:
            raise Rejected("pull_failed", cluster=cluster, words=str(waiting.get("message") or waiting["reason"])[:300])
        # It need not run, and cannot: that it was had is seen by its id, or by a start that was tried.
        if status.get("imageID") or waiting.get("reason") in _STARTED or state.keys() & {"running", "terminated"}:
            return True
    return False


def _last_words(pod: dict[str, Any]) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "")[:300]
    return f"no answer from a node within {int(PULL_SECONDS)} s"


def _is_played(kube: Kube, pod: dict[str, Any]) -> bool:
    """Whether the pod's node is played: then its pull proves nothing about the network."""
    name = (pod.get("spec") or {}).get("nodeName")
    try:
        node = kube.get("Node", name) if name else None
    except WaybillError:
        return False
    info = ((node or {}).get("status") or {}).get("nodeInfo") or {}
    return not str(info.get("containerRuntimeVersion") or "").startswith(RUNTIMES)


def _namespace(trial: Trial) -> dict[str, Any]:
    own = {labels.MANAGED_BY: labels.CONSOLE, f"{labels.POD_SECURITY}enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": trial.namespace, "labels": own}}


def _secret(trial: Trial) -> dict[str, Any]:
    config = docker_config({trial.registry: PullCredential(user=trial.user, password=trial.password)})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.REGISTRY_SECRET, "namespace": trial.namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": encoded(config)},
    }


def _pod(trial: Trial) -> dict[str, Any]:
    amounts = {"cpu": "10m", "memory": "16Mi"}
    container = {
        "name": POD,
        "image": trial.reference,
        "imagePullPolicy": "Always",
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "imagePullSecrets": [{"name": names.REGISTRY_SECRET}],
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    metadata = {"name": POD, "namespace": trial.namespace, "labels": {labels.MANAGED_BY: labels.CONSOLE}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
