"""The image registry's page: tested, saved, and never telling a password."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from clusters.kube import connect
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from marketplace.models import ImageRegistry
from operations.engine.loop import Loop
from operations.models import Operation
from operations.starting import new_key
from teams.models import AuditEvent, User
from tests.builders import make_team
from tests.clusters.working import connect_row, ended, make_cluster
from tests.marketplace.world import make_template, make_version
from tests.pages.conftest import SignIn, person

PATH = "/settings/registry"
TYPED = {"address": "registry.example.com", "prefix": "library", "user": "ci", "password": "the-push-password"}


@pytest.fixture
def loop(admin: User) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=4)
    engine.start()
    yield engine
    engine.stop()
    connect.close_all()
    connection.close()


@pytest.fixture
def client(admin: User) -> Client:
    """The admin without a browser."""
    one = Client()
    one.force_login(admin)
    return one


def send(client: Client, act: str, **typed: Any) -> Any:
    return client.post(PATH, {"key": new_key(), "act": act, **typed})


def typed_for(registry: RegistryFacts, **changes: str) -> dict[str, str]:
    own = {"address": registry.address, "user": registry.user, "password": registry.password}
    return {**own, "prefix": f"library-{uuid.uuid4().hex[:8]}", "ca_pem": registry.ca_pem, **changes}


def test_it_is_set_in_three_clicks(
    signed_in: SignIn, admin: User, loop: Loop, cluster: LocalCluster, registry: RegistryFacts
) -> None:
    connect_row(admin.enterprise, cluster, name="内网集群")
    make_cluster(admin.enterprise, "dark", name="Dark")
    page = signed_in(admin)
    page.locator(".rail").get_by_role("link", name="Image registry").click()
    typed = typed_for(registry)
    assert page.get_attribute("#save", "aria-disabled") == "true"
    page.locator("summary", has_text="TLS").evaluate("one => one.parentNode.open = true")
    for name, value in typed.items():
        page.fill(f"#id_{name}", value)
    page.locator("#test").click()
    page.wait_for_selector("#save:not([aria-disabled])")
    told = page.locator(".checks").inner_text()
    assert "Pull from 内网集群" in told and "simulated" in told
    assert "Warning." in page.locator(".checks li", has_text="Pull from Dark").inner_text()
    page.fill("#id_prefix", "another")
    assert page.get_attribute("#save", "aria-disabled") == "true"
    page.fill("#id_prefix", typed["prefix"])
    page.locator("#save").click()
    page.wait_for_url(f"**{PATH}")
    assert "Saved." in page.inner_text("main") and "tested by 王芳" in page.inner_text("main")
    assert registry.password not in page.content()
    row = ImageRegistry.objects.get()
    assert (row.prefix, row.saved_untested) == (typed["prefix"], False)
    assert row.passwords()["password"] == registry.password


def test_a_test_that_failed_is_saved_only_with_the_tick(client: Client, loop: Loop, registry: RegistryFacts) -> None:
    typed = typed_for(registry, password="not-the-password")
    begun = send(client, "test", **typed)
    test = ended(begun["Location"].rpartition("=")[2])
    assert test.outcome_code == "registry_refused_login"
    shown = client.get(begun["Location"]).content.decode()
    assert "refused user" in shown and "Check the name and password" in shown and "not-the-password" not in shown
    left = {**{name: typed[name] for name in ("address", "prefix", "user", "ca_pem")}, "test": test.name}
    refused = send(client, "save", **left)
    assert refused.status_code == 409 and 'id="id_save_untested_error"' in refused.content.decode()
    assert not ImageRegistry.objects.exists()
    again = send(client, "test", **left)
    assert ended(again["Location"].rpartition("=")[2]).outcome_code == "registry_refused_login"
    assert send(client, "save", **left, save_untested="on")["Location"] == PATH
    row = ImageRegistry.objects.get()
    assert row.saved_untested and row.passwords()["password"] == "not-the-password"
    assert AuditEvent.objects.filter(action="registry.saved_untested").count() == 1
    assert "saved untested" in client.get(PATH).content.decode()


def test_other_fields_than_the_tested_ones_are_not_saved(client: Client, loop: Loop, registry: RegistryFacts) -> None:
    typed = typed_for(registry)
    test = ended(send(client, "test", **typed)["Location"].rpartition("=")[2])
    assert test.state == "succeeded"
    left = {**typed, "password": "", "test": test.name}
    for changes in ({"prefix": "another"}, {"password": "typed anew"}, {"plain_http": "on"}):
        refused = send(client, "save", **{**left, "password": typed["password"], **changes})
        assert refused.status_code == 409 and 'id="id_save_untested_error"' in refused.content.decode()
    assert not ImageRegistry.objects.exists()
    assert send(client, "save", **left)["Location"] == PATH
    assert ImageRegistry.objects.get().test == test


def test_a_saved_password_stays_and_travels_nowhere_else(client: Client) -> None:
    assert send(client, "save", **TYPED, save_untested="on").status_code == 302
    shown = client.get(PATH).content.decode()
    assert TYPED["password"] not in shown and "Set, never shown" in shown
    kept = {**TYPED, "password": ""}
    assert send(client, "save", **kept, save_untested="on").status_code == 302
    assert ImageRegistry.objects.get().passwords()["password"] == TYPED["password"]
    elsewhere = send(client, "test", **{**kept, "address": "registry.example.org"})
    assert elsewhere.status_code == 422 and 'id="id_password_error"' in elsewhere.content.decode()
    assert not Operation.objects.filter(kind="registry_test").exists()


def test_faults_stand_beside_their_fields_and_what_was_typed_stays(client: Client) -> None:
    answer = send(client, "test", **{**TYPED, "address": "no address!", "ca_pem": "no certificate"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_address_error"' in shown and 'id="id_ca_pem_error"' in shown
    assert "no address!" in shown and TYPED["password"] not in shown


def test_versions_that_stay_where_they_are_are_named_before_saving(client: Client, admin: User) -> None:
    send(client, "save", **TYPED, save_untested="on")
    template = make_template(make_team(admin.enterprise, "shop"), "admin-console", name="Admin console")
    make_version(template, "1.0", admin)
    assert "keeps its old address" not in client.get(PATH).content.decode()
    moved = send(client, "save", **{**TYPED, "prefix": "other"}).content.decode()
    assert "1 version keeps its old address" in moved and "registry.example.com/library" in moved
    assert 'href="/market/admin-console/versions/1.0"' in moved
    assert send(client, "save", **{**TYPED, "prefix": "other"}, save_untested="on").status_code == 302
    assert "1 version keeps its old address" in client.get(PATH).content.decode()


def test_two_who_save_at_once_do_not_overwrite_each_other(client: Client) -> None:
    send(client, "save", **TYPED, save_untested="on")
    version = ImageRegistry.objects.get().row_version
    assert send(client, "save", **TYPED, save_untested="on", version=version).status_code == 302
    late = send(client, "save", **{**TYPED, "user": "other"}, save_untested="on", version=version)
    assert late.status_code == 412 and ImageRegistry.objects.get().user == "ci"


def test_the_page_is_there_for_enterprise_admins_alone(client: Client, admin: User) -> None:
    one = Client()
    one.force_login(person(admin.enterprise, "hanmei", enterprise_roles=["market_admin"]))
    assert one.get(PATH).status_code == 404 and send(one, "test", **TYPED).status_code == 404
    assert client.get(PATH).status_code == 200
    assert client.get(f"{PATH}?test=op-999").status_code == 404
