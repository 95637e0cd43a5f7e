"""A platform comes up whole, keeps its word when disturbed, is found again, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import control
from deploy.local.calls import Caller
from deploy.local.cluster import Cluster
from deploy.local.plan import CLUSTERS, ClusterPlan, PlatformError, load_or_make
from deploy.local.platform import Platform, read
from deploy.local.process import Identity, identify, wait_until
from tests.platform.pods import condition, deploy, deployment, ready, wait
from tests.real.platform import PlatformFactory

ONE = ClusterPlan("only", "Only", nodes=1)


def _up(state: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "deploy.local", "up", "--state", str(state)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def _everything(platform: Platform) -> list[Identity]:
    running = read(platform.state)
    assert running is not None
    return [running.supervisor, *running.processes.values()]


def test_three_clusters_with_ready_nodes_and_a_default_storage_class(clusters: dict[str, Cluster]) -> None:
    assert [(cluster.slug, cluster.name) for cluster in clusters.values()] == [(c.slug, c.name) for c in CLUSTERS]
    for cluster in clusters.values():
        nodes = cluster.get("/api/v1/nodes")["items"]
        assert len(nodes) == 2
        assert all(ready(node) for node in nodes)
        assert cluster.get("/version")["gitVersion"] == "v1.36.3"
        classes = cluster.get("/apis/storage.k8s.io/v1/storageclasses")["items"]
        assert [c["metadata"]["name"] for c in classes] == ["local"]


def test_each_cluster_has_its_own_authority_and_credential(clusters: dict[str, Cluster]) -> None:
    first, second, *_ = clusters.values()
    assert first.ca_pem != second.ca_pem

    def nodes_with(token: str) -> int:
        caller = Caller("127.0.0.1", first.facts.port, ca_pem=first.ca_pem, authorization=f"Bearer {token}")
        return caller.call("GET", "/api/v1/nodes").status

    assert nodes_with(first.admin_token) == 200
    assert nodes_with(second.admin_token) == 401


def test_the_audit_log_tells_who_changed_what(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("told"))
    mine = [
        entry
        for entry in cluster.audit_entries()
        if entry.get("objectRef", {}).get("namespace") == namespace and entry["objectRef"].get("name") == "told"
    ]
    assert mine[0]["verb"] == "create"
    assert mine[0]["userAgent"] == "local-platform"
    assert mine[0]["responseStatus"]["code"] == 201


def test_state_and_credentials_are_the_owners_alone(platform: Platform) -> None:
    assert stat.S_IMODE(platform.state.stat().st_mode) == 0o700
    for name in ("platform.json", "plan.json", "intranet/tokens.csv", "intranet/admin.kubeconfig", "registry/accounts"):
        assert stat.S_IMODE((platform.state / name).stat().st_mode) == 0o600


def test_a_platform_from_start_to_end(fresh_platform_factory: PlatformFactory) -> None:
    platform = fresh_platform_factory(ONE)
    cluster = platform.clusters["only"]
    before = _everything(platform)
    assert len(before) == 7
    assert all(process.alive() for process in before)

    second = _up(platform.state)
    assert second.returncode == 0
    assert "runs already" in second.stdout
    assert _everything(platform) == before, "a second start changes nothing"

    _goes_dark_and_comes_back(cluster)
    _hangs_and_goes_on(cluster)
    _dies_and_is_started_again(platform)
    _registry_goes_and_comes_back(platform)

    plan, processes = platform.plan, _everything(platform)
    platform.stop()
    assert not any(process.alive() for process in processes)
    with pytest.raises(PlatformError):
        Platform.attach(platform.state)
    platform.stop()

    again = Platform(platform.state, [ONE]).start(while_pid=os.getpid())
    assert again.plan == plan, "ports, authorities and passwords stay"
    assert again.clusters["only"].get("/api/v1/namespaces/kept")["metadata"]["name"] == "kept"


def _goes_dark_and_comes_back(cluster: Cluster) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "kept"}})
    cluster.stop_apiserver()
    with pytest.raises(ConnectionRefusedError):
        cluster.api("GET", "/version")
    cluster.start_apiserver()
    assert cluster.get("/api/v1/namespaces/kept")
    deploy(cluster, "kept", deployment("after"))
    wait(cluster, "kept", ready)


def _hangs_and_goes_on(cluster: Cluster) -> None:
    hurried = Caller("127.0.0.1", cluster.facts.port, ca_pem=cluster.ca_pem, authorization=None, timeout=0.5)
    cluster.freeze_apiserver()
    with pytest.raises(TimeoutError):
        hurried.call("GET", "/version")
    cluster.thaw_apiserver()
    cluster.wait_ready()


def _dies_and_is_started_again(platform: Platform) -> None:
    running = read(platform.state)
    assert running is not None
    old = running.processes["only/scheduler"]
    old.send(signal.SIGKILL)

    def replaced() -> bool:
        now = read(platform.state)
        return now is not None and now.processes.get("only/scheduler", old) != old

    assert wait_until(replaced, within=10)


def _registry_goes_and_comes_back(platform: Platform) -> None:
    platform.stop_registry()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", platform.registry.port), 2):
        pass
    platform.start_registry()


def test_a_lost_node_and_its_pods(fresh_platform_factory: PlatformFactory) -> None:
    cluster = fresh_platform_factory(ONE).clusters["only"]
    deploy(cluster, "default", deployment("here"))
    wait(cluster, "default", ready)
    cluster.lose_node("node-1")
    wait(cluster, "default", lambda pod: not ready(pod))

    def node_status(wanted: str) -> bool:
        return str(condition(cluster.get("/api/v1/nodes/node-1"), "Ready").get("status")) == wanted

    assert wait_until(lambda: node_status("Unknown"), within=10)
    cluster.return_node("node-1")
    assert wait_until(lambda: node_status("True"), within=10)
    wait(cluster, "default", ready)


def test_the_end_of_the_one_it_serves_ends_it_and_so_does_a_kill(fresh_platform_factory: PlatformFactory) -> None:
    with subprocess.Popen(["sleep", "600"]) as served:
        platform = fresh_platform_factory(ONE)
        processes = _everything(platform)
        processes[0].send(signal.SIGKILL)
        assert wait_until(lambda: not any(process.alive() for process in processes), within=10), "children go along"

        started = Platform(platform.state, [ONE]).start(while_pid=served.pid)
        processes = _everything(started)
        served.kill()
        assert wait_until(lambda: not any(process.alive() for process in processes), within=20)


def test_a_reused_number_is_not_taken_for_the_process(tmp_path: Path) -> None:
    del tmp_path
    myself = identify(os.getpid())
    assert myself is not None
    assert myself.alive()
    impostor = Identity(myself.pid, myself.started + 1)
    assert not impostor.alive()
    assert not impostor.send(signal.SIGKILL)


def test_other_clusters_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    made = load_or_make(tmp_path, (ONE,))
    assert load_or_make(tmp_path, (ONE,)) == made
    with pytest.raises(PlatformError, match="other clusters"):
        Platform(tmp_path, [ClusterPlan("another", "Another")]).start(while_pid=os.getpid())


def test_nobody_answers_where_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(PlatformError):
        control.ask(tmp_path, do="end")
    with pytest.raises(PlatformError):
        Platform.attach(tmp_path)
