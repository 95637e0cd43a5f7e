"""HTTP routes: what may be said, where they answer, what is sent for them, and what is seen of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from clusters import reaching
from clusters.diff.components import component_changes, properties
from clusters.draft import undeployed
from clusters.manifests import render
from clusters.routing import Fault, Place, routed, routes_of, taken, url_of
from clusters.spec import Component, check_component
from clusters.spec.shape import Route
from clusters.values import Former, apply, check_parameters, portable, settle
from console.kit.errors import Invalid, Malformed
from tests.clusters.pure import samples

PLACE = Place("admin-console", "prod-qingdao", "Qingdao", "nginx", "apps.example.com")
OWN = Route(host="admin-console-web.prod-qingdao.apps.example.com", path="/", ingress_class="nginx")


def _component(**port: Any) -> Component:
    return samples.component(ports=[{"number": 8080, "name": "http", "outside": "http_route", **port}])


def _sample(**port: Any) -> list[Component]:
    """Give the components of the sample version, its page on a route."""
    document = samples.version()
    document["components"][0]["ports"][0].update({"outside": "http_route", **port})
    return [check_component(item, form="version") for item in document["components"]]


def _wrong(*ports: dict[str, Any], form: Any = "draft") -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refusal:
        check_component(samples.draft(ports=list(ports)), form=form)
    return [(error.pointer, error.code) for error in refusal.value.errors]


# --- What a port may say -------------------------------------------------------------------------------------------


def test_host_and_path_are_kept_as_said_and_only_then() -> None:
    assert not {"host", "path", "route"} & set(_component()["ports"][0])
    said = _component(host="shop.example.com", path="/shop/")["ports"][0]
    assert (said["host"], said["path"]) == ("shop.example.com", "/shop")


@pytest.mark.parametrize(
    "host", ["Shop.example.com", "*.example.com", "a..b", "-a.b", "10.0.0.1", "a_b", "a.b:80", "a/b"]
)
def test_a_host_is_a_name_in_lower_case(host: str) -> None:
    assert _wrong({"number": 80, "outside": "http_route", "host": host}) == [("/ports/0/host", "malformed")]


@pytest.mark.parametrize("path", ["shop", "//", "/a//b", "/a/../b", "/./a", "/a?b", "/a%2fb", "/a b", "/(a|b)"])
def test_a_path_begins_with_a_stroke_and_is_plain(path: str) -> None:
    assert _wrong({"number": 80, "outside": "http_route", "path": path}) == [("/ports/0/path", "malformed")]


def test_a_route_needs_a_tcp_port_reached_inside_and_is_the_only_one() -> None:
    assert _wrong({"number": 80, "outside": "http_route", "protocol": "UDP"}) == [
        ("/ports/0/outside", "route_not_possible")
    ]
    assert _wrong({"number": 80, "outside": "http_route", "inside": False}) == [
        ("/ports/0/outside", "route_not_possible")
    ]
    assert _wrong({"number": 80, "outside": "http_route"}, {"number": 81, "outside": "http_route"}) == [
        ("/ports/1/outside", "duplicate")
    ]
    assert _wrong({"number": 80, "host": "a.example.com"}) == [("/ports/0/host", "not_allowed")]
    assert _wrong({"number": 80, "outside": "node_port", "path": "/a"}) == [("/ports/0/path", "not_allowed")]


def test_where_it_answers_stands_in_revisions_only() -> None:
    port = {"number": 80, "name": "http", "outside": "http_route", "route": dict(OWN)}
    for form in ("draft", "version"):
        with pytest.raises(Malformed):
            check_component(samples.draft(ports=[port]), form=form)
    document = samples.version()["components"][0] | {"ports": [port]}
    assert check_component(document, form="revision")["ports"][0]["route"] == OWN


def test_a_name_the_cluster_would_refuse_is_refused() -> None:
    assert _wrong({"number": 80, "name": "a--b"}) == [("/ports/0/name", "malformed")]


# --- Values --------------------------------------------------------------------------------------------------------


def _settle(parts: list[Component], given: dict[str, Any], parameters: Any = ()) -> Any:
    declared = check_parameters(list(parameters), parts)
    return settle(
        parts,
        declared,
        given={"api.variables.SMTP_PASSWORD": "smtp", **given},
        former=Former(),
        generate=lambda rule: "g" * rule["length"],
        fingerprint=lambda value: f"fp-{value}",
    )


def test_an_environment_says_its_own_host_and_path() -> None:
    parts = _sample(path="/shop")
    settled = _settle(parts, {"web.ports.http.host": "qd.example.com", "web.ports.http.path": "/x/"})
    port = apply(parts, settled.values)[0]["ports"][0]
    assert (port["host"], port["path"]) == ("qd.example.com", "/x")


@pytest.mark.parametrize(
    ("address", "value", "code"),
    [
        ("web.ports.http.host", "*.example.com", "malformed"),
        ("web.ports.http.path", "x", "malformed"),
        ("web.ports.http.host", None, "required"),
        ("web.ports.http.node_port", 30000, "unknown_address"),
        ("db.ports.db.host", "db.example.com", "unknown_address"),
    ],
)
def test_wrong_values_are_refused_at_their_address(address: str, value: Any, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        _settle(_sample(), {address: value})
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [(f"/values/{address}", code)]


def test_host_and_path_may_be_declared_as_parameters() -> None:
    parts = _sample()
    declared = {"address": "web.ports.http.host", "label": "Host", "required": True}
    settled = _settle(parts, {}, [declared, {"address": "web.ports.http.path"}])
    assert settled.missing == ("web.ports.http.host",)
    assert _settle(parts, {"web.ports.http.host": "a.example.com"}, [declared]).missing == ()
    for wrong, place in (({"type": "number"}, "type"), ({"pattern": "a+"}, "pattern")):
        with pytest.raises(Invalid) as refusal:
            check_parameters([{**declared, **wrong}], parts)
        assert refusal.value.errors[0].pointer == f"/parameters/0/{place}"
    with pytest.raises(Invalid) as refusal:
        check_parameters([{"address": "api.ports.http.host"}], parts)
    assert refusal.value.errors[0].code == "unknown_address"


def test_what_is_published_says_no_more_than_was_typed() -> None:
    typed = routed([_component(path="/shop")], PLACE)[0][0]
    assert "route" in typed["ports"][0]
    published = portable(typed)["ports"][0]
    assert "route" not in published and "host" not in published and published["path"] == "/shop"


# --- Where they answer ---------------------------------------------------------------------------------------------


def test_a_route_gets_what_it_does_not_say_from_its_place() -> None:
    given = _component()
    found, faults = routed([given], PLACE)
    assert faults == [] and "route" not in given["ports"][0]
    assert [(own.component, own.port, own.route) for own in routes_of(found)] == [("web", "http", OWN)]
    assert url_of(OWN) == "http://admin-console-web.prod-qingdao.apps.example.com/"
    said = routed([_component(host="shop.example.com", path="/a")], PLACE)[0]
    assert routes_of(said)[0].route == Route(host="shop.example.com", path="/a", ingress_class="nginx")


def test_what_a_cluster_lacks_is_told() -> None:
    bare = Place("shop", "prod", "Qingdao", None, "apps.example.com")
    found, faults = routed([_component(host="a.example.com")], bare)
    assert routes_of(found) == []
    assert [(fault.code, fault.in_document) for fault in faults] == [
        ("ingress_class_missing", "/components/web/ports/0/outside")
    ]
    nameless = Place("shop", "prod", "Qingdao", "nginx", None)
    assert routed([_component(host="a.example.com")], nameless)[1] == []
    (fault,) = routed([_component()], nameless)[1]
    assert (fault.code, fault.in_values) == ("route_host_missing", "/values/web.ports.http.host")
    assert fault.notice == {
        "code": "route_host_missing",
        "params": {"cluster": "Qingdao", "component": "web", "port": "http"},
    }


def test_one_host_and_path_leads_to_one_component() -> None:
    one = _component(host="a.example.com")
    two = samples.component(key="api", ports=[{"number": 1, "outside": "http_route", "host": "a.example.com"}])
    found, faults = routed([one, two], PLACE)
    assert [(fault.code, fault.component) for fault in faults] == [("duplicate", "api")]
    other = samples.component(
        key="api", ports=[{"number": 1, "outside": "http_route", "host": "a.example.com", "path": "/api"}]
    )
    assert routed([one, other], PLACE)[1] == []
    assert taken(found[:1], {("a.example.com", "/")}, "Qingdao") == [
        Fault(
            *("web", "http", 0, "host"),
            "route_taken",
            {"cluster": "Qingdao", "host": "a.example.com", "path": "/"},
        )
    ]
    assert taken(found[:1], {("a.example.com", "/api")}, "Qingdao") == []


def test_a_draft_waits_when_its_route_would_lead_elsewhere_by_now() -> None:
    draft = [_component()]
    deployed = routed(draft, PLACE)[0]
    routes = routes_of(deployed)
    assert undeployed(draft, deployed, {}, routes) == []
    moved = Place(PLACE.app, PLACE.environment, PLACE.cluster, "traefik", PLACE.domain)
    assert undeployed(draft, deployed, {}, routes_of(routed(draft, moved)[0])) == ["web"]
    # A cluster that has no routes any more says nothing of where they would lead.
    none = Place(PLACE.app, PLACE.environment, PLACE.cluster, None, None)
    assert undeployed(draft, deployed, {}, routes_of(routed(draft, none)[0])) == []


def test_changes_name_where_it_answers() -> None:
    before = routed([_component()], PLACE)[0]
    assert properties(before[0])["ports.http.ingress_class"] == "nginx"
    after = routed([_component(host="shop.example.com")], PLACE)[0]
    values = {"web.ports.http.host": {"value": "shop.example.com", "origin": "given"}}
    (change,) = component_changes(before, after, values=values)[0]["changes"]  # type: ignore[arg-type]
    assert change == {
        "field": "ports.http.host",
        "from": OWN["host"],
        "to": "shop.example.com",
        "because": "values",
    }


# --- What is sent and seen -----------------------------------------------------------------------------------------


def test_a_route_is_an_ingress_and_opens_the_port() -> None:
    parts = routed(_sample(), PLACE)[0]
    bundle = render(samples.request(parts))
    found = {item.id: item.manifest for item in bundle.base if item.kind in ("Ingress", "NetworkPolicy")}
    assert found == samples.golden("route.json")
    assert [item.id for item in bundle.base if item.name.endswith("-outside") and item.kind == "Service"] == []
    service = next(item.manifest for item in bundle.base if item.id == "Service/admin-console-web")
    assert service["spec"]["ports"][0]["name"] == "http"


def test_a_route_that_was_not_settled_is_not_sent() -> None:
    with pytest.raises(ValueError, match="no host"):
        render(samples.request(_sample()))


def _ingress(**status: Any) -> dict[str, Any]:
    live = copy.deepcopy(samples.golden("route.json")["Ingress/admin-console-web"])
    return {**live, "status": {"loadBalancer": status}}


def test_an_address_is_told_as_it_stands_and_confirmed_by_a_controller_alone() -> None:
    parts: Any = routed(_sample(), PLACE)[0]
    entry = {"component": "web", "port": "http", "kind": "http_route", "node_port": None}
    url = url_of(OWN)
    look = [_ingress()]
    assert reaching.access_of("admin-console", parts, [], look, "10.0.0.9") == [
        {**entry, "url": url, "confirmed": False}
    ]
    look = [_ingress(ingress=[{"ip": "10.0.0.1"}])]
    assert reaching.access_of("admin-console", parts, [], look, None)[0]["confirmed"] is True
    look[0]["spec"]["rules"][0]["host"] = "by-hand.example.com"
    assert reaching.access_of("admin-console", parts, [], look, None)[0]["url"] == "http://by-hand.example.com/"
    assert reaching.access_of("admin-console", parts, [], [], None) == []
    assert reaching.access_of("admin-console", parts, [], None, None) == [{**entry, "url": url, "confirmed": None}]


def test_an_ingress_of_another_name_or_port_is_none_of_ours() -> None:
    parts: Any = routed(_sample(), PLACE)[0]
    other = _ingress()
    other["metadata"]["name"] = "another"
    assert reaching.access_of("admin-console", parts, [], [other], None) == []
    other = _ingress()
    other["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = {"number": 8080}
    assert reaching.access_of("admin-console", parts, [], [other], None) == []
