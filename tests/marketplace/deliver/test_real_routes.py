"""On real nodes: an image is pulled with its component's own account, and a page answers at its route."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.duties.observe import observe_cluster
from clusters.kube import connect
from clusters.models import Cluster
from deploy.local.images import push_sample
from deploy.local.node.commands import INGRESS_CLASS, INGRESS_PORT
from deploy.local.platform import Platform
from operations.engine.loop import Loop
from tests.cast import Cast
from tests.clusters.apps import path_of
from tests.clusters.delivery.conftest import remove_namespace
from tests.marketplace.deliver.made import Made, make_made
from tests.waiting import until

ROUTED = [{"number": 8080, "name": "http", "outside": "http_route"}]
TITLE = [{"name": "TITLE", "value": "Led here"}]
PROBES = {"readiness": {"kind": "http", "port": "http", "path": "/health", "period": 1}}


@pytest.fixture
def made(people: Cast, real_platform: Platform, loop: Loop) -> Iterator[Made]:
    """An empty application on a cluster whose ingress controller runs."""
    cluster = next(iter(real_platform.clusters.values()))
    if cluster.facts.ingress_domain is None:
        pytest.skip("this platform was made before there was an ingress controller")
    images = push_sample(real_platform.registry, "1.0")
    made = make_made(people, cluster, real_platform.registry, images)
    Cluster.objects.update(ingress_class=INGRESS_CLASS, ingress_domain=cluster.facts.ingress_domain)
    made.app.environment.cluster.refresh_from_db()
    yield made
    for place in (made.app.environment, made.other):
        remove_namespace(cluster, place.namespace)
    connect.close_all()


def _fetch(made: Made, host: str, path: str = "/") -> tuple[int, str]:
    """Ask the node as a browser would that was told this host."""
    line = http.client.HTTPConnection(made.cluster.facts.host, INGRESS_PORT, timeout=5)
    try:
        line.request("GET", path, headers={"Host": host})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


def _access(made: Made) -> list[dict[str, Any]]:
    observe_cluster(made.app.environment.cluster_id)
    found: list[dict[str, Any]] = made.api.get(path_of(made.app)).json()["access"]
    return found


@pytest.mark.timeout(300)
def test_a_page_is_fetched_through_its_route_until_there_is_none(made: Made) -> None:
    web: dict[str, Any] = {"variables": TITLE, "probes": PROBES}
    made.add("web", ports=ROUTED, **web)
    made.deploy()
    host = f"files-web.{made.app.environment.slug}.{made.cluster.facts.ingress_domain}"
    until(lambda: _fetch(made, host)[0] == 200, what="the page")
    assert "Led here" in _fetch(made, host)[1]
    assert _fetch(made, host, "/health")[0] == 200
    assert _fetch(made, f"other.{host}")[0] == 404
    until(lambda: _access(made)[0]["confirmed"], what="the word of the controller")
    assert _access(made) == [
        {
            "component": "web",
            "port": "http",
            "kind": "http_route",
            "node_port": None,
            "url": f"http://{host}/",
            "confirmed": True,
        }
    ]

    made.change("web", ports=[{**ROUTED[0], "path": "/health"}], **web)
    made.deploy()
    until(lambda: _fetch(made, host)[0] == 404, what="the end of what lies beside the path")
    assert _fetch(made, host, "/health")[0] == 200

    made.change("web", ports=[{**ROUTED[0], "outside": "none"}], **web)
    made.deploy()
    assert made.listed("ingresses", group="networking.k8s.io") == {}
    until(lambda: _fetch(made, host, "/health")[0] == 404, what="the end of the route")
    assert _access(made) == []


@pytest.mark.timeout(300)
def test_the_own_account_of_an_image_opens_its_registry_to_the_pod_and_to_nobody_else(made: Made) -> None:
    made.add("web", probes=PROBES, ports=[{"number": 8080, "name": "http"}])
    # The environment was prepared without any account: what a pod can pull, it pulls with the component's own.
    assert "waybill-registry" not in made.listed("secrets")
    made.deploy()
    (secret,) = (name for name in made.listed("secrets") if name.startswith("files-web-pull-"))
    (pod,) = made.listed("pods").values()
    assert {"name": secret} in pod["spec"]["imagePullSecrets"]
    status = pod["status"]["containerStatuses"][0]
    assert status["imageID"].partition("@")[2] == pod["spec"]["containers"][0]["image"].partition("@")[2]

    wrong = {"reference": made.images["web"], "user": made.registry.pull_user, "password": "wrong"}
    body = {"key": "web", "image": wrong, "args": ["web"]}
    assert made.api.put(path_of(made.app, "components", "web"), body).status_code == 200
    refused = made.post(path_of(made.app, "deployments"), {"consents": []})
    assert (refused.state, refused.outcome_code, refused.changed) == ("failed", "registry_refused_login", "nothing")
    assert set(made.listed("pods")) == {pod["metadata"]["name"]}
