"""Deployments of one container for the tests of the platform, and a way to wait for what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from deploy.local.cluster import Cluster

IMAGE = "registry.test/dev/web:1.0@sha256:" + "a" * 64
Json = dict[str, Any]


def deployment(
    name: str,
    *,
    mark: str | None = None,
    delay: str | None = None,
    probe: bool = False,
    annotations: dict[str, str] | None = None,
    args: list[str] | None = None,
    resources: Json | None = None,
    image: str = IMAGE,
) -> Json:
    """A Deployment of one replica with one container."""
    variables = {"PLAY": mark, "PLAY_DELAY": delay}
    container: Json = {
        "name": "web",
        "image": image,
        "env": [{"name": key, "value": value} for key, value in variables.items() if value],
        "args": args or [],
        "resources": resources or {},
    }
    if probe:
        container["readinessProbe"] = {"httpGet": {"path": "/health", "port": 8080}}
    labels = {"app": name}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": {"containers": [container]},
            },
        },
    }


def deploy(cluster: Cluster, namespace: str, body: Json) -> None:
    """Create the Deployment."""
    cluster.create(f"/apis/apps/v1/namespaces/{namespace}/deployments", body)


def pods(cluster: Cluster, namespace: str) -> list[Json]:
    """All pods of a namespace."""
    found: list[Json] = cluster.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return found


def wait(cluster: Cluster, namespace: str, test: Callable[[Json], bool], *, within: float = 30) -> Json:
    """Wait until some pod of the namespace passes the test, and return it; a failed test says what was seen instead."""
    end = time.monotonic() + within
    while True:
        seen = pods(cluster, namespace)
        for pod in seen:
            if test(pod):
                return pod
        assert time.monotonic() < end, [pod["status"] for pod in seen]
        time.sleep(0.1)


def container(pod: Json) -> Json:
    """The status of a pod's first container, empty before there is one."""
    statuses: list[Json] = pod["status"].get("containerStatuses", [])
    return statuses[0] if statuses else {}


def waiting(pod: Json) -> str | None:
    """Why the container waits."""
    reason: str | None = container(pod).get("state", {}).get("waiting", {}).get("reason")
    return reason


def ended(pod: Json) -> tuple[str, int] | None:
    """How the container ended last: reason and exit code."""
    last = container(pod).get("lastState", {}).get("terminated")
    return (last["reason"], last["exitCode"]) if last else None


def condition(pod: Json, kind: str) -> Json:
    """One condition of an object, empty when it has none of this kind."""
    return next((c for c in pod["status"].get("conditions", []) if c["type"] == kind), {})


def ready(pod: Json) -> bool:
    """Whether the pod is ready."""
    return condition(pod, "Ready").get("status") == "True"


def events(cluster: Cluster, namespace: str) -> set[tuple[str, str]]:
    """Reason and message of every warning in the namespace."""
    items = cluster.get(f"/api/v1/namespaces/{namespace}/events")["items"]
    return {(item["reason"], item["message"]) for item in items if item["type"] == "Warning"}


def warned(cluster: Cluster, namespace: str, reason: str, words: str, *, within: float = 20) -> None:
    """Wait for a warning with this reason that contains these words."""
    end = time.monotonic() + within
    while not any(reason == found and words in message for found, message in events(cluster, namespace)):
        assert time.monotonic() < end, events(cluster, namespace)
        time.sleep(0.1)
