"""Environments: made whole on a real cluster, or not at all; limited to what their key may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from clusters import hooks
from clusters.actions.environments import sync_all
from clusters.kube import connect
from clusters.kube.errors import CredentialsRefused, Forbidden
from clusters.kube.keys import replace_key
from clusters.models import Cluster, Environment
from clusters.runners.prepare_environment import subject_of
from console.kit.errors import Rejected
from deploy.local.cluster import Cluster as LocalCluster
from operations.actions.enqueue import Subject
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.working import connect_row, ended, key, steps_of, unique

pytestmark = pytest.mark.django_db(transaction=True)

SYSTEM = "/api/v1/namespaces/waybill-system/serviceaccounts"


@pytest.fixture
def row(people: Cast, cluster: LocalCluster) -> Cluster:
    """The connected cluster."""
    return connect_row(people.enterprise, cluster)


@pytest.fixture
def slug(cluster: LocalCluster) -> Iterator[str]:
    """A slug of this test alone; whatever was made under it is removed."""
    name = unique("e")
    yield name
    cluster.api("DELETE", f"/api/v1/namespaces/{name}")
    for generation in (1, 2):
        cluster.api("DELETE", f"{SYSTEM}/{name}-{generation}")


def add(people: Cast, slug: str, **body: Any) -> Any:
    """Ask for an environment of the team by REST."""
    given = {"cluster": "intranet", "slug": slug, "name": slug, "stage": "test", **body}
    return people.api("admin").post("teams/shop/environments", given, headers=key())


def prepared(people: Cast, slug: str, **body: Any) -> Operation:
    """Ask for an environment and wait for the end of its operation."""
    answer = add(people, slug, **body)
    assert answer.status_code == 202, answer.content
    return ended(json.loads(answer.content)["id"])


def test_an_environment_is_made_whole(people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str) -> None:
    quota = {"cpu": "8", "memory": "16Gi", "storage": "100Gi", "pods": 100}
    done = prepared(people, slug, quota=quota)
    assert (done.state, done.outcome_params, done.changed) == ("succeeded", {}, "all")
    assert steps_of(done) == {**dict.fromkeys(steps_of(done), "done"), "pull_secret": "skipped"}
    environment = Environment.objects.get(slug=slug)
    assert (environment.state, environment.accepts, environment.namespace) == ("ready", "any", slug)
    namespace = cluster.get(f"/api/v1/namespaces/{slug}")["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"
    assert namespace["waybill.internal/environment"] == str(environment.pk)
    binding = cluster.get(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{slug}/rolebindings/waybill-deploy")
    account = {"kind": "ServiceAccount", "name": f"{slug}-1", "namespace": "waybill-system"}
    assert binding["subjects"] == [account]
    hard = cluster.get(f"/api/v1/namespaces/{slug}/resourcequotas/waybill")["spec"]["hard"]
    assert hard == {"limits.cpu": "8", "limits.memory": "16Gi", "requests.storage": "100Gi", "pods": "100"}
    assert cluster.get(f"/api/v1/namespaces/{slug}/limitranges/waybill")
    assert cluster.get(f"/apis/networking.k8s.io/v1/namespaces/{slug}/networkpolicies/waybill-default")
    words = list(AuditEvent.objects.filter(environment_id=environment.pk).values_list("action", flat=True))
    assert {"environment.created", "environment.prepared"} <= set(words)


def test_the_key_may_deliver_here_and_nothing_else(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str, namespace: str
) -> None:
    prepared(people, slug)
    environment = Environment.objects.get(slug=slug)
    kube = connect.for_environment(environment)
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": slug},
        "data": {"a": "1"},
    }
    made = kube.apply(manifest, "waybill:test")
    assert kube.delete("ConfigMap", "c", slug, uid=made.uid) is not None
    elsewhere = {**manifest, "metadata": {"name": "c", "namespace": namespace}}
    with pytest.raises(Forbidden):
        kube.apply(elsewhere, "waybill:test")
    for refused in (
        lambda: kube.list("Node"),
        lambda: kube.list("Pod"),
        lambda: kube.list("Secret", "kube-system"),
        lambda: kube.list("Role", slug),
        lambda: kube.token(f"{slug}-1", "waybill-system"),
        lambda: kube.create({**elsewhere, "kind": "Namespace", "metadata": {"name": unique()}}),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert not kube.may("create", "pods", subresource="exec", namespace=slug)
    assert not kube.may("deletecollection", "configmaps", namespace=slug)
    # The key lies outside: no pod of the environment can name it.
    accounts = cluster.get(f"/api/v1/namespaces/{slug}/serviceaccounts")["items"]
    assert [item["metadata"]["name"] for item in accounts] == ["default"]


class Guard:
    """Stands where an operation's guard stands, with the generation it would read."""

    def __init__(self, generation: int) -> None:
        self.generation = generation

    def before_write(self) -> None:
        """The lease holds."""

    def user_agent(self, step: str) -> str:
        """Name the test."""
        return f"waybill op-1 epoch/2 {step}"


def test_a_replaced_key_is_dead_and_the_new_one_works(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    prepared(people, slug)
    environment = Environment.objects.get(slug=slug)
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": slug}, "data": {}}
    late = connect.for_work(environment, Guard(1), "component:web")
    assert late.apply(manifest, "waybill:test").created
    replace_key(row, environment, 1, 2, Guard(2))
    with pytest.raises((Forbidden, CredentialsRefused)):
        late.apply({**manifest, "data": {"late": "1"}}, "waybill:test")
    new = connect.for_work(environment, Guard(2), "component:web")
    assert not new.apply({**manifest, "data": {"new": "1"}}, "waybill:test").created
    replace_key(row, environment, 1, 2, Guard(2))  # again, as after a crash: harmless
    assert cluster.api("GET", f"{SYSTEM}/{slug}-1")[0] == 404


def test_an_innocent_worker_takes_the_new_key_by_itself(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    """Another operation of the environment was taken over: its neighbours lose a round trip, no more."""
    prepared(people, slug)
    environment = Environment.objects.get(slug=slug)
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": slug}, "data": {}}

    class Learning(Guard):
        def before_write(self) -> None:
            """Read the generation anew, as the engine does."""
            self.generation = current[0]

    current = [1]
    kube = connect.for_work(environment, Learning(1), "component:web")
    kube.apply(manifest, "waybill:test")
    replace_key(row, environment, 1, 2, Guard(2))
    current[0] = 2
    assert not kube.apply({**manifest, "data": {"x": "1"}}, "waybill:test").created


def test_a_strangers_namespace_is_not_touched(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": slug, "labels": {"theirs": "1"}}})
    before = cluster.get(f"/api/v1/namespaces/{slug}")["metadata"]
    done = prepared(people, slug)
    assert (done.state, done.outcome_code) == ("failed", "namespace_exists")
    after = cluster.get(f"/api/v1/namespaces/{slug}")["metadata"]
    assert after["resourceVersion"] == before["resourceVersion"]
    environment = Environment.objects.get(slug=slug)
    assert environment.state == "failed"
    assert AuditEvent.objects.filter(action="environment.preparation_failed").exists()


def test_a_failure_takes_back_what_was_made_and_a_retry_makes_it(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    """A quota that no pod fits into fails the last step: nothing stays; with a better one, retrying succeeds."""
    done = prepared(people, slug, quota={"memory": "1Ki"})
    assert (done.state, done.outcome_code) == ("failed", "quota_refused")
    assert steps_of(done)["verify"] == "failed"
    assert steps_of(done)["undo"] == "done"
    assert cluster.api("GET", f"/api/v1/namespaces/{slug}")[0] == 404
    assert cluster.api("GET", f"{SYSTEM}/{slug}-1")[0] == 404
    api = people.api("admin")
    assert api.patch(f"environments/{slug}", {"quota": {"memory": "1Gi"}}).status_code == 200
    answer = api.post(f"operations/{done.name}/retries", {}, headers=key())
    assert answer.status_code == 202, answer.content
    again = ended(json.loads(answer.content)["id"])
    assert (again.state, again.outcome_params, again.retry_of) == ("succeeded", {}, done)
    assert Environment.objects.get(slug=slug).state == "ready"
    assert api.post(f"operations/{done.name}/retries", {}, headers=key()).status_code == 409


def test_a_failed_environment_can_be_let_go_of(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    prepared(people, slug, quota={"memory": "1Ki"})
    api = people.api("admin")
    assert api.delete(f"environments/{slug}").status_code == 204
    assert api.get(f"environments/{slug}").status_code == 404
    assert prepared(people, slug).state == "succeeded"
    answer = api.delete(f"environments/{slug}")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "in_use")


def test_another_cluster_at_the_address_is_noticed(people: Cast, loop: Loop, cluster: LocalCluster, slug: str) -> None:
    connect_row(people.enterprise, cluster, uid="another")
    done = prepared(people, slug)
    assert (done.state, done.outcome_code) == ("failed", "cluster_replaced")
    assert cluster.api("GET", f"/api/v1/namespaces/{slug}")[0] == 404


def test_a_key_of_another_console_is_not_taken(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "waybill-system"}})
    theirs = {"metadata": {"name": f"{slug}-1", "labels": {"waybill.internal/environment": "theirs"}}}
    cluster.create(SYSTEM, theirs)
    done = prepared(people, slug)
    assert (done.state, done.outcome_code) == ("failed", "object_name_taken")
    assert cluster.get(f"{SYSTEM}/{slug}-1")["metadata"]["labels"] == theirs["metadata"]["labels"]
    assert cluster.api("GET", f"/api/v1/namespaces/{slug}")[0] == 404


@pytest.fixture
def registries() -> Iterator[dict[str, Any]]:
    """What the app above says about registries; none at first."""
    said: dict[str, Any] = {}
    former = list(hooks._credentials)
    hooks.register_pull_credentials(lambda enterprise: said)
    yield said
    hooks._credentials[:] = former


def test_the_pull_secret_follows_the_registry(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str, registries: dict[str, Any]
) -> None:
    prepared(people, slug)
    subject = Subject("registry", None, "registry", "/api/v1/settings/registry")
    assert sync_all(enterprise=people.enterprise, subject=subject, acting_user=people.admin) is None
    registries["registry.example.com"] = {"user": "pull", "password": "hunter2"}
    batch = sync_all(enterprise=people.enterprise, subject=subject, acting_user=people.admin)
    assert batch is not None
    assert ended(batch.name).state == "succeeded"
    secret = cluster.get(f"/api/v1/namespaces/{slug}/secrets/waybill-registry")
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    environment = Environment.objects.get(slug=slug)
    assert environment.pull_secret_hash
    assert "hunter2" not in environment.pull_secret_hash
    assert sync_all(enterprise=people.enterprise, subject=subject, acting_user=people.admin) is None
    assert not Operation.objects.filter(state="failed").exists()


def test_a_new_quota_is_set_on_the_cluster(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    prepared(people, slug, quota={"cpu": "8"})
    api = people.api("admin")
    for quota, expected in [({"cpu": "4", "pods": 3}, {"limits.cpu": "4", "pods": "3"}), (None, None)]:
        answer = api.patch(f"environments/{slug}", {"quota": quota})
        assert answer.status_code == 200, answer.content
        ended(json.loads(answer.content)["operation"])
        status, live = cluster.api("GET", f"/api/v1/namespaces/{slug}/resourcequotas/waybill")
        assert (live["spec"]["hard"] if status == 200 else None) == expected


def test_a_team_is_made_with_its_environment(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    body = {
        "slug": slug,
        "name": "生产",
        "environment": {"cluster": "intranet", "stage": "production"},
        "members": [{"login": "delivery", "roles": ["delivery"]}],
    }
    answer = people.api("admin").post("teams", body)
    assert answer.status_code == 201, answer.content
    shown = json.loads(answer.content)
    environment = shown["environments"][0]
    assert (environment["slug"], environment["name"], environment["namespace"]) == (slug, "生产", slug)
    assert (environment["accepts"], environment["state"]) == ("release", "preparing")
    assert ended(environment["operation"]).state == "succeeded"
    shown = json.loads(people.api("delivery").get(f"teams/{slug}").content)
    assert shown["environments"][0]["state"] == "ready"


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        (
            "system:serviceaccount:tools:console",
            {"kind": "ServiceAccount", "namespace": "tools", "name": "console"},
        ),
        ("jane", {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}),
    ],
)
def test_the_consoles_own_account_as_a_subject(user: str, subject: dict[str, str]) -> None:
    assert subject_of(user) == subject


def test_refusals_of_a_key_are_final_when_nothing_changed(
    people: Cast, loop: Loop, row: Cluster, cluster: LocalCluster, slug: str
) -> None:
    prepared(people, slug)
    cluster.api("DELETE", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{slug}/rolebindings/waybill-deploy")
    kube = connect.for_environment(Environment.objects.get(slug=slug))
    with pytest.raises(Rejected):
        kube.list("Pod", slug)


def test_a_console_that_is_no_cluster_admin_can_do_all_this(
    people: Cast, loop: Loop, cluster: LocalCluster, slug: str, least_token: str
) -> None:
    """Made, changed, key replaced, failed and taken back: with the least rights."""
    row = connect_row(people.enterprise, cluster)
    row.seal_credential({"token": least_token})
    row.save()
    done = prepared(people, slug, quota={"cpu": "8"})
    assert (done.state, done.outcome_params) == ("succeeded", {})
    bound = cluster.get(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{slug}/rolebindings/waybill-prepare")
    assert bound["subjects"][0]["name"] == "waybill-console"
    environment = Environment.objects.get(slug=slug)
    replace_key(row, environment, 1, 2, Guard(2))
    assert connect.for_environment(environment, 2).may("create", "pods", namespace=slug)
    with pytest.raises(Forbidden):
        connect.for_cluster(row).list("Secret", slug)
    other = f"{slug}-b"
    failed = prepared(people, other, quota={"memory": "1Ki"})
    assert (failed.outcome_code, steps_of(failed)["undo"]) == ("quota_refused", "done")
    assert cluster.api("GET", f"/api/v1/namespaces/{other}")[0] == 404
