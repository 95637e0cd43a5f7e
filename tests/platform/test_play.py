"""Every way a pod can fail is played as a real kubelet would show it; what others refuse, they really refuse."""

from __future__ import annotations

import re

import pytest

from deploy.local.cluster import Cluster
from deploy.local.furnish import make_volume
from deploy.local.play import MARKS
from deploy.local.process import wait_until
from tests.platform.pods import (
    IMAGE,
    condition,
    container,
    deploy,
    deployment,
    ended,
    pods,
    ready,
    wait,
    waiting,
    warned,
)


def test_an_unmarked_pod_is_pulled_started_and_ready(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("plain", probe=True))
    status = container(wait(cluster, namespace, ready))
    assert status["imageID"] == "registry.test/dev/web@sha256:" + "a" * 64
    assert status["started"]
    assert status["restartCount"] == 0
    pod = pods(cluster, namespace)[0]
    assert pod["status"]["phase"] == "Running"
    assert re.fullmatch(r"10\.\d+\.\d+\.\d+", pod["status"]["podIP"])
    path = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/log"
    assert "listening" in cluster.api("GET", path)[1]["text"]


@pytest.mark.parametrize(
    ("mark", "first", "then", "words"),
    [
        ("image_pull_failed", "ErrImagePull", "ImagePullBackOff", ": not found"),
        ("image_pull_denied", "ErrImagePull", "ImagePullBackOff", "pull access denied"),
    ],
)
def test_an_image_that_cannot_be_pulled(
    cluster: Cluster, namespace: str, mark: str, first: str, then: str, words: str
) -> None:
    deploy(cluster, namespace, deployment("broken", mark=mark))
    pod = wait(cluster, namespace, lambda pod: waiting(pod) == first)
    assert words in container(pod)["state"]["waiting"]["message"]
    warned(cluster, namespace, "Failed", f'Failed to pull image "{IMAGE}"')
    pod = wait(cluster, namespace, lambda pod: waiting(pod) == then)
    assert "Back-off pulling image" in container(pod)["state"]["waiting"]["message"]
    assert not ready(pod)


@pytest.mark.parametrize(
    ("mark", "reason", "code"), [("crash_loop", "Error", 1), ("out_of_memory", "OOMKilled", 137), ("flaps", "Error", 1)]
)
def test_a_container_that_ends_again_and_again(
    cluster: Cluster, namespace: str, mark: str, reason: str, code: int
) -> None:
    deploy(cluster, namespace, deployment("ends", mark=mark))
    wait(cluster, namespace, ready)  # for a moment it looks well
    pod = wait(cluster, namespace, lambda pod: waiting(pod) == "CrashLoopBackOff")
    assert ended(pod) == (reason, code)
    assert container(pod)["restartCount"] == 1
    assert not ready(pod)
    warned(cluster, namespace, "BackOff", "Back-off restarting failed container web in pod ends-")


def test_a_container_that_crashes_is_started_again_later(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("ends", mark="crash_loop"))
    pod = wait(cluster, namespace, lambda pod: container(pod).get("restartCount") == 2)
    assert ended(pod) == ("Error", 1)


def test_a_secret_that_is_not_there(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("broken", mark="config_error"))
    pod = wait(cluster, namespace, lambda pod: waiting(pod) == "CreateContainerConfigError")
    assert container(pod)["state"]["waiting"]["message"] == 'secret "played-absent" not found'
    warned(cluster, namespace, "Failed", 'Error: secret "played-absent" not found')


def test_a_probe_that_fails_is_told_by_events_only(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("deaf", mark="probe_failing", probe=True))
    warned(cluster, namespace, "Unhealthy", "Readiness probe failed")
    pod = pods(cluster, namespace)[0]
    assert "running" in container(pod)["state"]
    assert condition(pod, "Ready")["reason"] == "ContainersNotReady"


def test_a_pod_that_does_not_end(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("stuck", mark="stuck_terminating"))
    name = wait(cluster, namespace, ready)["metadata"]["name"]
    cluster.api("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
    deploy(cluster, namespace, deployment("other"))
    other = wait(cluster, namespace, lambda pod: ready(pod) and pod["metadata"]["labels"]["app"] == "other")
    cluster.api("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/other?propagationPolicy=Background")
    wait(cluster, namespace, lambda pod: pod["metadata"]["name"] == name and "deletionTimestamp" in pod["metadata"])

    def others() -> list[str]:
        return [pod["metadata"]["name"] for pod in pods(cluster, namespace)]

    wait(cluster, namespace, lambda _: other["metadata"]["name"] not in others())
    assert name in others()


def test_a_pod_whose_node_vanished(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("alone", mark="node_lost"))
    pod = wait(cluster, namespace, lambda pod: pod["status"].get("reason") == "NodeLost")
    assert not ready(pod)
    warned(cluster, namespace, "NodeNotReady", "Node is not ready")


def test_a_slow_start_takes_as_long_as_it_is_told(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("slow", mark="slow", delay="3s", probe=True))
    wait(cluster, namespace, lambda pod: waiting(pod) == "ContainerCreating")
    pod = wait(cluster, namespace, ready)
    began, up = pod["status"]["startTime"], container(pod)["state"]["running"]["startedAt"]
    assert up > began


def test_an_image_other_than_the_one_asked_for(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("other", mark="other_image"))
    assert container(wait(cluster, namespace, ready))["imageID"] == "registry.test/dev/web@sha256:" + "0" * 64


@pytest.mark.parametrize("way", [{"annotations": {"play": "config_error"}}, {"args": ["web", "play=config_error"]}])
def test_the_mark_may_be_an_annotation_or_an_argument(cluster: Cluster, namespace: str, way: dict[str, object]) -> None:
    deploy(cluster, namespace, deployment("marked", **way))  # type: ignore[arg-type]
    wait(cluster, namespace, lambda pod: waiting(pod) == "CreateContainerConfigError")


def test_every_mark_has_its_test() -> None:
    own = {
        "image_pull_failed",
        "image_pull_denied",
        "crash_loop",
        "out_of_memory",
        "flaps",
        "config_error",
        "probe_failing",
        "stuck_terminating",
        "node_lost",
        "slow",
        "other_image",
    }
    assert own == set(MARKS)


def test_more_than_any_node_has_is_not_scheduled(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("huge", resources={"requests": {"cpu": "9"}}))
    pod = wait(cluster, namespace, lambda pod: bool(condition(pod, "PodScheduled").get("reason")))
    assert condition(pod, "PodScheduled")["reason"] == "Unschedulable"
    assert "Insufficient cpu" in condition(pod, "PodScheduled")["message"]


@pytest.mark.parametrize(("size", "binds"), [("1Gi", True), ("100Gi", False)])
def test_a_claim_binds_a_volume_that_is_large_enough(cluster: Cluster, namespace: str, size: str, binds: bool) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
    cluster.create(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", claim)
    body = deployment("db")
    body["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    deploy(cluster, namespace, body)
    if binds:
        wait(cluster, namespace, ready)
    else:
        pod = wait(cluster, namespace, lambda pod: bool(condition(pod, "PodScheduled").get("reason")))
        assert "available persistent volumes" in condition(pod, "PodScheduled")["message"]


def test_a_volume_is_free_again_when_its_claim_is_deleted(cluster: Cluster, namespace: str) -> None:
    name = f"small-{namespace}"
    make_volume(cluster, name, size="3Mi")
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": name, "resources": {"requests": {"storage": "3Mi"}}},
    }
    path = f"/api/v1/persistentvolumes/{name}"
    try:
        for _ in range(2):
            cluster.create(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", claim)
            assert wait_until(lambda: cluster.get(path)["status"]["phase"] == "Bound", within=20)
            cluster.api("DELETE", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/data")
            assert wait_until(lambda: cluster.get(path)["status"]["phase"] == "Available", within=20)
    finally:
        cluster.api("DELETE", path)


def test_the_quota_and_pod_security_really_refuse(cluster: Cluster, namespace: str) -> None:
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
    cluster.create(f"/api/v1/namespaces/{namespace}/resourcequotas", quota)
    deploy(cluster, namespace, deployment("one"))
    warned(cluster, namespace, "FailedCreate", "exceeded quota: small")
    cluster.api("DELETE", f"/api/v1/namespaces/{namespace}/resourcequotas/small")
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    cluster.patch(f"/api/v1/namespaces/{namespace}", labels)
    deploy(cluster, namespace, deployment("two"))
    warned(cluster, namespace, "FailedCreate", "violates PodSecurity")


@pytest.mark.parametrize(("mark", "end"), [(None, "Complete"), ("crash_loop", "Failed")])
def test_a_job_completes_or_fails(cluster: Cluster, namespace: str, mark: str | None, end: str) -> None:
    template = deployment("job", mark=mark)["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    body = {"metadata": {"name": "once"}, "spec": {"template": template, "backoffLimit": 0}}
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    cluster.create(path, body)
    wait(cluster, namespace, lambda _: bool(condition(cluster.get(f"{path}/once"), end)))


def test_the_namespace_of_a_running_job_goes(cluster: Cluster, namespace: str) -> None:
    template = deployment("job", mark="slow")["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    spec = {"template": template, "podReplacementPolicy": "Failed"}
    cluster.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", {"metadata": {"name": "long"}, "spec": spec})
    wait(cluster, namespace, lambda pod: waiting(pod) == "ContainerCreating")
    cluster.api("DELETE", f"/apis/batch/v1/namespaces/{namespace}/jobs/long?propagationPolicy=Foreground")
    deploy(cluster, namespace, deployment("witness"))
    wait(
        cluster,
        namespace,
        lambda _: all(pod["metadata"]["labels"].get("app") == "witness" for pod in pods(cluster, namespace)),
    )
