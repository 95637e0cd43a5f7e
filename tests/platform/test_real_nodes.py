"""Clusters with real nodes pull and run what they are given, live through darkness, and leave a clean floor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.calls import Caller
from deploy.local.cluster import Cluster
from deploy.local.images import push_sample
from deploy.local.node.volumes import folder_of
from deploy.local.plan import CLUSTERS, NODE, ClusterPlan, Plan, bridge_name, load, really
from deploy.local.platform import Platform, read
from deploy.local.process import wait_until
from deploy.local.registry import Registry
from tests.platform import sample
from tests.platform.pods import container, deploy, deployment, pods, ready, wait, waiting, warned

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def first(real_platform: Platform) -> Cluster:
    """The cluster that the tests use."""
    return next(iter(real_platform.clusters.values()))


@pytest.fixture(scope="module")
def images(real_platform: Platform) -> dict[str, str]:
    """Version 1.0 of the sample: component → reference by digest."""
    client = Registry.of(real_platform.registry)
    found = {}
    for component, reference in push_sample(real_platform.registry, "1.0").items():
        repository, _, tag = reference.removeprefix(f"{client.address}/").partition(":")
        found[component] = f"{reference}@{client.manifest(repository, tag).headers['docker-content-digest']}"
    return found


@pytest.fixture
def space(first: Cluster) -> Iterator[str]:
    """A namespace of this test alone."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    first.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    first.api("DELETE", f"/api/v1/namespaces/{name}")


def _soon(look: Callable[[], Any], *, within: float = 60) -> Any:
    """What ``look`` gives once it gives something true; a refused connection is not yet."""
    seen: list[Any] = []

    def looks() -> bool:
        try:
            seen.append(look())
        except (OSError, urllib.error.URLError) as error:
            seen.append(error)
            return False
        return bool(seen[-1])

    assert wait_until(looks, within=within, every=0.2), seen[-1:]
    return seen[-1]


def _of(component: str) -> Callable[[dict[str, Any]], bool]:
    return lambda pod: pod["metadata"]["labels"].get("app") == component and ready(pod)


def test_three_clusters_each_with_a_ready_node(real_platform: Platform) -> None:
    clusters = real_platform.clusters.values()
    assert [(cluster.slug, cluster.name) for cluster in clusters] == [(c.slug, c.name) for c in CLUSTERS]
    assert len({cluster.facts.host for cluster in clusters}) == 3
    for cluster in clusters:
        (node,) = cluster.get("/api/v1/nodes")["items"]
        assert ready(node)
        assert node["metadata"]["name"] == NODE
        assert node["status"]["addresses"][0] == {"type": "InternalIP", "address": cluster.facts.host}
        assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"
        assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")


def test_the_sample_runs_and_its_rows_survive_their_pod(
    real_platform: Platform, first: Cluster, space: str, images: dict[str, str]
) -> None:
    page = sample.deploy_sample(first, space, real_platform.registry, images)
    for component in sample.VARIABLES:
        status = container(wait(first, space, _of(component), within=90))
        digest = images[component].partition("@")[2]
        assert status["imageID"].endswith(f"@{digest}"), "the digest asked for is the digest that runs"
    told = _soon(lambda: (seen := sample.state(page))["api"] and seen["api"].get("worker") == "works" and seen)
    assert told["version"] == "1.0"
    assert told["title"] == "后台管理系统"
    assert told["api"]["dependencies"] == [{"name": "db", "answer": "PONG", "ok": True}]

    sample.add_row(page, "kept")
    db = next(pod for pod in pods(first, space) if pod["metadata"]["name"] == "db-0")
    log = first.api("GET", f"/api/v1/namespaces/{space}/pods/db-0/log")[1]["text"]
    assert "db 1.0 starts" in log
    assert "listening" in log
    first.api("DELETE", f"/api/v1/namespaces/{space}/pods/db-0?gracePeriodSeconds=1")
    wait(first, space, lambda pod: _of("db")(pod) and pod["metadata"]["uid"] != db["metadata"]["uid"], within=60)
    rows = _soon(lambda: (sample.state(page)["api"] or {}).get("rows"))
    assert [row["text"] for row in rows] == ["kept"]
    _its_volume_becomes_free(first, space)


def _its_volume_becomes_free(cluster: Cluster, space: str) -> None:
    claim = cluster.get(f"/api/v1/namespaces/{space}/persistentvolumeclaims/data-db-0")
    name = claim["spec"]["volumeName"]
    assert [path.name for path in folder_of(cluster, name).iterdir()] == ["held.json"]
    cluster.api("DELETE", f"/apis/apps/v1/namespaces/{space}/statefulsets/db?propagationPolicy=Background")
    cluster.api("DELETE", f"/api/v1/namespaces/{space}/persistentvolumeclaims/data-db-0")

    def is_free() -> bool:
        return str(cluster.get(f"/api/v1/persistentvolumes/{name}")["status"]["phase"]) == "Available"

    assert wait_until(is_free, within=60)
    assert list(folder_of(cluster, name).iterdir()) == []


def test_without_its_pull_secret_a_pod_gets_nothing(first: Cluster, space: str, images: dict[str, str]) -> None:
    deploy(first, space, deployment("nameless", image=images["cache"], args=["cache"]))
    wait(first, space, lambda pod: waiting(pod) in {"ErrImagePull", "ImagePullBackOff"}, within=60)
    warned(first, space, "Failed", "401 Unauthorized")


def test_a_cluster_goes_dark_alone_and_comes_back_as_it_was(real_platform: Platform, images: dict[str, str]) -> None:
    lit, dark, _ = real_platform.clusters.values()
    space = f"dark-{uuid.uuid4().hex[:8]}"
    dark.create("/api/v1/namespaces", {"metadata": {"name": space}})
    dark.create(f"/api/v1/namespaces/{space}/secrets", sample.pull_secret(real_platform.registry))
    body = deployment("cache", image=images["cache"], args=["cache"])
    body["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": sample.SECRET}]
    deploy(dark, space, body)
    before = container(wait(dark, space, ready, within=60))
    hurried = Caller(dark.facts.host, dark.facts.port, ca_pem=dark.ca_pem, authorization=None, timeout=1)
    dark.go_dark()
    try:
        with pytest.raises(OSError, match=r"timed out|No route to host"):
            hurried.call("GET", "/version")
        assert lit.get("/version")
    finally:
        dark.come_back()
    for program in ("containerd", "kubelet"):
        dark.stop(program)
        dark.start(program)
    after = container(wait(dark, space, ready, within=60))
    assert (after["containerID"], after["restartCount"]) == (before["containerID"], 0), "inside, everything runs on"
    dark.api("DELETE", f"/api/v1/namespaces/{space}")


def test_a_platform_leaves_a_clean_floor_however_it_ends(real_platform: Platform, tmp_path: Path) -> None:
    """Beside the shared one, in a network of its own: stopped, killed and started again, killed and stopped."""
    platform = Platform(tmp_path / "platform", really([ClusterPlan("only", "Only")]))
    try:
        _runs_a_pod(platform.start(while_pid=os.getpid()))
        assert platform.plan.network != real_platform.plan.network
        assert _left(platform.state, platform.plan), "while it runs there is something to find"
        platform.stop()
        assert _left(platform.state, platform.plan) == []

        platform.start(while_pid=os.getpid())
        wait(platform.clusters["only"], "default", ready, within=60)
        _kill(platform)
        platform.start(while_pid=os.getpid())
        wait(platform.clusters["only"], "default", ready, within=60)
        _kill(platform)
        platform.stop()
        assert _left(platform.state, platform.plan) == []
    finally:
        platform.reset()
    assert next(iter(real_platform.clusters.values())).get("/version"), "the other platform is untouched"


@pytest.mark.parametrize("seconds", [0.3, 1.5, 4])
def test_a_start_that_is_interrupted_leaves_a_clean_floor(
    real_platform: Platform, tmp_path: Path, seconds: float
) -> None:
    del real_platform  # it shows that this machine can
    state = tmp_path / "platform"
    line = [sys.executable, "-m", "deploy.local", "up", "--state", str(state), "--cluster=only=Only=real"]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        assert wait_until(lambda: read(state) is not None, within=30)
        time.sleep(seconds)  # not waiting for anything: the moment of the interruption
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    plan = load(state)
    assert plan is not None
    assert _left(state, plan) == []


def _runs_a_pod(platform: Platform) -> None:
    cluster = platform.clusters["only"]
    references = push_sample(platform.registry, "1.0")
    cluster.create("/api/v1/namespaces/default/secrets", sample.pull_secret(platform.registry))
    kind, body = sample.workload("db", references["db"])
    cluster.create(f"/apis/apps/v1/namespaces/default/{kind}", body)
    wait(cluster, "default", ready, within=60)


def _kill(platform: Platform) -> None:
    """Kill the supervisor: everything it started goes with it."""
    running = read(platform.state)
    assert running is not None
    running.supervisor.send(signal.SIGKILL)
    assert wait_until(lambda: not _processes(platform.state, platform.plan), within=10), _processes(
        platform.state, platform.plan
    )


def _processes(state: Path, plan: Plan) -> list[str]:
    """Every process of the platform: by its command line, or because it runs where only the platform's pods run."""
    files = [file for group in _groups(plan) for file in group.glob("**/cgroup.procs")]
    inside = {int(number) for file in files for number in file.read_text().split()}
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(state) in line or process.pid in inside:
            found.append(line)
    return found


def _left(state: Path, plan: Plan) -> list[str]:
    """Everything of a platform that can be seen from outside: processes, mounts, links, control groups."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(state) in line]
    assert plan.network is not None
    links = [link.name for link in Path("/sys/class/net").glob(f"{bridge_name(plan.network)}*")]
    return [*_processes(state, plan), *mounts, *links, *map(str, _groups(plan))]


def _groups(plan: Plan) -> list[Path]:
    """The control groups of its pods, in one hierarchy or in many."""
    name, top = f"waybill-{plan.network}-*", Path("/sys/fs/cgroup")
    return [*top.glob(name), *top.glob(f"*/{name}")]


def test_state_of_real_nodes_is_the_owners_alone(real_platform: Platform, first: Cluster) -> None:
    for name in ("node.kubeconfig", "node.key", "proxy.kubeconfig", "names.kubeconfig"):
        assert (first.state / first.slug / name).stat().st_mode & 0o077 == 0
    plan = json.loads((real_platform.state / "plan.json").read_text())
    assert plan["registry"]["host"] == f"10.77.{plan['network']}.1"
