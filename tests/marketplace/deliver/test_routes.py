"""HTTP routes from a version to a real cluster: sent, seen, changed, taken away, brought back."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.duties.observe import observe_cluster
from clusters.models import AppliedObject, Cluster
from operations.engine.loop import Loop
from tests.marketplace.deliver.stage import Stage, done, operation, part

ROUTED = [{"number": 8080, "name": "http", "outside": "http_route"}]
HOST = {"address": "web.ports.http.host", "label": "Host", "type": "text"}


@pytest.fixture
def routed(stage: Stage, loop: Loop) -> Stage:
    """A cluster that has routes, and three versions: 1.0 and 1.1 with a route, 2.0 with a port of the nodes."""
    _cluster(stage, ingress_class="local", ingress_domain="apps.internal")
    stage.version("1.0", [part("web", 1, ports=ROUTED)], parameters=[HOST])
    stage.version("1.1", [part("web", 1, ports=[{**ROUTED[0], "path": "/shop"}])], parameters=[HOST])
    stage.version("2.0", [part("web", 1, ports=[{**ROUTED[0], "outside": "node_port"}])])
    return stage


def _cluster(stage: Stage, **columns: Any) -> None:
    Cluster.objects.filter(pk=stage.cluster.pk).update(**columns)
    stage.cluster.refresh_from_db()


def _rules(stage: Stage, place: str = "prod") -> dict[str, Any]:
    found = stage.house(place).listed("ingresses", "networking.k8s.io")
    return {name: (item["spec"]["ingressClassName"], item["spec"]["rules"]) for name, item in found.items()}


def _rule(host: str, path: str = "/") -> tuple[str, list[dict[str, Any]]]:
    service = {"name": "shop-web", "port": {"name": "http"}}
    way = {"path": path, "pathType": "Prefix", "backend": {"service": service}}
    return ("local", [{"host": host, "http": {"paths": [way]}}])


def _access(stage: Stage, place: str = "prod") -> list[dict[str, Any]]:
    observe_cluster(stage.cluster.pk)
    path = f"environments/{stage.slug(place)}/apps/shop"
    found: list[dict[str, Any]] = stage.cast.api("viewer").get(path).json()["access"]
    return found


def test_a_route_is_sent_seen_changed_taken_away_and_brought_back(routed: Stage) -> None:
    stage = routed
    own = f"shop-web.{stage.slug('prod')}.apps.internal"
    done(operation(stage.install("prod", version="1.0")))
    assert _rules(stage) == {"shop-web": _rule(own)}
    house = stage.house("prod")
    assert "shop-web-outside" in house.listed("networkpolicies", "networking.k8s.io")
    assert set(house.listed("services")) == {"shop-web"}
    entry = {"component": "web", "port": "http", "kind": "http_route", "node_port": None, "confirmed": False}
    assert _access(stage) == [{**entry, "url": f"http://{own}/"}]
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}}}
    path = f"/apis/networking.k8s.io/v1/namespaces/{stage.slug('prod')}/ingresses/shop-web/status"
    stage.real.api("PATCH", path, status, content_type="application/merge-patch+json")
    assert _access(stage) == [{**entry, "url": f"http://{own}/", "confirmed": True}]

    values = {"web.ports.http.host": "shop.example.internal"}
    planned = operation(stage.change("upgrades", "prod", version="1.1", values=values, query={"dry_run": "true"}))
    done(planned)
    assert planned.plan is not None
    assert planned.plan["routes"] == [{"component": "web", "port": "http", "url": "http://shop.example.internal/shop"}]
    unserved = {"code": "ingress_class_unknown", "params": {"cluster": "Here", "ingress_class": "local"}}
    assert unserved in planned.plan["warnings"], "nothing answers on played nodes, and the plan says so"
    changes = {change["field"]: change for change in planned.plan["components"][0]["changes"]}
    assert (changes["ports.http.host"]["from"], changes["ports.http.host"]["because"]) == (own, "values")
    assert changes["ports.http.path"]["to"] == "/shop"
    listed = {(item["kind"], item["name"]): item["action"] for item in planned.plan["objects"]["list"]}
    assert listed["Ingress", "shop-web"] == "change"
    done(operation(stage.change("upgrades", "prod", version="1.1", values=values)))
    assert _rules(stage) == {"shop-web": _rule("shop.example.internal", "/shop")}

    done(operation(stage.change("upgrades", "prod", version="2.0")))
    assert _rules(stage) == {}
    assert [one["kind"] for one in _access(stage)] == ["node_port"]
    app = stage.app("prod")
    assert not AppliedObject.objects.filter(application=app, kind="Ingress").exists()
    _cluster(stage, ingress_class="another", ingress_domain=None)
    done(operation(stage.change("rollbacks", "prod", revision=2)))
    assert _rules(stage) == {"shop-web": _rule("shop.example.internal", "/shop")}
    gone = stage.cast.api("delivery").delete(f"environments/{stage.slug('prod')}/apps/shop")
    done(operation(gone))
    assert _rules(stage) == {}


def test_two_environments_of_a_cluster_have_hosts_of_their_own(routed: Stage) -> None:
    stage = routed
    parent = stage.install("test", "prod", version="1.0")
    for child in operation(parent).children.all():
        done(child)
    for place in ("test", "prod"):
        assert _rules(stage, place) == {"shop-web": _rule(f"shop-web.{stage.slug(place)}.apps.internal")}


def test_what_another_answers_at_is_refused_wherever_it_is_asked_for(routed: Stage) -> None:
    stage = routed
    values = {"web.ports.http.host": "shop.example.internal"}
    done(operation(stage.install("test", version="1.0", values=values)))
    for query in ({}, {"dry_run": "true"}):
        refused = stage.install("prod", version="1.0", values=values, query=query)
        assert (refused.status_code, refused.json()["code"]) == (409, "route_taken")
        assert refused.json()["errors"][0]["pointer"] == "/values/web.ports.http.host"
    done(operation(stage.install("prod", version="1.0")))
    refused = stage.change("upgrades", "prod", version="1.0", values=values)
    assert (refused.status_code, refused.json()["code"]) == (409, "route_taken")
    other = {"web.ports.http.host": "other.example.internal"}
    done(operation(stage.change("upgrades", "test", version="1.0", values=other)))
    done(operation(stage.change("upgrades", "prod", version="1.0", values=values)))
    refused = stage.change("rollbacks", "test", revision=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "route_taken")


def test_a_cluster_without_routes_refuses_at_once_and_names_the_environment(routed: Stage) -> None:
    stage = routed
    _cluster(stage, ingress_class=None)
    refused = stage.install("test", "prod", version="1.0")
    assert (refused.status_code, refused.json()["code"]) == (409, "ingress_class_missing")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/environments/0", "/environments/1"]
    _cluster(stage, ingress_class="local", ingress_domain=None)
    refused = stage.install("prod", version="1.0")
    assert (refused.status_code, refused.json()["code"]) == (409, "route_host_missing")
    assert stage.install("prod", version="1.0", values={"web.ports.http.host": "a.internal"}).status_code == 202
