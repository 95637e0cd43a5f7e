"""The image registry: tested for real, saved, and what a password may be used for."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from clusters.kube import connect
from clusters.models import Cluster
from deploy.local.authority import Authority
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.ground import registry_body
from deploy.local.plan import RegistryFacts
from marketplace import registries
from marketplace.models import ImageRegistry
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.delivery.house import prepare
from tests.clusters.working import connect_row, ended, make_cluster, make_environment, steps_of
from tests.marketplace import world
from tests.marketplace.world import key


def settings_of(registry: RegistryFacts, **changes: Any) -> dict[str, Any]:
    """The registry as it is typed, under a prefix of this test alone."""
    return {**registry_body(registry), "prefix": f"library-{uuid.uuid4().hex[:8]}", **changes}


def run_test(people: Cast, body: dict[str, Any]) -> Operation:
    answer = people.api("admin").post("settings/registry/tests", body, headers=key())
    assert answer.status_code == 202, answer.content
    return ended(answer.json()["id"])


@pytest.fixture
def connected(people: Cast, clusters: dict[str, LocalCluster]) -> dict[str, Cluster]:
    """Two real clusters, and one that does not answer."""
    rows = {slug: connect_row(people.enterprise, clusters[slug], slug) for slug in ("intranet", "aliyun-qingdao")}
    return {**rows, "dark": make_cluster(people.enterprise, "dark")}


def test_a_test_signs_in_pushes_and_lets_every_cluster_pull(
    loop: Loop, people: Cast, connected: dict[str, Cluster], registry: RegistryFacts
) -> None:
    body = settings_of(registry)
    operation = run_test(people, body)
    assert operation.state == "succeeded"
    assert steps_of(operation) == {
        "login": "done",
        "push": "done",
        "pull:aliyun-qingdao": "done",
        "pull:dark": "warning",
        "pull:intranet": "done",
        "clean": "done",
    }
    shown = people.api("admin").get(f"operations/{operation.name}").json()
    messages = {step["key"]: step["message"] and step["message"]["code"] for step in shown["steps"]}
    assert messages["pull:intranet"] == "pull_played", "its nodes are played, and it says so"
    assert messages["pull:dark"] == "cluster_unreachable"
    assert shown["result"]["pull"] == {"aliyun-qingdao": "played", "dark": "fail", "intranet": "played"}
    for cluster in (connected["intranet"], connected["aliyun-qingdao"]):
        left = connect.for_cluster(cluster).get("Namespace", f"waybill-check-{operation.name}")
        assert left is None or "deletionTimestamp" in left["metadata"]
    assert registry.password not in str(shown) and registry.password not in str(operation.input)
    assert AuditEvent.objects.get(action="registry.tested").after["push"] == "pass"  # type: ignore[index]

    answer = people.api("admin").put("settings/registry", {"test": operation.name})
    assert answer.status_code == 200, answer.content
    saved = answer.json()
    assert (saved["address"], saved["prefix"], saved["password_set"]) == (body["address"], body["prefix"], True)
    assert saved["tested"]["login"] == saved["tested"]["push"] == "pass"
    assert (saved["tested"]["pull"]["dark"], saved["saved_untested"], saved["operation"]) == ("fail", False, None)
    read = people.api("admin").get("settings/registry")
    assert {**read.json(), "operation": None} == saved
    assert registry.password not in answer.content.decode() + read.content.decode()
    row = ImageRegistry.objects.get()
    assert row.passwords() == {"password": registry.password, "pull_password": registry.pull_password}
    assert registry.password not in row.sealed
    assert registries.pull_credentials(people.enterprise) == {
        registry.address: {"user": registry.pull_user, "password": registry.pull_password}
    }


@pytest.mark.parametrize(
    ("changes", "code", "step"),
    [
        ({"password": "wrong"}, "registry_refused_login", "login"),
        ({"pull_password": "wrong"}, "registry_refused_login", "login"),
        ({"ca_pem": None}, "tls_not_trusted", "login"),
        ({"address": "127.0.0.1:1"}, "registry_unreachable", "login"),
        ({"address": "registry.invalid"}, "registry_unreachable", "login"),
        ({"plain_http": True}, "registry_failed", "login"),
        ({"address": "169.254.169.254"}, "address_denied", "login"),
    ],
)
def test_a_test_that_fails_says_why_and_cannot_be_saved(
    loop: Loop, people: Cast, registry: RegistryFacts, changes: dict[str, Any], code: str, step: str
) -> None:
    operation = run_test(people, settings_of(registry, **changes))
    assert (operation.state, operation.outcome_code) == ("failed", code)
    assert steps_of(operation)[step] == "failed"
    answer = people.api("admin").put("settings/registry", {"test": operation.name})
    assert (answer.status_code, answer.json()["code"]) == (409, "check_failed")
    assert answer.json()["params"] == {"checks": ["login"]}
    assert not ImageRegistry.objects.exists()


def test_saving_gives_every_ready_environment_its_pull_secret(
    loop: Loop, people: Cast, clusters: dict[str, LocalCluster], registry: RegistryFacts
) -> None:
    cluster = connect_row(people.enterprise, clusters["intranet"])
    place = make_environment(people.team, cluster)
    prepare(place)
    answer = people.api("admin").put("settings/registry", {**settings_of(registry), "save_untested": True})
    assert answer.status_code == 200, answer.content
    batch = ended(answer.json()["operation"])
    assert (batch.state, batch.kind, batch.children.count()) == ("succeeded", "batch", 1)
    secret = connect.for_cluster(cluster).get("Secret", "waybill-registry", place.namespace)
    assert secret is not None and secret["type"] == "kubernetes.io/dockerconfigjson"
    live = connect.for_cluster(cluster).get("Namespace", place.namespace)
    assert live is not None
    connect.for_cluster(cluster).delete("Namespace", place.namespace, uid=live["metadata"]["uid"])


# --- Saving ----------------------------------------------------------------------------------------------------------

TYPED = {"address": "registry.example.com", "prefix": "library", "user": "ci", "password": "p1"}


def put(people: Cast, **changes: Any) -> Any:
    return people.api("admin").put("settings/registry", {**TYPED, **changes})


def test_untested_settings_need_the_explicit_word_and_are_audited_as_such(people: Cast) -> None:
    answer = put(people)
    assert (answer.status_code, answer.json()["code"]) == (409, "settings_untested")
    assert put(people, save_untested=True).json()["saved_untested"] is True
    event = AuditEvent.objects.get(action="registry.saved_untested")
    assert event.after is not None and event.after["password"] == "(changed)"
    assert "p1" not in str(event.after)


def test_another_password_updates_and_another_address_is_a_new_row(people: Cast) -> None:
    put(people, save_untested=True)
    first = ImageRegistry.objects.get()
    put(people, password="p2", save_untested=True)
    assert ImageRegistry.objects.get().pk == first.pk
    template = world.make_template(people.team)
    world.make_version(template, "1.0", people.developer)
    answer = put(people, address="other.example.com", save_untested=True)
    assert answer.json()["versions_elsewhere"] == 1
    states = dict(ImageRegistry.objects.values_list("address", "state"))
    assert states == {"registry.example.com": "former", "other.example.com": "current"}
    assert set(registries.pull_credentials(people.enterprise)) == set(states), "what runs from the former still pulls"
    put(people, save_untested=True, password="p3")
    assert ImageRegistry.objects.get(state="current").pk == first.pk, "going back is the same registry"
    assert ImageRegistry.objects.count() == 2


def test_an_empty_password_stands_for_the_saved_one_of_the_same_address_and_user(people: Cast) -> None:
    put(people, save_untested=True, pull_user="puller", pull_password="pp")
    without = {name: value for name, value in TYPED.items() if name != "password"}
    api = people.api("admin")
    kept = api.put("settings/registry", {**without, "prefix": "other", "pull_user": "puller", "save_untested": True})
    assert kept.status_code == 200
    assert ImageRegistry.objects.get(state="current").passwords() == {"password": "p1", "pull_password": "pp"}
    for change in (
        {"address": "evil.example.com"},
        {"user": "other"},
        {"plain_http": True},
        {"ca_pem": Authority.make("another").pem},
    ):
        answer = api.put("settings/registry", {**without, **change, "save_untested": True})
        faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
        assert (answer.status_code, faults) == (422, [("/password", "required")]), change


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"address": "https://registry.example.com"}, "/address", "reference_not_valid"),
        ({"prefix": "Not A Prefix"}, "/prefix", "reference_not_valid"),
        ({"ca_pem": "no certificate"}, "/ca_pem", "malformed"),
        ({"password": None}, "/password", "required"),
        ({"pull_user": "puller"}, "/pull_password", "required"),
        ({"address": None}, "/address", "required"),
        ({"test": "op-1"}, "/address", "not_allowed"),
    ],
)
def test_every_wrong_field_is_pointed_at(people: Cast, changes: dict[str, Any], pointer: str, code: str) -> None:
    answer = put(people, save_untested=True, **changes)
    assert answer.status_code == 422, answer.content
    assert (pointer, code) in [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert not ImageRegistry.objects.exists()


def test_a_test_that_is_none_and_one_whose_passwords_are_wiped_cannot_be_saved(people: Cast) -> None:
    api = people.api("admin")
    answer = api.put("settings/registry", {"test": "op-999999"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/test")
    old = world.operation_done(people.enterprise, "registry_test")
    answer = api.put("settings/registry", {"test": old.name})
    assert (answer.status_code, answer.json()["code"]) == (409, "check_expired")


def test_a_stale_tag_is_refused(people: Cast) -> None:
    put(people, save_untested=True)
    tag = people.api("admin").get("settings/registry").headers["ETag"]
    put(people, password="p2", save_untested=True)
    answer = people.api("admin").put("settings/registry", {**TYPED, "save_untested": True}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (412, "etag_mismatch")


@pytest.mark.parametrize(
    ("who", "status"), [("lead", 403), ("developer", 403), ("market", 403), ("loner", 403), ("nobody", 401)]
)
def test_only_an_enterprise_admin_sees_and_sets_it(people: Cast, who: str, status: int) -> None:
    api = people.api(who)
    assert api.get("settings/registry").status_code == status
    assert api.put("settings/registry", {**TYPED, "save_untested": True}).status_code == status
    assert api.post("settings/registry/tests", TYPED, headers=key()).status_code == status
    assert not ImageRegistry.objects.exists()


def test_each_enterprise_has_its_own(people: Cast) -> None:
    put(people, save_untested=True)
    assert people.api("stranger").get("settings/registry").status_code == 404
    assert people.api("stranger").put("settings/registry", {**TYPED, "save_untested": True}).status_code == 200
    assert ImageRegistry.objects.filter(state="current").count() == 2
