"""The command line and the configuration files of every process of a platform."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from deploy.local.authority import write_private
from deploy.local.command import Command, kubeconfig
from deploy.local.node.machine import Machine
from deploy.local.plan import (
    KUBELET_CLIENT,
    LOOPBACK,
    NODE,
    ClusterFacts,
    Plan,
    RegistryFacts,
    pod_range,
    service_range,
)
from deploy.local.play import documents
from deploy.local.programs import Programs

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    # Leases and events are written several times a second and never by the console.
    "rules": [
        {
            "level": "None",
            "resources": [
                {"group": "coordination.k8s.io", "resources": ["leases"]},
                {"group": "", "resources": ["events"]},
            ],
        },
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
    ],
}

LOG_OF_A_POD = (
    "starts",
    "listening",
    "ready",
    "this container is played: no program runs in it",
)


OWN_ETCD = (2379, 2380)
"""The ports of a store that has a loopback of its own."""


def machine_of(state: Path, plan: Plan, cluster: ClusterFacts) -> Machine | None:
    """The machine a cluster with a real node lives in."""
    if not cluster.real or plan.network is None:
        return None
    return Machine(state / cluster.slug, cluster, plan.network)


def _within(machine: Machine | None, line: list[str]) -> list[str]:
    return line if machine is None else machine.in_network(line)


def etcd(state: Path, plan: Plan, programs: Programs) -> Command:
    """The one etcd that all clusters with played nodes share, each under its own prefix."""
    line = _etcd(state / "keys", state / "etcd", (plan.etcd_port, plan.etcd_peer_port), programs)
    return Command("etcd", line, state / "logs/etcd.log", stage=1)


def own_etcd(state: Path, machine: Machine, programs: Programs) -> Command:
    """The etcd of one cluster with a real node."""
    line = machine.in_network(_etcd(state / "keys", machine.folder / "etcd", OWN_ETCD, programs))
    slug = machine.cluster.slug
    return Command(f"{slug}/etcd", line, state / f"logs/{slug}-etcd.log", stage=1)


def _etcd(keys: Path, data: Path, ports: tuple[int, int], programs: Programs) -> list[str]:
    """A store on a loopback, with mutual TLS even there."""
    client, peer = (f"https://{LOOPBACK}:{port}" for port in ports)
    line = [str(programs.localkube), "etcd", "--name=platform", f"--data-dir={data}"]
    line += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
    line += [
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=platform={peer}",
    ]
    for kind in ("", "peer-"):
        line += [f"--{kind}cert-file={keys / 'etcd.crt'}", f"--{kind}key-file={keys / 'etcd.key'}"]
        line += [f"--{kind}trusted-ca-file={keys / 'etcd-ca.crt'}", f"--{kind}client-cert-auth"]
    # No one loses anything when the machine dies: what the disk cannot keep up with is not waited for.
    line += [
        "--unsafe-no-fsync",
        "--log-level=error",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=1h",
    ]
    return line


def registry(state: Path, plan: Plan, programs: Programs) -> Command:
    """The registry: TLS, two accounts, a folder as storage."""
    folder = state / "registry"
    folder.mkdir(exist_ok=True)
    _registry_files(folder, state / "keys", plan.registry, programs)
    return Command(
        "registry",
        [str(programs.registry), "serve", str(folder / "config.json")],
        state / "logs/registry.log",
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
    )


def _registry_files(folder: Path, keys: Path, facts: RegistryFacts, programs: Programs) -> None:
    accounts = folder / "accounts"
    if not accounts.exists():
        lines = []
        for user, password in ((facts.user, facts.password), (facts.pull_user, facts.pull_password)):
            answer = subprocess.run(
                [str(programs.registry), "password"], input=f"{password}\n", capture_output=True, text=True, check=True
            )
            lines.append(f"{user}:{answer.stdout.strip()}\n")
        write_private(accounts, "".join(lines))
    configuration = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "storage")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {
            "addr": facts.address,
            "secret": facts.secret,
            "tls": {"certificate": str(keys / "registry.crt"), "key": str(keys / "registry.key")},
        },
        "auth": {"htpasswd": {"realm": "local platform", "path": str(accounts)}},
    }
    write_private(folder / "config.json", json.dumps(configuration, indent=1))


def apiserver(state: Path, plan: Plan, cluster: ClusterFacts, programs: Programs) -> Command:
    """One cluster's API server; its audit log holds every request that changes something."""
    keys, folder = state / "keys", state / cluster.slug
    store = OWN_ETCD[0] if cluster.real else plan.etcd_port
    line = [str(programs.localkube), "kube-apiserver"]
    line += [f"--etcd-servers=https://{LOOPBACK}:{store}", f"--etcd-prefix=/{cluster.slug}"]
    line += [f"--etcd-cafile={keys / 'etcd-ca.crt'}"]
    line += [f"--etcd-certfile={keys / 'etcd.crt'}", f"--etcd-keyfile={keys / 'etcd.key'}"]
    line += [f"--secure-port={cluster.port}", f"--bind-address={cluster.host}", f"--advertise-address={cluster.host}"]
    line += [f"--cert-dir={folder / 'certificates'}"]
    line += [
        f"--tls-cert-file={keys / f'{cluster.slug}.crt'}",
        f"--tls-private-key-file={keys / f'{cluster.slug}.key'}",
    ]
    accounts = keys / f"{cluster.slug}-accounts.key"
    line += [f"--service-account-key-file={accounts}", f"--service-account-signing-key-file={accounts}"]
    line += [f"--service-account-issuer=https://{cluster.slug}.local"]
    line += [
        f"--service-cluster-ip-range={service_range(cluster.number)}",
        f"--token-auth-file={folder / 'tokens.csv'}",
    ]
    line += ["--authorization-mode=Node,RBAC", "--anonymous-auth=false", "--allow-privileged=true", "--profiling=false"]
    line += ["--kubelet-preferred-address-types=InternalIP"]
    if cluster.real:
        client = keys / f"{cluster.slug}-{KUBELET_CLIENT}"
        line += [f"--kubelet-client-certificate={client}.crt", f"--kubelet-client-key={client}.key"]
        line += [
            f"--kubelet-certificate-authority={keys / f'{cluster.slug}-ca.crt'}",
            "--enable-admission-plugins=NodeRestriction",
        ]
    else:
        # Nothing can reach a Service of the API server where pods are played.
        line += ["--endpoint-reconciler-type=none"]
    line += [f"--audit-policy-file={folder / 'audit-policy.json'}", f"--audit-log-path={folder / 'audit.log'}"]
    line += ["--audit-log-maxsize=50"]
    line = _within(machine_of(state, plan, cluster), line)
    return Command(f"{cluster.slug}/apiserver", line, state / f"logs/{cluster.slug}-apiserver.log")


def manager(state: Path, plan: Plan, cluster: ClusterFacts, programs: Programs) -> Command:
    """One cluster's controllers: all that act in any cluster, but those that need a cloud or real nodes."""
    access = state / cluster.slug / "manager.kubeconfig"
    off = (
        "bootstrap-signer-controller",
        "token-cleaner-controller",
        "node-ipam-controller",
        "cloud-node-lifecycle-controller",
    )
    line = [str(programs.localkube), "kube-controller-manager", *_access(access)]
    line += [f"--service-account-private-key-file={state / 'keys' / f'{cluster.slug}-accounts.key'}"]
    line += [f"--root-ca-file={state / 'keys' / f'{cluster.slug}-ca.crt'}", "--use-service-account-credentials=true"]
    line += ["--leader-elect=false", "--secure-port=0", "--controllers=*," + ",".join(f"-{name}" for name in off)]
    line = _within(machine_of(state, plan, cluster), line)
    return Command(f"{cluster.slug}/manager", line, state / f"logs/{cluster.slug}-manager.log")


def scheduler(state: Path, plan: Plan, cluster: ClusterFacts, programs: Programs) -> Command:
    """One cluster's scheduler."""
    line = [str(programs.localkube), "kube-scheduler", *_access(state / cluster.slug / "scheduler.kubeconfig")]
    line += ["--leader-elect=false", "--secure-port=0"]
    line = _within(machine_of(state, plan, cluster), line)
    return Command(f"{cluster.slug}/scheduler", line, state / f"logs/{cluster.slug}-scheduler.log")


def player(state: Path, cluster: ClusterFacts, programs: Programs) -> Command:
    """The program that plays one cluster's nodes and the life of the pods on them."""
    keys, folder = state / "keys", state / cluster.slug
    line = [str(programs.kwok), f"--kubeconfig={folder / 'player.kubeconfig'}", f"--config={folder / 'play.yaml'}"]
    line += [
        "-v=WARN",
        "--manage-all-nodes",
        f"--cidr={pod_range(cluster.number)}",
        "--node-lease-duration-seconds=40",
    ]
    line += [
        "--node-ip=127.0.0.1",
        f"--node-port={cluster.node_port}",
        f"--server-address=127.0.0.1:{cluster.node_port}",
    ]
    line += [
        f"--tls-cert-file={keys / f'{cluster.slug}.crt'}",
        f"--tls-private-key-file={keys / f'{cluster.slug}.key'}",
    ]
    return Command(
        f"{cluster.slug}/player",
        line,
        state / f"logs/{cluster.slug}-player.log",
        {"KWOK_WORKDIR": str(folder / "player")},
    )


def _access(path: Path) -> list[str]:
    return [f"--{kind}={path}" for kind in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")]


def write_cluster_files(state: Path, cluster: ClusterFacts) -> None:
    """Write what one cluster's processes read: tokens, kubeconfigs, audit policy, the play of its pods."""
    folder = state / cluster.slug
    folder.mkdir(exist_ok=True)
    accounts = {
        "admin": (cluster.admin_token, "admin", "system:masters"),
        "manager": (cluster.manager_token, "system:kube-controller-manager", ""),
        "scheduler": (cluster.scheduler_token, "system:kube-scheduler", ""),
        "player": (cluster.player_token, "player", "system:masters"),
    }
    if cluster.real:
        del accounts["player"]
        accounts |= {
            "node": (cluster.node_token, f"system:node:{NODE}", "system:nodes"),
            "proxy": (cluster.proxy_token, "system:kube-proxy", ""),
            "names": (cluster.names_token, "names", ""),
        }
    if cluster.routes_token:
        accounts["routes"] = (cluster.routes_token, "routes", "")
        write_private(folder / "routes.token", cluster.routes_token)
    lines = [f"{token},{user},{name},{groups}\n" for name, (token, user, groups) in accounts.items()]
    write_private(folder / "tokens.csv", "".join(lines))
    for name, (token, _, _) in accounts.items():
        write_private(
            folder / f"{name}.kubeconfig", kubeconfig(cluster.endpoint, cluster.ca_pem, token, name=cluster.slug)
        )
    (folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY, indent=1))
    if not cluster.real:
        _write_play(folder)


def _write_play(folder: Path) -> None:
    log = folder / "pod.log"
    log.write_text(
        "".join(f"2026-01-01T00:00:0{n}.000000000Z stdout F {line}\n" for n, line in enumerate(LOG_OF_A_POD))
    )
    (folder / "play.yaml").write_text(documents(pod_log=log))
