"""What a platform is made of and keeps over restarts: its clusters, ports and credentials."""

from __future__ import annotations

import json
import random
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy.local.authority import Authority, signing_key, write_private

FORMAT = 1
STATE_FILE = "platform.json"
PORTS = range(20000, 30000)
"""Ports are taken from here: below what the kernel gives to outgoing connections, so they stay free over a restart."""


class PlatformError(RuntimeError):
    """The platform cannot do what was asked; the text says why, in one sentence."""


@dataclass(frozen=True)
class ClusterPlan:
    """A cluster to be made: its short name for folders and calls, the name people read, how many nodes are played."""

    slug: str
    name: str
    nodes: int = 2


CLUSTERS = (
    ClusterPlan("intranet", "内网集群"),
    ClusterPlan("aliyun-qingdao", "阿里云-青岛"),
    ClusterPlan("aliyun-shanghai", "阿里云-上海"),
)


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster as it was made."""

    slug: str
    name: str
    nodes: int
    number: int
    port: int
    node_port: int
    ca_pem: str
    admin_token: str
    manager_token: str
    scheduler_token: str
    player_token: str

    @property
    def endpoint(self) -> str:
        """The address of its API server."""
        return f"https://127.0.0.1:{self.port}"


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

    @property
    def address(self) -> str:
        """Host and port, as an image reference begins."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Plan:
    """All that stays the same as long as the state folder lives."""

    etcd_port: int
    etcd_peer_port: int
    registry: RegistryFacts
    clusters: tuple[ClusterFacts, ...]

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
    etcd = Authority.at(keys, "etcd-ca")
    etcd.issue("etcd", hosts=["127.0.0.1", "localhost"]).write(keys, "etcd")
    registry = Authority.at(keys, "registry-ca")
    registry.issue("registry", hosts=["127.0.0.1", "localhost"]).write(keys, "registry")
    facts = []
    for number, cluster in enumerate(clusters, start=1):
        facts.append(_cluster(keys, cluster, number, port=ports[1 + 2 * number], node_port=ports[2 + 2 * number]))
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
        ),
        clusters=tuple(facts),
    )


def _cluster(keys: Path, cluster: ClusterPlan, number: int, *, port: int, node_port: int) -> ClusterFacts:
    authority = Authority.at(keys, f"{cluster.slug}-ca")
    hosts = ["127.0.0.1", "localhost", service_address(number), "kubernetes.default.svc"]
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
                candidate.bind(("127.0.0.1", port))
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
