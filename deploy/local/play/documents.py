"""The whole play as one file for the player: nodes, pods and what a pod's log says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploy.local.play import marks as m
from deploy.local.play import templates as t
from deploy.local.play.scenes import Scene, beginning, crashes, endings, other_failures, pull_failures, scene

NODE_CONDITIONS = (
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
HAS = 'cpu: "8", memory: 16Gi, pods: "110", ephemeral-storage: 100Gi'
"""What every node has, and gives away whole."""


def _conditions(rows: tuple[tuple[str, str, str, str], ...]) -> str:
    times = "lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}"
    return "conditions:\n" + "".join(
        f'- {{type: {kind}, status: "{state}", reason: {reason}, message: "{message}", {times}}}\n'
        for kind, state, reason, message in rows
    )


def nodes() -> list[Scene]:
    """A node is ready and stays so, until it is marked as lost."""
    up = t.status(
        _conditions(NODE_CONDITIONS),
        "addresses:\n- {type: InternalIP, address: {{ NodeIP | Quote }}}\n",
        "daemonEndpoints: {kubeletEndpoint: {Port: {{ NodePort }}}}\n",
        f"allocatable: {{{HAS}}}\ncapacity: {{{HAS}}}\nphase: Running\n",
        "nodeInfo: {architecture: amd64, operatingSystem: linux, kubeletVersion: v1.36.3, osImage: played,",
        ' containerRuntimeVersion: "played://1", kernelVersion: "", kubeProxyVersion: "", bootID: "",',
        ' machineID: "", systemUUID: ""}\n',
    )
    away = t.status(_conditions((("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),)))
    marked = '.metadata.annotations.play // "run"'
    return [
        scene("node-up", [m.is_none(m.NODE_READY, "True"), m.is_none(marked, "lost")], [up], kind="Node"),
        scene("node-away", [m.is_one(m.NODE_READY, "True"), m.is_one(marked, "lost")], [away], kind="Node"),
    ]


def volumes() -> list[Scene]:
    """A volume whose claim was deleted is wiped, so to speak, and free for the next claim."""
    free: t.Step = {"patch": {"root": "spec", "type": "merge", "template": "claimRef: null"}}
    return [scene("volume-freed", [m.is_one(".status.phase", "Released")], [free], kind="PersistentVolume", after=500)]


def stages() -> list[Scene]:
    """All scenes, of nodes, volumes and pods."""
    return [*nodes(), *volumes(), *beginning(), *pull_failures(), *crashes(), *other_failures(), *endings()]


def documents(*, pod_log: Path) -> str:
    """The whole play as one YAML text; every container's log is the given file (in the form kubelets write)."""
    logs: dict[str, Any] = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "every-pod"},
        "spec": {"logs": [{"logsFile": str(pod_log), "previousLogsFile": str(pod_log), "follow": False}]},
    }
    return yaml.safe_dump_all([*stages(), logs], allow_unicode=True, width=10_000, sort_keys=False)
