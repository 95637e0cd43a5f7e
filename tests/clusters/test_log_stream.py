"""A pod's log through the streams process: real server, real cluster; who may read it, and when it ends."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.kube import connect
from clusters.manifests import labels
from clusters.models import Application
from deploy.local.cluster import Cluster as LocalCluster
from teams import grants
from tests.cast import Cast
from tests.clusters.apps import make_app
from tests.clusters.delivery.house import prepare
from tests.clusters.working import connect_row, make_environment, unique
from tests.real.streams import streams_here
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def server() -> Iterator[str]:
    """The streams, served; gives host:port."""
    with streams_here() as where:
        yield where


@pytest.fixture
def app(people: Cast, cluster: LocalCluster) -> Iterator[Application]:
    """An application in a prepared environment."""
    row = connect_row(people.enterprise, cluster)
    place = make_environment(people.team, row, unique("log"))
    prepare(place)
    yield make_app(place)
    cluster.api("DELETE", f"/api/v1/namespaces/{place.namespace}")
    connect.close_all()


def run_pod(cluster: LocalCluster, app: Application, name: str) -> None:
    """Run one pod of the component `web`, and wait until it is ready."""
    place = app.environment.namespace
    marks = labels.common(app.slug, str(app.pk), app.environment.slug, "web")
    safe = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "web", "image": "registry.example.com/dev/web:1.0", "securityContext": safe}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"metadata": {"name": name, "labels": marks}, "spec": spec}
    cluster.create(f"/api/v1/namespaces/{place}/pods", pod)

    def is_ready() -> bool:
        found = cluster.get(f"/api/v1/namespaces/{place}/pods/{name}")
        conditions = found["status"].get("conditions") or []
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    until(is_ready, seconds=60, what=name)


def path_of(app: Application, query: str = "", key: str = "web") -> str:
    return f"/events/environments/{app.environment.slug}/apps/{app.slug}/components/{key}/log{query}"


class Reading:
    """One request, and what has come so far."""

    def __init__(self, server: str, path: str, token: str | None, method: str = "GET") -> None:
        headers = {"Host": "testserver", **({"Authorization": f"Bearer {token}"} if token else {})}
        self.link = http.client.HTTPConnection(server, timeout=30)
        self.link.request(method, path, headers=headers)
        self.answer = self.link.getresponse()
        self.status, self.headers = self.answer.status, dict(self.answer.headers)
        self.text = b""
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while part := self.answer.read1(1 << 14):
                self.text += part
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the test has closed its end
        self.ended = True

    def close(self) -> None:
        if self.link.sock is not None:
            self.link.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        self.link.close()


def whole(server: str, people: Cast, part: str, path: str, method: str = "GET") -> Reading:
    """Read an answer to its end."""
    found = Reading(server, path, people.api(part).token if part != "nobody" else None, method)
    until(lambda: found.ended, what=path)
    found.close()
    return found


def readers() -> int:
    return sum(thread.name == "log" for thread in threading.enumerate())


def test_whoever_sees_the_team_reads_the_log(
    people: Cast, app: Application, cluster: LocalCluster, server: str
) -> None:
    assert whole(server, people, "viewer", path_of(app)).status == 404  # no pod yet
    run_pod(cluster, app, "web-1")
    for part in ("viewer", "developer", "admin"):
        found = whole(server, people, part, path_of(app, "?tail=2"))
        assert (found.status, found.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert found.text.count(b"\n") == 2, found.text
    before = whole(server, people, "viewer", path_of(app, "?previous=true"))
    assert before.status == 404, f"it has not been restarted: {before.text!r}"
    wanted = {"neighbour": 404, "loner": 404, "stranger": 404, "nobody": 401}
    assert {part: whole(server, people, part, path_of(app)).status for part in wanted} == wanted
    assert whole(server, people, "viewer", path_of(app, key="other")).status == 404
    until(lambda: readers() == 0, what="the end of the reading threads")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?tail=0", 422, b"value_out_of_range"),
        ("?tail=many", 422, b"value_out_of_range"),
        ("?tail=5001", 422, b"value_out_of_range"),
        ("?follow=yes", 422, b"choice_unknown"),
        ("?previous=1", 422, b"choice_unknown"),
        ("?pod=web-1", 400, b"unknown_parameter"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    people: Cast, app: Application, server: str, query: str, status: int, code: bytes
) -> None:
    found = whole(server, people, "viewer", path_of(app, query))
    assert found.status == status and code in found.text
    assert found.headers["content-type"].startswith("application/problem+json")


def test_only_reading_is_allowed(people: Cast, app: Application, server: str) -> None:
    found = whole(server, people, "viewer", path_of(app), "OPTIONS")
    assert found.status == 405 and found.headers["allow"] == "GET"


def test_a_followed_log_ends_with_the_right_to_see_it(
    people: Cast, app: Application, cluster: LocalCluster, server: str
) -> None:
    run_pod(cluster, app, "web-1")
    seen = Reading(server, path_of(app, "?follow=true"), people.api("viewer").token)
    until(lambda: b"\n" in seen.text, what="the first lines")
    assert seen.status == 200 and not seen.ended
    grants.set_roles(people.team, people.viewer, (), granted_by=people.admin)
    until(lambda: seen.ended, seconds=15, what="the end of the log")
    until(lambda: readers() == 0, seconds=10, what="the end of the reading thread")
    seen.close()


def test_a_reader_who_leaves_frees_the_line_at_once(
    people: Cast, app: Application, cluster: LocalCluster, server: str
) -> None:
    run_pod(cluster, app, "web-1")
    seen = Reading(server, path_of(app, "?follow=true"), people.api("viewer").token)
    until(lambda: readers() == 1 and b"\n" in seen.text, what="the log")
    seen.close()
    until(lambda: readers() == 0, seconds=10, what="the end of the reading thread")


def test_a_cluster_that_is_away_is_said_so(people: Cast, app: Application, server: str) -> None:
    cluster: Any = app.environment.cluster
    cluster.endpoint = "https://127.0.0.1:9"
    cluster.save(update_fields=["endpoint"])
    connect.close_all()
    found = whole(server, people, "viewer", path_of(app))
    assert b"cluster_unreachable" in found.text and found.status >= 409
