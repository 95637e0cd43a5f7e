"""The programs of a cluster with a real node, beside its control plane: their command lines and their files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.local.authority import write_private
from deploy.local.command import Command
from deploy.local.images import archive, pause_image
from deploy.local.node.floor import group_name, is_unified
from deploy.local.node.machine import INSIDE, PATH, Machine
from deploy.local.plan import LOOPBACK, NODE, ClusterFacts, Plan, RegistryFacts, pod_range
from deploy.local.programs import NodePrograms

PAUSE_IMAGE = "node.local/pause:1"
"""Loaded into every node from a file: a sandbox starts whether or not the registry can be reached, and asks no one
for a password. So the node itself needs no account at the registry, and a pod without its pull secret gets nothing."""
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
NETWORK_PLUGINS = ("ptp", "host-local", "loopback")
PROGRAMS = Path("/run/programs")
INGRESS_CLASS = "local"
INGRESS_PORT = 80
SOCKET = "containerd.sock"
"""Where the runtime listens, in the cluster's folder."""


def network_plugins() -> Path | None:
    """The folder with the network plugins that the system's package brings."""
    for folder in CNI_FOLDERS:
        if all((folder / name).exists() for name in NETWORK_PLUGINS):
            return folder
    return None


def write_node_files(folder: Path, keys: Path, plan: Plan, cluster: ClusterFacts, programs: NodePrograms) -> None:
    """Write what the programs of a node read: configurations, certificates, the image of a sandbox."""
    assert plan.network is not None
    for source, target in (
        (f"{cluster.slug}-node.crt", "node.crt"),
        (f"{cluster.slug}-node.key", "node.key"),
        (f"{cluster.slug}-ca.crt", "ca.crt"),
        ("registry-ca.crt", "registry-ca.crt"),
    ):
        write_private(folder / target, (keys / source).read_text())
    for name in ("cni", "registries"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "containerd.toml").write_text(_containerd(folder))
    _trust_registry(folder, plan.registry)
    write_private(folder / "cni/10-pods.conflist", json.dumps(_pod_network(cluster), indent=1))
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(plan.network, cluster), indent=1))
    (folder / "Corefile").write_text(_corefile(folder, cluster))
    (folder / "pause.tar").write_bytes(archive(pause_image(programs.pause.read_bytes()), PAUSE_IMAGE))
    for passing in ("containerd-state", "leases"):
        # What a machine forgets when it is switched off: containers that ran, addresses that pods had.
        shutil.rmtree(folder / passing, ignore_errors=True)
    (folder / SOCKET).unlink(missing_ok=True)


def machine(state: Path, machine: Machine, programs: NodePrograms) -> Command:
    """The first process of a cluster's machine: when it ends, all ends."""
    line = machine.line(programs.kubelet.parent, programs.pause)
    return _command(state, machine, "machine", line, stage=2, forks=True, again=False)


def containerd(state: Path, machine: Machine) -> Command:
    """The runtime that pulls images and runs containers."""
    line = machine.inside(["containerd", "--config", f"{INSIDE}/containerd.toml"])
    return _command(state, machine, "containerd", line, forks=True)


def kubelet(state: Path, machine: Machine, programs: NodePrograms) -> Command:
    """The node's agent."""
    line = [str(PROGRAMS / programs.kubelet.name), f"--kubeconfig={INSIDE}/node.kubeconfig"]
    line += [f"--config={INSIDE}/kubelet.json", f"--root-dir={INSIDE}/kubelet", f"--cert-dir={INSIDE}/kubelet/pki"]
    line += [f"--hostname-override={NODE}", f"--node-ip={machine.cluster.host}", "--v=1"]
    return _command(state, machine, "kubelet", machine.inside(line), forks=True)


def proxy(state: Path, machine: Machine, programs: NodePrograms) -> Command:
    """The program that brings the addresses of Services and the node's ports to pods."""
    line = [str(programs.proxy), f"--kubeconfig={machine.folder / 'proxy.kubeconfig'}", "--proxy-mode=nftables"]
    line += [f"--cluster-cidr={pod_range(machine.cluster.number)}", f"--hostname-override={NODE}"]
    line += ["--conntrack-max-per-core=0", "--metrics-bind-address=127.0.0.1:10249", "--healthz-bind-address="]
    return _command(state, machine, "proxy", machine.in_network(line))


def names(state: Path, machine: Machine, programs: NodePrograms) -> Command:
    """The name server of the cluster's Services."""
    line = machine.in_network([str(programs.names), "-conf", str(machine.folder / "Corefile")])
    return _command(state, machine, "names", line)


def routes(state: Path, machine: Machine, programs: NodePrograms) -> Command:
    """The ingress controller, at port 80 of the node."""
    cluster, folder = machine.cluster, machine.folder
    line = [str(programs.routes), f"-listen={cluster.host}:{INGRESS_PORT}", f"-address={cluster.host}"]
    line += [f"-api={cluster.endpoint}", f"-ca={folder / 'ca.crt'}", f"-token={folder / 'routes.token'}"]
    return _command(state, machine, "routes", machine.in_network([*line, f"-class={INGRESS_CLASS}"]))


def door(state: Path, clusters: Sequence[ClusterFacts], programs: NodePrograms) -> Command:
    """What leads requests to this machine for a cluster's domain to its ingress controller."""
    ways = [f"{cluster.ingress_domain}={cluster.host}:{INGRESS_PORT}" for cluster in clusters]
    line = [str(programs.routes), f"-listen={LOOPBACK}:{INGRESS_PORT}", f"-door={','.join(ways)}"]
    return Command("door", line, state / "logs/door.log")


def load_pause_image(machine: Machine) -> list[str]:
    """Give the command that loads the image of sandboxes into the running runtime."""
    line = ["ctr", "--address", f"{INSIDE / SOCKET}", "--namespace", "k8s.io"]
    return machine.inside([*line, "images", "import", f"{INSIDE}/pause.tar"])


def _command(
    state: Path,
    machine: Machine,
    name: str,
    line: list[str],
    *,
    stage: int = 0,
    forks: bool = False,
    again: bool = True,
) -> Command:
    slug = machine.cluster.slug
    log = state / f"logs/{slug}-{name}.log"
    return Command(f"{slug}/{name}", line, log, {"PATH": PATH}, stage=stage, forks=forks, again=again)


def _containerd(folder: Path) -> str:
    """The runtime's configuration. Its folders, sockets and those of its helpers are the cluster's own.

    The OOM score may only be raised where this machine allows it; denied, every sandbox would fail to start.
    """
    runtime = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{INSIDE}/containerd"
state = "{INSIDE}/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[debug]
  level = "warn"
[grpc]
  address = "{INSIDE / SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{INSIDE}/opt"
[{runtime}]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
[{runtime}.containerd]
  snapshotter = "{_snapshotter(folder)}"
[{runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{runtime}.containerd.runtimes.runc.options]
  Root = "{INSIDE}/containerd-state/runc"
[{runtime}.cni]
  bin_dir = "{network_plugins()}"
  conf_dir = "{INSIDE}/cni"
[{runtime}.registry]
  config_path = "{INSIDE}/registries"
"""


def _snapshotter(folder: Path) -> str:
    """Layers over layers, unless the folder lies on such a stack itself: the kernel stacks no further."""
    return "native" if _file_system(folder) == "overlay" else "overlayfs"


def _file_system(folder: Path) -> str:
    longest, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        point = fields[4]
        if folder.is_relative_to(point) and len(point) >= len(longest):
            longest, kind = point, fields[fields.index("-") + 1]
    return kind


def _trust_registry(folder: Path, registry: RegistryFacts) -> None:
    """Name the authority of the registry; who may pull is said by the pull secret of each pod."""
    place = folder / "registries" / registry.address
    place.mkdir(parents=True, exist_ok=True)
    url = f"https://{registry.address}"
    (place / "hosts.toml").write_text(f'server = "{url}"\n[host."{url}"]\n  ca = "{INSIDE}/registry-ca.crt"\n')


def _pod_network(cluster: ClusterFacts) -> dict[str, Any]:
    """A link of its own to each pod, routed: needs no bridge that hands its frames to the packet filter."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": pod_range(cluster.number)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{INSIDE}/leases",
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": addresses}]}


def _kubelet(network: int, cluster: ClusterFacts) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{group_name(network, cluster)}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{INSIDE / SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{INSIDE}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{INSIDE}/node.crt",
        "tlsPrivateKeyFile": f"{INSIDE}/node.key",
        "readOnlyPort": 0,
        "healthzPort": 0,
        "podLogsDir": f"{INSIDE}/pods",
        "localStorageCapacityIsolation": False,
        "clusterDNS": [cluster.host],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "serializeImagePulls": False,
        "makeIPTablesUtilChains": False,
        "nodeStatusUpdateFrequency": "5s",
        # The disk of a person's machine is often fuller than a server's may be: nothing is thrown out for it.
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "24h",
    }
    if is_unified():
        del configuration["failCgroupV1"]
    return configuration


def _corefile(folder: Path, cluster: ClusterFacts) -> str:
    return f""".:53 {{
    bind {cluster.host}
    errors
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {folder / "names.kubeconfig"}
        ttl 5
    }}
    cache 5
}}
"""
