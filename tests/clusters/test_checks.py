"""Checking and connecting a cluster: each of the seven questions, passed and failed, on real clusters."""

from __future__ import annotations

import base64
import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from clusters.kube import checks
from clusters.models import Cluster
from console.kit.codes import CODES
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from operations.engine.loop import Loop
from operations.models import Duty, Operation
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.working import connect_row, ended, key, make_cluster, steps_of

pytestmark = pytest.mark.django_db(transaction=True)


def typed(local: LocalCluster, **changes: Any) -> dict[str, Any]:
    """Give what an admin types for a cluster."""
    return {"endpoint": local.endpoint, "token": local.admin_token, "ca_pem": local.ca_pem, **changes}


def check(people: Cast, body: dict[str, Any]) -> Operation:
    """Start a check by REST and wait for its end."""
    answer = people.api("admin").post("cluster-checks", body, headers=key())
    assert answer.status_code == 202, answer.content
    return ended(json.loads(answer.content)["id"])


def connect(people: Cast, operation: Operation, **body: Any) -> Any:
    """Connect what was checked."""
    return people.api("admin").post("clusters", {"check": operation.name, "name": "Qingdao", **body})


def test_a_good_cluster_passes_and_is_connected(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    done = check(people, {"kubeconfig": cluster.kubeconfig()})
    assert (done.state, done.outcome_code) == ("succeeded", None)
    assert steps_of(done) == {**dict.fromkeys(steps_of(done), "done"), "registry_pull": "warning"}
    answer = connect(people, done, slug="aliyun-qingdao")
    assert answer.status_code == 201, answer.content
    assert answer.headers["Location"] == "/api/v1/clusters/aliyun-qingdao"
    shown = json.loads(answer.content)
    assert (shown["name"], shown["endpoint"], shown["health"]["state"]) == ("Qingdao", cluster.endpoint, "online")
    assert shown["version"].startswith("v1.")
    row = Cluster.objects.get()
    assert row.credential() == {"token": cluster.admin_token}
    assert cluster.admin_token not in row.sealed + answer.content.decode()
    assert set(Duty.objects.filter(subject_id=row.pk).values_list("kind", flat=True)) == {
        "probe_cluster",
        "observe_cluster",
    }
    words = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"cluster.checked", "cluster.connected"} <= words


def test_a_cluster_is_connected_once(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    connect_row(people.enterprise, cluster)
    answer = connect(people, check(people, typed(cluster)))
    assert answer.status_code == 409
    assert json.loads(answer.content)["code"] == "cluster_connected_already"


def test_credentials_are_replaced_by_those_of_a_passed_check(
    people: Cast, loop: Loop, cluster: LocalCluster, least_token: str
) -> None:
    row = connect_row(people.enterprise, cluster)
    done = check(people, typed(cluster, token=least_token))
    answer = people.api("admin").patch(f"clusters/{row.slug}", {"check": done.name, "name": "Renamed"})
    assert answer.status_code == 200, answer.content
    row.refresh_from_db()
    assert (row.credential(), row.name) == ({"token": least_token}, "Renamed")
    assert least_token not in answer.content.decode()
    event = AuditEvent.objects.get(action="cluster.credentials_replaced")
    assert event.after is not None and event.after["check"] == done.name
    assert least_token not in json.dumps([event.before, event.after])


def test_another_cluster_takes_nobodys_place(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    row = connect_row(people.enterprise, cluster)
    Cluster.objects.filter(pk=row.pk).update(uid="another")
    answer = people.api("admin").patch(
        f"clusters/{row.slug}", {"check": check(people, typed(cluster)).name, "name": "N"}
    )
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "another_cluster")
    row.refresh_from_db()
    assert row.name != "N", "both or nothing"


def test_names_are_refused_when_taken(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    make_cluster(people.enterprise, "taken", name="Taken")
    done = check(people, typed(cluster))
    for body, code in [({"slug": "taken"}, "slug_taken"), ({"name": "Taken"}, "name_taken")]:
        answer = connect(people, done, **body)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (409, code)
    assert connect(people, done, slug="api").status_code == 422
    assert json.loads(connect(people, done, name="青岛").content)["slug"] == "qing-dao"


def test_wrong_ca(people: Cast, loop: Loop, cluster: LocalCluster, registry: RegistryFacts) -> None:
    done = check(people, typed(cluster, ca_pem=None))
    assert (done.state, done.outcome_code) == ("failed", "tls_not_trusted")
    assert steps_of(done)["tls"] == "failed"
    assert steps_of(done)["authentication"] == "skipped"
    answer = connect(people, done)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "check_failed")


def jwt(**claims: Any) -> str:
    """Make a token that nobody signed."""
    parts = [{"alg": "RS256"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*coded, "c2ln"])


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("not-a-token", "credentials_refused"),
        (jwt(exp=4_102_444_800), "credentials_refused"),
        (jwt(exp=1_600_000_000), "credentials_expired"),
    ],
)
def test_bad_credentials(people: Cast, loop: Loop, cluster: LocalCluster, token: str, code: str) -> None:
    done = check(people, typed(cluster, token=token))
    assert (done.state, done.outcome_code) == ("failed", code)
    assert steps_of(done)["authentication"] == "failed"


def test_nobody_listens(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    done = check(people, typed(cluster, endpoint="https://127.0.0.1:1"))
    assert (done.outcome_code, done.outcome_params) == (
        "address_unreachable",
        {"host": "127.0.0.1", "reason": "refused"},
    )
    assert steps_of(done) == {
        "address": "done",
        "tcp": "failed",
        **dict.fromkeys(["tls", "authentication", "permissions", "version", "registry_pull"], "skipped"),
    }


def test_no_tls_there(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        answer = people.api("admin").post(
            "cluster-checks",
            typed(cluster, endpoint=f"https://127.0.0.1:{server.getsockname()[1]}"),
            headers=key(),
        )
        name = json.loads(answer.content)["id"]
        for _ in range(100):
            try:
                plain, _address = server.accept()
            except TimeoutError:
                if not Operation.objects.get().is_active:
                    break
                continue
            plain.settimeout(0.2)
            try:
                plain.recv(100)
                plain.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            except OSError:
                pass
            plain.close()
    assert ended(name).outcome_code == "tls_not_trusted"


def test_an_unknown_name(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    done = check(people, typed(cluster, endpoint="https://nowhere.invalid:6443"))
    assert done.outcome_params == {"host": "nowhere.invalid", "reason": "name_unknown"}


def test_denied_addresses(people: Cast, loop: Loop, cluster: LocalCluster, settings: Settings) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = ()
    for endpoint in (cluster.endpoint, "https://169.254.169.254", "https://[::1]:6443"):
        done = check(people, typed(cluster, endpoint=endpoint))
        assert done.outcome_code == "address_denied"


@pytest.fixture
def weak_token(cluster: LocalCluster, namespace: str) -> str:
    """A token that may do nothing."""
    cluster.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "weak"}})
    body = {"spec": {"expirationSeconds": 3600}}
    _status, answer = cluster.api("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/weak/token", body)
    return str(answer["status"]["token"])


def test_a_missing_right_is_named_with_all_others(
    people: Cast, loop: Loop, cluster: LocalCluster, weak_token: str
) -> None:
    done = check(people, typed(cluster, token=weak_token))
    assert (done.outcome_code, done.outcome_params) == (
        "permission_missing",
        {"verb": "get", "resource": "namespaces"},
    )
    lacking = done.steps.get(key="permissions").observed["missing"]
    assert len(lacking) == len(checks.RIGHTS)
    assert {"verb": "create", "resource": "serviceaccounts/token (waybill-system)"} in lacking


def test_the_least_rights_are_enough(people: Cast, loop: Loop, cluster: LocalCluster, least_token: str) -> None:
    """What the console's own manifests grant is all that the check asks for, and no cluster admin."""
    done = check(people, typed(cluster, token=least_token))
    assert (done.state, done.outcome_params) == ("succeeded", {})
    ends = done.steps.get(key="authentication").observed["expires_at"]
    answer = connect(people, done)
    assert answer.status_code == 201, answer.content
    assert json.loads(answer.content)["credential"] == {"kind": "token", "expires_at": ends}


def test_a_check_gets_old(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    done = check(people, typed(cluster))
    Operation.objects.filter(pk=done.pk).update(sealed=None)
    answer = connect(people, done)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "check_expired")


def test_a_check_of_another_enterprise_is_none(people: Cast, loop: Loop, cluster: LocalCluster) -> None:
    done = check(people, typed(cluster))
    answer = people.api("stranger").post("clusters", {"check": done.name, "name": "Mine"})
    assert answer.status_code == 422
    assert json.loads(answer.content)["errors"][0]["pointer"] == "/check"
    for name in ("op-999999", "nonsense", "op-"):
        assert people.api("admin").post("clusters", {"check": name, "name": "X1"}).status_code == 422


def test_a_check_still_running_is_no_check(people: Cast, cluster: LocalCluster) -> None:
    answer = people.api("admin").post("cluster-checks", typed(cluster), headers=key())
    operation = Operation.objects.get()
    assert json.loads(answer.content)["id"] == operation.name
    refused = connect(people, operation)
    assert (refused.status_code, json.loads(refused.content)["code"]) == (409, "operation_in_progress")


def test_what_was_entered_is_sealed(people: Cast, cluster: LocalCluster) -> None:
    answer = people.api("admin").post("cluster-checks", typed(cluster), headers=key())
    operation = Operation.objects.get()
    assert operation.sealed is not None
    for text in (operation.sealed, str(operation.input), answer.content.decode()):
        assert cluster.admin_token not in text
    assert operation.deadline - timezone.now() <= timedelta(seconds=60)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid"),
        ({"endpoint": "https://a.example"}, 422, "invalid"),
        ({"endpoint": "http://a.example", "token": "t"}, 422, "kubeconfig_refused"),
        ({"endpoint": "https://a.example", "token": "t", "ca_pem": "nonsense"}, 422, "kubeconfig_refused"),
        ({"endpoint": "https://a.example", "token": "a b"}, 422, "invalid"),
        ({"kubeconfig": "a: &a [*a]"}, 422, "yaml_refused"),
        ({"kubeconfig": "apiVersion: v1"}, 422, "kubeconfig_refused"),
        ({"kubeconfig": "apiVersion: v1", "token": "t"}, 422, "invalid"),
        ({"exec": "sh"}, 400, "unknown_field"),
    ],
)
def test_what_cannot_be_meant_is_refused(people: Cast, body: dict[str, Any], status: int, code: str) -> None:
    answer = people.api("admin").post("cluster-checks", body, headers=key())
    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, code)
    assert not Operation.objects.exists()


@pytest.mark.parametrize("part", ["lead", "market", "viewer", "loner"])
def test_only_who_manages_clusters_may_check_or_connect(people: Cast, part: str) -> None:
    api = people.api(part)
    answers = [
        api.post("cluster-checks", {"endpoint": "https://a.example", "token": "t"}, headers=key()),
        api.post("clusters", {"check": "op-1", "name": "X1"}),
    ]
    assert [(a.status_code, json.loads(a.content)["code"]) for a in answers] == [(403, "role_required")] * 2


def test_versions_are_read_and_judged() -> None:
    assert checks.parse_version("v1.36.3+k3s1") == (1, 36)
    assert checks.parse_version("1.9") == (1, 9)
    assert checks.parse_version("banana") is None
    assert "version_unsupported" in CODES
