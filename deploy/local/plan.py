"""What a platform is made of and keeps over restarts: its clusters, ports and credentials."""

from __future__ import annotations

import ipaddress
import json
import random
import secrets
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from deploy.local.authority import Authority, signing_key, write_private

FORMAT = 1
STATE_FILE = "platform.json"
NETWORKS = "10.77.0.0/16"
"""Networks of real nodes are taken from here, one of 256 addresses for each platform."""
NODE = "node-1"
"""The name of a real node in its cluster."""
KUBELET_CLIENT = "kubelet-client"
"""What an API server calls itself when it asks a kubelet for logs."""
PORTS = range(20000, 30000)
"""Ports are taken from here: below what the kernel gives to outgoing connections, so they stay free over a restart."""


class PlatformError(RuntimeError):
    """The platform cannot do what was asked; the text says why, in one sentence."""


LOOPBACK = "127.0.0.1"
REAL = "real"
"""In the place of a number of played nodes: one node that pulls and runs."""
Nodes = int | str


@dataclass(frozen=True)
class ClusterPlan:
    """A cluster to be made: its short name for folders and calls, the name people read, its nodes.

    ``nodes`` is how many are played, or ``"real"`` for one that really runs what it is given.
    """

    slug: str
    name: str
    nodes: Nodes = 2


CLUSTERS = (
    ClusterPlan("intranet", "内网集群"),
    ClusterPlan("aliyun-qingdao", "阿里云-青岛"),
    ClusterPlan("aliyun-shanghai", "阿里云-上海"),
)


def really(clusters: Sequence[ClusterPlan] = CLUSTERS) -> tuple[ClusterPlan, ...]:
    """The same clusters, each with a real node."""
    return tuple(replace(cluster, nodes=REAL) for cluster in clusters)


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster as it was made."""

    slug: str
    name: str
    nodes: Nodes
    number: int
    port: int
    node_port: int
    ca_pem: str
    admin_token: str
    manager_token: str
    scheduler_token: str
    player_token: str
    host: str = LOOPBACK
    node_token: str = ""
    proxy_token: str = ""
    names_token: str = ""
    routes_token: str = ""
    """Empty in a folder of before there was an ingress controller: then there is none."""

    @property
    def ingress_domain(self) -> str | None:
        """The domain of hosts that lead to its ingress controller; None where it has none.

        Browsers take every name that ends in ``localhost`` for this machine, without asking anyone.
        """
        return f"{self.slug}.localhost" if self.routes_token else None

    @property
    def endpoint(self) -> str:
        """The address of its API server."""
        return f"https://{self.host}:{self.port}"

    @property
    def real(self) -> bool:
        """Whether its node really pulls and runs."""
        return self.nodes == REAL


@dataclass(frozen=True)
class RegistryFacts:
    """The registry as it was made: an account that pushes, and one for clusters to pull with."""

    port: int
    ca_pem: str
    user: str
    password: str
    pull_user: str
    pull_password: str
    secret: str
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """Host and port, as an image reference begins."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Plan:
    """All that stays the same as long as the state folder lives."""

    etcd_port: int
    etcd_peer_port: int
    registry: RegistryFacts
    clusters: tuple[ClusterFacts, ...]
    network: int | None = None
    """With real nodes: the third number of the network between them, this machine and the registry."""

    @property
    def real(self) -> bool:
        """Whether any cluster has a real node."""
        return any(cluster.real for cluster in self.clusters)

    def to_json(self) -> dict[str, Any]:
        """The plan as a JSON value."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Plan:
        """Read what ``to_json`` wrote; PlatformError when it is of another format."""
        if value.get("format") != FORMAT:
            raise PlatformError("the state folder was made by another version; reset it")
        return cls(
            etcd_port=value["etcd_port"],
            etcd_peer_port=value["etcd_peer_port"],
            registry=RegistryFacts(**value["registry"]),
            clusters=tuple(ClusterFacts(**cluster) for cluster in value["clusters"]),
            network=value.get("network"),
        )


def load(state: Path) -> Plan | None:
    """The plan kept in a state folder, or None when nothing was planned there."""
    path = state / "plan.json"
    if not path.exists():
        return None
    return Plan.from_json(json.loads(path.read_text()))


def load_or_make(state: Path, clusters: tuple[ClusterPlan, ...]) -> Plan:
    """The plan kept in ``state``, or a new one written there with fresh ports, keys and passwords.

    PlatformError when the folder holds a platform of other clusters.
    """
    known = load(state)
    if known is not None:
        kept = tuple((c.slug, c.name, c.nodes) for c in known.clusters)
        if kept != tuple((c.slug, c.name, c.nodes) for c in clusters):
            raise PlatformError(f"{state} holds a platform with other clusters ({', '.join(k[0] for k in kept)})")
        return known
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    plan = _make(state, clusters)
    write_private(state / "plan.json", json.dumps(plan.to_json(), ensure_ascii=False, indent=1))
    return plan


def _make(state: Path, clusters: tuple[ClusterPlan, ...]) -> Plan:
    keys = state / "keys"
    keys.mkdir(exist_ok=True)
    ports = free_ports(3 + 2 * len(clusters))
    network = free_network() if any(cluster.nodes == REAL for cluster in clusters) else None
    host = LOOPBACK if network is None else host_address(network)
    etcd = Authority.at(keys, "etcd-ca")
    etcd.issue("etcd", hosts=["127.0.0.1", "localhost"]).write(keys, "etcd")
    registry = Authority.at(keys, "registry-ca")
    registry.issue("registry", hosts=[LOOPBACK, "localhost", host]).write(keys, "registry")
    facts = []
    for number, cluster in enumerate(clusters, start=1):
        made = _cluster(keys, cluster, number, port=ports[1 + 2 * number], node_port=ports[2 + 2 * number])
        facts.append(made if network is None or not made.real else _real(keys, made, network))
    return Plan(
        etcd_port=ports[0],
        etcd_peer_port=ports[1],
        registry=RegistryFacts(
            port=ports[2],
            ca_pem=registry.pem,
            user="pusher",
            password=secrets.token_urlsafe(18),
            pull_user="puller",
            pull_password=secrets.token_urlsafe(18),
            secret=secrets.token_hex(16),
            host=host,
        ),
        clusters=tuple(facts),
        network=network,
    )


def _cluster(keys: Path, cluster: ClusterPlan, number: int, *, port: int, node_port: int) -> ClusterFacts:
    authority = Authority.at(keys, f"{cluster.slug}-ca")
    hosts = [LOOPBACK, "localhost", service_address(number), "kubernetes.default.svc"]
    authority.issue(cluster.slug, hosts=hosts).write(keys, cluster.slug)
    write_private(keys / f"{cluster.slug}-accounts.key", signing_key())
    return ClusterFacts(
        slug=cluster.slug,
        name=cluster.name,
        nodes=cluster.nodes,
        number=number,
        port=port,
        node_port=node_port,
        ca_pem=authority.pem,
        admin_token=secrets.token_hex(24),
        manager_token=secrets.token_hex(24),
        scheduler_token=secrets.token_hex(24),
        player_token=secrets.token_hex(24),
    )


def _real(keys: Path, made: ClusterFacts, network: int) -> ClusterFacts:
    """What a cluster with a real node has of its own: an address, certificates for it, tokens of its programs."""
    address = node_address(network, made.number)
    authority = Authority.at(keys, f"{made.slug}-ca")
    hosts = [LOOPBACK, "localhost", address, service_address(made.number), "kubernetes.default.svc"]
    authority.issue(made.slug, hosts=hosts).write(keys, made.slug)
    authority.issue("node", hosts=[address]).write(keys, f"{made.slug}-node")
    authority.issue(KUBELET_CLIENT, hosts=[KUBELET_CLIENT]).write(keys, f"{made.slug}-kubelet-client")
    return replace(
        made,
        host=address,
        port=6443,
        node_token=secrets.token_hex(24),
        proxy_token=secrets.token_hex(24),
        names_token=secrets.token_hex(24),
        routes_token=secrets.token_hex(24),
    )


def bridge_name(network: int) -> str:
    """The link of this machine in the network of real nodes."""
    return f"wb{network}"


def host_address(network: int) -> str:
    """The address of this machine, and so of the registry, in the network of real nodes."""
    return f"10.77.{network}.1"


def node_address(network: int, number: int) -> str:
    """The address of a cluster with a real node."""
    return f"10.77.{network}.{10 + number}"


def pod_range(number: int) -> str:
    """The network a cluster gives its pods from."""
    return f"10.{16 + number}.0.0/16"


def service_range(number: int) -> str:
    """The network a cluster gives its Services from."""
    return f"10.{96 + number}.0.0/16"


def service_address(number: int) -> str:
    """The Service address of a cluster's own API server: the first of its range."""
    return f"10.{96 + number}.0.1"


def free_ports(count: int) -> list[int]:
    """That many loopback ports nobody listens on, all different."""
    held: list[socket.socket] = []
    try:
        for port in random.sample(PORTS, len(PORTS)):
            candidate = socket.socket()
            try:
                candidate.bind((LOOPBACK, port))
            except OSError:
                candidate.close()
                continue
            held.append(candidate)
            if len(held) == count:
                return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
    raise PlatformError(f"no {count} free ports between {PORTS.start} and {PORTS.stop}")


def free_network() -> int:
    """The third number of a network of real nodes that no interface and no route of this machine touches."""
    taken = Path("/proc/net/route").read_text().splitlines()[1:]
    routes = [(_little(line.split()[1]), _little(line.split()[7])) for line in taken]
    for number in range(256):
        mine = int(ipaddress.IPv4Address(host_address(number)))
        # The default route (mask 0) leads everywhere and takes nothing.
        touched = any(mask and (mine & mask == target or mine >> 8 == target >> 8) for target, mask in routes)
        if not touched and not Path(f"/sys/class/net/{bridge_name(number)}").exists():
            return number
    raise PlatformError(f"every network of {NETWORKS} is taken on this machine")


def _little(text: str) -> int:
    return int.from_bytes(bytes.fromhex(text), "little")
