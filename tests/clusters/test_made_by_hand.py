"""An application made by hand, from nothing to none again, over REST alone, on a real cluster and registry."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.duties.observe import observe_cluster
from clusters.kube import connect
from clusters.models import Application, Environment, Revision
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from operations.engine.loop import Loop
from tests.cast import Api, Cast
from tests.clusters.apps import add, make_app, path_of
from tests.clusters.delivery.house import prepare
from tests.clusters.working import connect_row, ended, key, make_environment, unique
from tests.marketplace.world import make_registry

pytestmark = pytest.mark.timeout(600)

RUN_AS = {"user": 10001, "group": 10001}


@pytest.fixture
def app(people: Cast, cluster: LocalCluster, registry: RegistryFacts) -> Iterator[Application]:
    """An empty application in a prepared environment; the registry is the enterprise's."""
    account = (registry.user, registry.password)
    make_registry(
        people.admin, registry.address, prefix="dev", account=account, ca_pem=registry.ca_pem, plain_http=False
    )
    row = connect_row(people.enterprise, cluster)
    place = make_environment(people.team, row, unique("hand"))
    prepare(place)
    yield make_app(place)
    cluster.api("DELETE", f"/api/v1/namespaces/{place.namespace}")
    connect.close_all()


def _wait(response: Any, state: str = "succeeded") -> dict[str, Any]:
    assert response.status_code == 202, response.content
    operation = ended(response.json()["id"], seconds=180)
    assert operation.state == state, (operation.outcome_code, operation.outcome_params)
    data: dict[str, Any] = response.json()
    return data


def _deploy(api: Api, app: Application, body: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
    return _wait(api.post(path_of(app, "deployments"), body or {"consents": []}, headers=key(), **query))


def _see(app: Application) -> None:
    observe_cluster(Environment.objects.get(pk=app.environment_id).cluster_id)


def _draft(api: Api, app: Application, images: dict[str, str]) -> None:
    secret = {"name": "DB_PASSWORD", "secret": True, "offered": True, "generate": {"length": 24}}
    ready = {"readiness": {"kind": "tcp", "port": "db", "period": 1}}
    add(
        api,
        app,
        "db",
        kind="stateful",
        image={"reference": images["db"]},
        args=["db"],
        ports=[{"name": "db", "number": 5432, "alias": "DB"}],
        variables=[secret, {"name": "DB_USER", "value": "app", "offered": True}],
        volumes=[{"name": "data", "path": "/data", "size": "1Gi"}],
        probes=ready,
        run_as=RUN_AS,
    )
    add(
        api,
        app,
        "web",
        image={"reference": images["web"]},
        args=["web"],
        ports=[{"name": "http", "number": 8080, "outside": "node_port"}],
        files=[{"path": "/etc/web/app.conf", "content": "db=${DB_HOST}:${DB_PORT} ${DB_PASSWORD}\n"}],
        replicas={"default": 2, "max": 3},
        probes={"readiness": {"kind": "http", "port": "http", "path": "/health", "period": 1}},
        run_as=RUN_AS,
        depends_on=["db"],
    )


def test_from_nothing_to_running_changed_stopped_started_and_gone(
    people: Cast, app: Application, loop: Loop, cluster: LocalCluster, sample_images: dict[str, dict[str, str]]
) -> None:
    api = people.api("developer")
    _draft(api, app, sample_images["1.0"])
    namespace = f"/api/v1/namespaces/{app.environment.namespace}"

    plan_id = _deploy(api, app, dry_run="true")["id"]
    plan = api.get(f"operations/{plan_id}").json()["plan"]
    assert plan["refusals"] == [] and plan["changed_by_hand"] == []
    assert [(item["key"], item["action"]) for item in plan["components"]] == [("db", "add"), ("web", "add")]
    assert plan["volumes"]["create"] == ["data-shop-db-0"]
    assert plan["objects"]["create"] == 9 and plan["objects"]["change"] == 0
    assert cluster.get(f"{namespace}/configmaps")["items"][0]["metadata"]["name"] == "kube-root-ca.crt"

    _deploy(api, app, {"consents": [], "plan_id": plan_id})
    _see(app)
    data = api.get(path_of(app)).json()
    assert (data["status"]["state"], data["status"]["digests_match"]) == ("running", True)
    assert [(item["key"], item["state"], item["ready"]) for item in data["components"]] == [
        ("db", "running", 1),
        ("web", "running", 2),
    ]
    assert data["access"][0]["url"].startswith("http://") and data["undeployed_changes"] == 0
    image = data["components"][1]
    web = Revision.objects.get(application=app).document["components"][1]["image"]
    assert web["digest"].startswith("sha256:") and len(web["platforms"]) == 2
    assert image["digest"] in {web["digest"], *(item["digest"] for item in web["platforms"])}

    body = api.get(path_of(app, "components", "web")).json()
    body["image"]["reference"] = sample_images["2.0"]["web"]
    assert api.put(path_of(app, "components", "web"), body).status_code == 200
    _deploy(api, app)
    changes = api.get(path_of(app, "revisions", "2", "differences")).json()
    assert [(item["key"], item["action"]) for item in changes["components"]] == [("db", "keep"), ("web", "change")]
    assert changes["objects"]["change"] == ["Deployment/shop-web"] and changes["objects"]["remove"] == []

    _wait(people.api("tester").put(path_of(app, "desired-state"), {"state": "stopped"}))
    _see(app)
    assert api.get(path_of(app)).json()["status"]["state"] in {"stopping", "stopped"}
    _wait(people.api("tester").put(path_of(app, "desired-state"), {"state": "running"}))
    _see(app)
    assert api.get(path_of(app)).json()["status"]["state"] == "running"

    _wait(api.delete(path_of(app)))
    assert api.get(path_of(app)).status_code == 404
    claims = cluster.get(f"{namespace}/persistentvolumeclaims")["items"]
    assert [item["metadata"]["name"] for item in claims] == ["data-shop-db-0"]
    assert cluster.get(f"{namespace}/services")["items"] == []


def test_a_deploy_that_fails_says_why_and_can_be_retried(
    people: Cast, app: Application, loop: Loop, sample_images: dict[str, dict[str, str]]
) -> None:
    api = people.api("developer")
    part = {"image": {"reference": sample_images["1.0"]["web"]}, "args": ["web", "play=crash_loop"], "run_as": RUN_AS}
    add(api, app, "web", start_timeout=10, **part)
    name = _wait(api.post(path_of(app, "deployments"), {}, headers=key()), "failed")["id"]
    outcome = api.get(f"operations/{name}").json()["outcome"]
    assert (outcome["code"], outcome["params"]["component"]) == ("not_ready", "web")
    assert outcome["params"]["cause"] in {"crash_loop", "slow"}
    assert api.get(path_of(app, "revisions")).json()["items"][0]["state"] == "failed"
    retried = api.post(f"operations/{name}/retries", headers={"Idempotency-Key": uuid.uuid4().hex})
    again = _wait(retried, "failed")
    assert again["retry_of"] == name
    mended = api.put(path_of(app, "components", "web"), {**part, "args": ["web"]})
    assert mended.status_code == 200
    _deploy(api, app)
    assert [item["state"] for item in api.get(path_of(app, "revisions")).json()["items"]] == [
        "deployed",
        "failed",
        "failed",
    ]
