"""HTTP routes on pages: chosen in the form of a component, offered to installers, shown where an app is reached."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import Application, Cluster, Component
from marketplace.models import Publication, Version
from tests.cast import Cast
from tests.clusters.apps import add, make_app, make_place, settle, start
from tests.marketplace import world
from tests.pages.test_apps import APP, BARE, seen
from tests.pages.test_install import place
from tests.pages.test_market import client_of, text_of

ROUTED = {"name": "http", "number": 8080, "outside": "http_route"}
PORT = {
    "ports_count": "2",
    "ports_0_number": "8080",
    "ports_0_name": "http",
    "ports_0_protocol": "TCP",
    "ports_0_inside": "on",
}
HOST = "shop-web.test-internal.apps.example.com"


@pytest.fixture
def app(cast: Cast) -> Application:
    """An empty application on a cluster that has routes."""
    row = make_app(make_place(cast))
    _cluster(ingress_class="nginx", ingress_domain="apps.example.com")
    return row


def _cluster(**columns: Any) -> None:
    Cluster.objects.update(**columns)


def _port() -> dict[str, Any]:
    found: dict[str, Any] = Component.objects.get().definition["ports"][0]
    return found


def test_the_form_says_what_a_route_will_be(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    told = text_of(client.get(f"{APP}/components/new"))
    assert "Left empty, the host is shop-….test-internal.apps.example.com and the path is /." in told
    _cluster(ingress_domain=None)
    assert "has no ingress domain, so a host must be given" in text_of(client.get(f"{APP}/components/new"))
    _cluster(ingress_class=None)
    assert "has no ingress class, so none can be deployed there yet" in text_of(client.get(f"{APP}/components/new"))


def test_a_route_is_chosen_changed_and_given_up_in_the_form(cast: Cast, app: Application) -> None:
    client = client_of(cast.developer)
    routed = {**BARE, **PORT, "ports_0_outside": "http_route", "ports_0_host": "shop.example.com"}
    assert client.post(f"{APP}/components/new", {**routed, "ports_0_path": "/shop/"}).status_code == 302
    assert (_port()["outside"], _port()["host"], _port()["path"]) == ("http_route", "shop.example.com", "/shop")
    page = client.get(f"{APP}/components/web").content.decode()
    assert 'value="shop.example.com"' in page and 'value="/shop"' in page

    wrong = client.post(f"{APP}/components/web", {**routed, "ports_0_host": "*.example.com"})
    assert wrong.status_code == 422 and "Write it like “shop.example.com”." in wrong.content.decode()
    without = {name: value for name, value in routed.items() if name != "ports_0_inside"}
    refused = client.post(f"{APP}/components/web", without)
    assert refused.status_code == 422 and "Make it a TCP port that is reached inside" in text_of(refused)

    # What the route said goes with it, and what is typed for none is told.
    given_up = {**routed, "ports_0_path": "/shop", "ports_0_outside": "none"}
    assert client.post(f"{APP}/components/web", given_up).status_code == 302
    assert _port()["outside"] == "none" and "host" not in _port() and "path" not in _port()
    assert client.post(f"{APP}/components/web", given_up).status_code == 422


def test_what_a_cluster_lacks_is_said_before_anything_runs(cast: Cast, app: Application) -> None:
    add(cast.api("developer"), app, ports=[ROUTED])
    _cluster(ingress_class=None)
    shown = text_of(client_of(cast.developer).get(f"{APP}/deploy"))
    assert "has no ingress class, so no HTTP route leads into it." in shown
    assert "enter the ingress class on the cluster's page" in shown.replace("&#x27;", "'")


def test_an_app_shows_where_it_is_reached_and_claims_no_answer(cast: Cast, app: Application) -> None:
    add(cast.api("developer"), app, ports=[ROUTED])
    settle(start(cast.api("developer"), app))
    entry = {"component": "web", "port": "http", "kind": "http_route", "node_port": None, "url": f"http://{HOST}/"}
    status = seen(app, access=[{**entry, "confirmed": False}])
    client = client_of(cast.developer)
    page = client.get(APP)
    assert f'href="http://{HOST}/"' in page.content.decode()
    assert "No ingress controller has confirmed this route yet" in text_of(page)
    assert "Open web" not in text_of(page)
    status.access = [{**entry, "confirmed": True}]
    status.save()
    told = text_of(client.get(APP))
    assert "Open web" in told and "has confirmed" not in told


def _version(cast: Cast, *parameters: dict[str, Any]) -> Version:
    template = world.make_template(cast.team, "back-office", name="Back office")
    component = world.part("web", "registry.example.com/dev/web:1", f"sha256:{'ab' * 32}", ports=[ROUTED])
    return world.make_version(template, "3.0", cast.developer, [component], parameters=parameters, mark="release")


def test_an_installer_sees_where_it_will_answer_and_may_say_another_host(cast: Cast) -> None:
    _version(cast, {"address": "web.ports.http.host", "label": "Address", "type": "text"})
    where = place(cast.team, "test-one")
    Cluster.objects.filter(pk=where.cluster_id).update(ingress_class="nginx", ingress_domain="apps.example.com")
    client = client_of(cast.developer)
    address = "/market/back-office/install?version=3.0&env=test-one"
    told = text_of(client.get(address))
    assert "Address" in told and "the host is made from the names of app, component and environment" in told
    assert "HTTP routes: http://back-office-web.test-one.apps.example.com/" in told
    sent = {
        "do": "plan",
        "environments": "test-one",
        "app_name": "Back office",
        "app_slug": "back-office",
        "version": "3.0",
        "values_web.ports.http.host": "Office",
    }
    wrong = client.post("/market/back-office/install", sent)
    assert wrong.status_code == 422 and "Write it like “shop.example.com”." in wrong.content.decode()
    Cluster.objects.filter(pk=where.cluster_id).update(ingress_domain=None)
    told = text_of(client.get(address))
    assert "has no ingress domain to make one from" in told


def test_a_publisher_may_offer_host_and_path(cast: Cast) -> None:
    world.make_registry(cast.admin, "registry.example.com")
    web = world.part(
        "web", "registry.example.com/dev/web:1", f"sha256:{'a' * 64}", ports=[{**ROUTED, "path": "/office"}]
    )
    world.deployed(place(cast.team, "test-one"), [web])
    client, path = client_of(cast.developer), "/environments/test-one/apps/back-office/publish"
    page = client.get(path)
    assert "web.ports.http.host" in text_of(page) and "/office" in text_of(page)
    wish = {
        "key": "k-1",
        "new_name": "Back office",
        "new_scope": "enterprise",
        "number": "1.0",
        "components": ["web"],
        "offer_web.ports.http.host": "on",
        "label_web.ports.http.host": "Address",
        "type_web.ports.http.host": "text",
    }
    assert client.post(path, wish).status_code == 302
    assert Publication.objects.get().settings["parameters"] == [
        {"address": "web.ports.http.host", "label": "Address", "type": "text", "required": False}
    ]
