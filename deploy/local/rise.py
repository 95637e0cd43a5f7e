"""How a platform comes up: its programs written down, started in order, waited for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import commands, furnish, programs
from deploy.local.cluster import Cluster
from deploy.local.command import Command
from deploy.local.node import commands as node
from deploy.local.node import floor
from deploy.local.node.machine import Machine, call
from deploy.local.plan import ClusterFacts, ClusterPlan, Plan, PlatformError, RegistryFacts, load_or_make
from deploy.local.process import wait_until
from deploy.local.programs import Programs
from deploy.local.registry import Registry
from deploy.local.supervisor import Supervisor

Say = Callable[[str], None]
AFTER_API = ("manager", "scheduler", "player", "kubelet", "proxy", "names", "routes")
"""The programs of a cluster that need its API server, each where there is one."""


def supervise(
    state: Path, clusters: Sequence[ClusterPlan], *, while_pid: int | None, say: Say, door: bool = False
) -> None:
    """Be the supervisor of a platform: start it, keep it, and return when it was asked to end and is down.

    With ``door`` this machine's port 80 leads to the ingress controllers of its clusters.
    """
    state = state.resolve()
    plan = load_or_make(state, tuple(clusters))
    built = programs.ensure(say, node=plan.real)
    children = [commands.registry(state, plan, built)]
    if not all(cluster.real for cluster in plan.clusters):
        children.append(commands.etcd(state, plan, built))
    for cluster in plan.clusters:
        commands.write_cluster_files(state, cluster)
        children += _control_plane(state, plan, cluster, built)
        machine = commands.machine_of(state, plan, cluster)
        if machine is None:
            children.append(commands.player(state, cluster, built))
        else:
            children += _real_node(state, machine, built)
    routed = [cluster for cluster in plan.clusters if cluster.ingress_domain]
    if door and routed and built.node is not None:
        children.append(node.door(state, routed, built.node))
    if plan.real:
        script = Path(__file__).parents[2]
        line = [sys.executable, "-m", "deploy.local.node.volumes", str(state)]
        children.append(Command("volumes", line, state / "logs/volumes.log", {"PYTHONPATH": str(script)}))

    def bring_up(supervisor: Supervisor) -> None:
        _bring_up(supervisor, built, say)

    Supervisor(state, plan, children, say=say).run(bring_up, while_pid=while_pid)


def _control_plane(state: Path, plan: Plan, cluster: ClusterFacts, built: Programs) -> list[Command]:
    return [
        commands.apiserver(state, plan, cluster, built),
        commands.manager(state, plan, cluster, built),
        commands.scheduler(state, plan, cluster, built),
    ]


def _real_node(state: Path, machine: Machine, built: Programs) -> list[Command]:
    assert built.node is not None
    controller = [node.routes(state, machine, built.node)] if machine.cluster.ingress_domain else []
    return [
        node.machine(state, machine, built.node),
        commands.own_etcd(state, machine, built),
        node.containerd(state, machine),
        node.kubelet(state, machine, built.node),
        node.proxy(state, machine, built.node),
        node.names(state, machine, built.node),
        *controller,
    ]


def _bring_up(supervisor: Supervisor, built: Programs, say: Say) -> None:
    began, at = time.monotonic(), time.time()
    plan = supervisor.plan
    clusters = [Cluster(supervisor.state, facts) for facts in plan.clusters]
    if plan.real:
        _open_machines(supervisor, built)
    for name in ("etcd", "registry", *(f"{cluster.slug}/apiserver" for cluster in clusters)):
        if name in supervisor.children:
            supervisor.start(name)
    supervisor.record()
    for cluster in clusters:
        if cluster.facts.real:
            _load_pause_image(supervisor, supervisor.machine(cluster.slug))
        _wait_api(supervisor, cluster)
        for name in AFTER_API:
            if f"{cluster.slug}/{name}" in supervisor.children:
                supervisor.start(f"{cluster.slug}/{name}")
    supervisor.record()
    for cluster in clusters:
        furnish.furnish(cluster)
    for name in ("volumes", "door"):
        if name in supervisor.children:
            supervisor.start(name)
    for cluster in clusters:
        furnish.wait_usable(cluster, since=at)
    wait_registry(plan.registry)
    supervisor.check()
    supervisor.record()
    say(f"The registry and {len(clusters)} clusters are ready after {time.monotonic() - began:.1f} s.")


def _open_machines(supervisor: Supervisor, built: Programs) -> None:
    """Lay the floor, open the machines of all real clusters, plug them in, start what needs no API server."""
    state, plan = supervisor.state, supervisor.plan
    assert built.node is not None
    floor.lay(state, plan)
    machines = [supervisor.machine(cluster.slug) for cluster in plan.clusters if cluster.real]
    for machine in machines:
        machine.forget()
        node.write_node_files(machine.folder, state / "keys", plan, machine.cluster, built.node)
        supervisor.start(f"{machine.cluster.slug}/machine")
    supervisor.record()
    for machine in machines:
        child = supervisor.children[f"{machine.cluster.slug}/machine"]
        while not wait_until(machine.is_open, within=1):
            supervisor.check()
        assert child.process is not None
        machine.connect(child.process.pid)
        for name in ("etcd", "containerd"):
            supervisor.start(f"{machine.cluster.slug}/{name}")


def _load_pause_image(supervisor: Supervisor, machine: Machine, *, within: float = 30) -> None:
    """Load it as soon as the runtime listens."""
    end = time.monotonic() + within
    while not (machine.folder / node.SOCKET).is_socket():
        supervisor.check()
        if time.monotonic() > end:
            raise PlatformError(f"the runtime of {machine.cluster.slug} does not listen after {within:.0f} s")
        time.sleep(0.05)
    call(node.load_pause_image(machine))


def _wait_api(supervisor: Supervisor, cluster: Cluster, *, within: float = 120) -> None:
    end = time.monotonic() + within
    while not cluster.ready():
        supervisor.check()
        if time.monotonic() > end:
            raise PlatformError(f"the API server of {cluster.slug} is not ready after {within:.0f} s")
        time.sleep(0.1)


def wait_registry(facts: RegistryFacts) -> None:
    """Wait until the registry answers; PlatformError after half a minute."""
    if not wait_until(Registry.of(facts).answers, within=30, every=0.1):
        raise PlatformError("the registry does not answer")
