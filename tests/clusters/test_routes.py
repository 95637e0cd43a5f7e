"""HTTP routes over REST: what a cluster must have, who answers where, and every refusal with its code and place."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from clusters.models import Application, AppliedObject, Cluster, Revision
from clusters.planning import rows_fingerprint
from tests.cast import Cast
from tests.clusters.apps import IMAGE, add, make_app, make_place, path_of, settle, start
from tests.clusters.working import key, make_environment

ROUTED = [{"number": 8080, "name": "http", "outside": "http_route"}]


@pytest.fixture
def app(cast: Cast) -> Application:
    """An empty application on a cluster that has routes."""
    place = make_place(cast)
    Cluster.objects.filter(pk=place.cluster_id).update(ingress_class="nginx", ingress_domain="apps.example.com")
    place.cluster.refresh_from_db()
    return make_app(place)


def _cluster(app: Application, **columns: Any) -> None:
    Cluster.objects.filter(pk=app.environment.cluster_id).update(**columns)
    app.environment.cluster.refresh_from_db()


def _deploy(cast: Cast, app: Application) -> Any:
    return cast.api("developer").post(path_of(app, "deployments"), {"consents": []}, headers=key())


def _refused(response: Any) -> tuple[int, str, list[tuple[str, str]]]:
    problem = response.json()
    return (
        response.status_code,
        problem["code"],
        [(error["pointer"], error["code"]) for error in problem.get("errors") or []],
    )


def _sent(revision: Revision | None) -> None:
    """Write that the revision's Ingresses stand on the cluster."""
    assert revision is not None
    for item in revision.objects_applied or []:
        if item["kind"] == "Ingress":
            AppliedObject.objects.create(
                application=revision.application,
                environment=revision.application.environment,
                api_version="networking.k8s.io/v1",
                kind="Ingress",
                name=item["name"],
                hash=item["hash"],
                revision=revision,
                state="applied",
            )


def test_a_draft_says_what_was_typed_and_the_revision_where_it_answers(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    shown = add(api, app, ports=[{**ROUTED[0], "path": "/shop/"}])
    assert shown["ports"] == [
        {
            "name": "http",
            "number": 8080,
            "protocol": "TCP",
            "alias": "WEB",
            "inside": True,
            "outside": "http_route",
            "path": "/shop",
        }
    ]
    revision = settle(start(api, app))
    assert revision is not None
    assert revision.document["components"][0]["ports"][0]["route"] == {
        "host": "shop-web.test-internal.apps.example.com",
        "path": "/shop",
        "ingress_class": "nginx",
    }
    sent = {(item["kind"], item["name"]) for item in revision.objects_applied or []}
    assert {("Ingress", "shop-web"), ("Service", "shop-web"), ("NetworkPolicy", "shop-web-outside")} <= sent
    assert ("Service", "shop-web-outside") not in sent
    assert _refused(_deploy(cast, app))[:2] == (409, "nothing_changed")
    _cluster(app, ingress_domain="other.example.com")
    assert api.get(path_of(app)).json()["undeployed_changes"] == 1
    again = settle(start(api, app))
    assert again is not None
    assert again.document["components"][0]["ports"][0]["route"]["host"] == "shop-web.test-internal.other.example.com"


def test_a_cluster_without_class_or_domain_is_told_with_what_to_do(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app, ports=ROUTED)
    _cluster(app, ingress_domain=None)
    assert _refused(_deploy(cast, app)) == (
        409,
        "route_host_missing",
        [("/components/web/ports/0/host", "route_host_missing")],
    )
    planned = api.post(path_of(app, "deployments"), {"consents": []}, headers=key(), dry_run="true")
    assert _refused(planned)[:2] == (409, "route_host_missing")
    _cluster(app, ingress_class=None, ingress_domain="apps.example.com")
    response = _deploy(cast, app)
    assert _refused(response) == (
        409,
        "ingress_class_missing",
        [("/components/web/ports/0/outside", "ingress_class_missing")],
    )
    assert app.environment.cluster.name in response.json()["title"]
    assert "ingress class on the cluster's page" in response.json()["detail"]
    _cluster(app, ingress_class="nginx", ingress_domain=None)
    body = {"image": IMAGE, "ports": [{**ROUTED[0], "host": "shop.example.com"}]}
    assert api.put(path_of(app, "components", "web"), body).status_code == 200
    assert start(api, app).kind == "deploy"


def test_two_components_at_one_host_and_path_are_refused(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    ports = [{**ROUTED[0], "host": "shop.example.com"}]
    add(api, app, "web", ports=ports)
    add(api, app, "api", ports=ports)
    assert _refused(_deploy(cast, app)) == (422, "invalid", [("/components/api/ports/0/host", "duplicate")])


@pytest.mark.parametrize("standing", ["coming", "deployed", "kept after a failed change"])
def test_what_another_application_answers_at_is_taken(cast: Cast, app: Application, standing: str) -> None:
    api = cast.api("developer")
    ports = [{**ROUTED[0], "host": "shop.example.com"}]
    add(api, app, ports=ports)
    first = start(api, app)
    if standing != "coming":
        _sent(settle(first))
    if standing == "kept after a failed change":
        api.put(path_of(app, "components", "web"), {"image": IMAGE, "args": ["x"]})
        settle(start(api, app), "failed")
    elsewhere = make_environment(cast.team, app.environment.cluster)
    other = make_app(elsewhere, "other")
    add(api, other, ports=ports)
    assert _refused(_deploy(cast, other)) == (409, "route_taken", [("/components/web/ports/0/host", "route_taken")])
    body = {"image": IMAGE, "ports": [{**ports[0], "path": "/other"}]}
    api.put(path_of(other, "components", "web"), body)
    start(api, other)
    far = make_app(make_place(cast, "far"), "far")
    _cluster(far, ingress_class="nginx")
    add(api, far, ports=ports)
    start(api, far)


def test_a_draft_that_lost_its_route_frees_it_once_the_ingress_is_gone(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    ports = [{**ROUTED[0], "host": "shop.example.com"}]
    add(api, app, ports=ports)
    _sent(settle(start(api, app)))
    AppliedObject.objects.filter(application=app).update(state="removing")
    other = make_app(make_environment(cast.team, app.environment.cluster), "other")
    add(api, other, ports=ports)
    start(api, other)


def test_going_on_with_a_failed_one_asks_again_who_answers_there(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    ports = [{**ROUTED[0], "host": "shop.example.com"}]
    add(api, app, ports=ports)
    failed = start(api, app)
    settle(failed, "failed")
    other = make_app(make_environment(cast.team, app.environment.cluster), "other")
    add(api, other, ports=ports)
    start(api, other)
    response = api.post(f"operations/{failed.name}/retries", {}, headers=key())
    assert _refused(response)[:2] == (409, "route_taken")


def test_a_domain_is_a_name_and_leaves_room_for_what_stands_before_it(cast: Cast, app: Application) -> None:
    api, path = cast.api("admin"), f"clusters/{app.environment.cluster.slug}"
    assert _refused(api.patch(path, {"ingress_domain": "10.0.0.1"}))[2] == [("/ingress_domain", "malformed")]
    assert _refused(api.patch(path, {"ingress_domain": "*.example.com"}))[2] == [("/ingress_domain", "malformed")]
    long = ".".join(["a" * 40] * 4)
    assert _refused(api.patch(path, {"ingress_domain": long}))[2] == [("/ingress_domain", "too_long")]
    saved = api.patch(path, {"ingress_domain": "Apps.Example.com", "ingress_class": "traefik"}).json()
    assert (saved["ingress_domain"], saved["ingress_class"]) == ("apps.example.com", "traefik")


def test_a_plan_stands_on_where_it_leads() -> None:
    known: dict[str, Any] = {"revision": 1, "draft": None, "version": None, "mark": None, "values": {}}
    known |= {"accepts": "any", "quota": None, "cluster_uid": "u"}
    assert rows_fingerprint(**known) != rows_fingerprint(**known, routes=[["web", "http", {"host": "a"}]])


def test_of_two_who_ask_for_a_host_at_once_one_gets_it(people: Cast) -> None:
    place = make_place(people)
    Cluster.objects.update(ingress_class="nginx")
    apps = [make_app(make_environment(people.team, place.cluster), "shop") for _ in range(4)]
    for one in apps:
        add(people.api("developer"), one, ports=[{**ROUTED[0], "host": "shop.example.com"}])
    together = threading.Barrier(len(apps))

    def ask(one: Application) -> int:
        try:
            together.wait(10)
            return int(_deploy(people, one).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(apps)) as pool:
        answers = sorted(pool.map(ask, apps))
    assert answers == [202, 409, 409, 409]
    assert Revision.objects.count() == 1
