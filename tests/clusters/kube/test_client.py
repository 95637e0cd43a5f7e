"""The edge against a real apiserver: what the console leans on, and how each answer arrives."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pytest_django import Settings

from bench.distance import far
from clusters.kube import connect
from clusters.kube.channel import POOL
from clusters.kube.client import Client
from clusters.kube.errors import (
    CredentialsRefused,
    Exists,
    FieldConflict,
    Forbidden,
    Outdated,
    Untyped,
)
from clusters.kube.protocol import Kube
from console.kit import points
from console.kit.errors import Invalid, Rejected, Unreachable
from deploy.local.cluster import Cluster
from deploy.local.plan import RegistryFacts
from tests.kit.test_outbound import issue


class Gate:
    """Stands where an operation's guard stands."""

    def __init__(self) -> None:
        self.asked = 0
        self.generation = 1
        self.closed = False

    def before_write(self) -> None:
        """Count, and refuse once closed."""
        self.asked += 1
        if self.closed:
            raise RuntimeError("the lease is lost")

    def user_agent(self, step: str) -> str:
        """Name the test's operation."""
        return f"waybill op-77 epoch/3 {step}"


@pytest.fixture
def kube(cluster: Cluster) -> Iterator[Client]:
    client = connect.for_parts(cluster.name, cluster.endpoint, cluster.ca_pem, {"token": cluster.admin_token})
    yield client
    client.channel.close()


def config_map(namespace: str, name: str = "c", **data: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"a": "1"}}


def pod(namespace: str, **container: Any) -> dict[str, Any]:
    body = {"name": "app", "image": "example.com/app:1", **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": namespace},
        "spec": {"containers": [body]},
    }


def test_the_client_is_what_the_console_asks_for(kube: Client) -> None:
    typed: Kube = kube
    assert typed.version()["gitVersion"].startswith("v1.")
    assert typed.window in (8, 16)
    assert typed.who()


def test_apply_creates_changes_and_leaves_alone(kube: Client, namespace: str) -> None:
    made = kube.apply(config_map(namespace), "waybill:one")
    again = kube.apply(config_map(namespace), "waybill:one")
    changed = kube.apply(config_map(namespace, a="2"), "waybill:one")
    assert (made.created, again.created, changed.created) == (True, False, False)
    assert made.uid == again.uid == changed.uid
    assert made.resource_version == again.resource_version != changed.resource_version


def test_create_only_never_merges_into_a_strangers_object(kube: Client, namespace: str) -> None:
    kube.apply(config_map(namespace, theirs="1"), "stranger")
    for data in ({"ours": "1"}, {"theirs": "2"}, {"theirs": "1"}):
        with pytest.raises(Exists) as caught:
            kube.apply(config_map(namespace, **data), "waybill:one", create_only=True)
        assert caught.value.target == "ConfigMap/c"
    live = kube.get("ConfigMap", "c", namespace)
    assert live is not None
    assert live["data"] == {"theirs": "1"}


def test_a_uid_means_that_object_and_no_other(kube: Client, namespace: str) -> None:
    first = kube.apply(config_map(namespace), "waybill:one")
    assert kube.delete("ConfigMap", "c", namespace, uid=first.uid) is not None
    with pytest.raises(Outdated):
        kube.apply(config_map(namespace), "waybill:one", uid=first.uid)
    assert kube.get("ConfigMap", "c", namespace) is None
    second = kube.apply(config_map(namespace), "waybill:one")
    with pytest.raises(Outdated):
        kube.apply(config_map(namespace, a="2"), "waybill:one", uid=first.uid)
    with pytest.raises(Outdated):
        kube.delete("ConfigMap", "c", namespace, uid=first.uid)
    assert kube.delete("ConfigMap", "c", namespace, uid=second.uid) is not None
    assert kube.delete("ConfigMap", "c", namespace, uid=second.uid) is None


def test_a_stale_resource_version_is_refused_also_with_force(kube: Client, namespace: str) -> None:
    made = kube.apply(config_map(namespace), "waybill:one")
    kube.apply(config_map(namespace, a="2"), "waybill:one")
    for force in (False, True):
        with pytest.raises(Outdated):
            kube.apply(config_map(namespace, a="3"), "waybill:one", resource_version=made.resource_version, force=force)
    with pytest.raises(Outdated):
        kube.delete("ConfigMap", "c", namespace, uid=made.uid, resource_version=made.resource_version)


def test_conflicts_name_field_and_manager_and_force_takes_over(kube: Client, namespace: str) -> None:
    kube.apply(config_map(namespace, a="1", b="1"), "by-hand")
    with pytest.raises(FieldConflict) as caught:
        kube.apply(config_map(namespace, a="2", b="2"), "waybill:one")
    assert [(cause.field, cause.manager) for cause in caught.value.causes] == [
        (".data.a", "by-hand"),
        (".data.b", "by-hand"),
    ]
    assert kube.apply(config_map(namespace, a="2", b="2"), "waybill:one", force=True).object["data"]["a"] == "2"


def test_a_dry_run_changes_nothing_and_asks_no_guard(kube: Client, namespace: str) -> None:
    gate = Gate()
    bound = kube.bound(gate, "dry_run")
    assert bound.apply(config_map(namespace), "waybill:one", dry_run=True).created
    bound.create(pod(namespace), dry_run=True)
    assert gate.asked == 0
    assert kube.get("ConfigMap", "c", namespace) is None


def test_the_guard_stands_before_every_write(kube: Client, namespace: str) -> None:
    gate = Gate()
    bound = kube.bound(gate, "component:web")
    made = bound.apply(config_map(namespace), "waybill:one")
    bound.patch_merge("ConfigMap", "c", namespace, {"metadata": {"annotations": {"x": "y"}}})
    bound.create(config_map(namespace, "d"))
    bound.list("ConfigMap", namespace)
    assert gate.asked == 3
    gate.closed = True
    with pytest.raises(RuntimeError):
        bound.delete("ConfigMap", "c", namespace, uid=made.uid)
    assert kube.get("ConfigMap", "c", namespace) is not None


def test_requests_name_their_step_and_carry_a_server_side_limit(kube: Client, cluster: Cluster, namespace: str) -> None:
    kube.bound(Gate(), "component:web").apply(config_map(namespace), "waybill:one")
    entries = [entry for entry in cluster.audit_entries() if namespace in entry["requestURI"]]
    patch = next(entry for entry in entries if entry["verb"] == "patch")
    assert patch["userAgent"] == "waybill op-77 epoch/3 component:web"
    assert "timeout=5s" in patch["requestURI"]
    assert "fieldValidation=Strict" in patch["requestURI"]


def test_every_request_passes_the_fault_points(kube: Client, namespace: str) -> None:
    seen: list[tuple[str, str, str]] = []
    points.install(lambda kind, detail, phase: seen.append((kind, detail, phase)))
    try:
        kube.apply(config_map(namespace), "waybill:one")
    finally:
        points.install(None)
    detail = f"PATCH /api/v1/namespaces/{namespace}/configmaps/c"
    assert seen == [("kube", detail, "before"), ("kube", detail, "after")]


def test_lists_select_by_label_and_page(kube: Client, namespace: str) -> None:
    for number in range(5):
        manifest = config_map(namespace, f"c{number}")
        manifest["metadata"]["labels"] = {"odd": str(number % 2)}
        kube.apply(manifest, "waybill:one")
    found = kube.list("ConfigMap", namespace, selector="odd=0", page=2)
    assert [item["metadata"]["name"] for item in found.items] == ["c0", "c2", "c4"]
    assert all(item["kind"] == "ConfigMap" for item in found.items)


def test_warnings_of_pod_security_reach_the_caller(kube: Client, namespace: str) -> None:
    kube.patch_merge(
        "Namespace", namespace, None, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    )
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "app", "image": "a:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    metadata = {"name": "d", "namespace": namespace}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    answer = kube.apply(manifest, "waybill:one", dry_run=True)
    assert any(text.startswith("would violate PodSecurity") for text in answer.warnings)
    with pytest.raises(Rejected) as caught:
        kube.create(pod(namespace), dry_run=True)
    assert caught.value.code == "policy_refused"


def test_values_never_appear_in_refusals(kube: Client, namespace: str) -> None:
    secret = "hunter2-value"
    bad = config_map(namespace)
    bad["data"] = {"a": {"nested": secret}}
    with pytest.raises(Untyped) as typed:
        kube.apply(bad, "waybill:one")
    env = [{"name": "PASSWORD", "value": secret}]
    with pytest.raises(Rejected) as invalid:
        kube.create(pod(namespace, env=env, imagePullPolicy="Sometimes"), dry_run=True)
    assert secret not in str(typed.value)
    assert secret not in f"{invalid.value} {invalid.value.params}"


def test_a_watch_follows_and_ends(kube: Client, namespace: str) -> None:
    since = kube.list("ConfigMap", namespace, selector="mine=1").resource_version
    manifest = config_map(namespace)
    manifest["metadata"]["labels"] = {"mine": "1"}
    made = kube.apply(manifest, "waybill:one")
    kube.delete("ConfigMap", "c", namespace, uid=made.uid)
    with kube.watch("ConfigMap", namespace, selector="mine=1", resource_version=since, seconds=2) as changes:
        seen = [change.type for change in changes if change.type != "BOOKMARK"]
    assert seen == ["ADDED", "DELETED"]


def test_a_watch_from_too_long_ago_says_so(kube: Client, namespace: str) -> None:
    with (
        pytest.raises((Outdated, Unreachable)),
        kube.watch("ConfigMap", namespace, resource_version="abc", seconds=1) as changes,
    ):
        list(changes)


def test_a_log_is_read_up_to_its_limit(kube: Client, namespace: str) -> None:
    """A played node keeps no logs: the answer is the cluster's refusal, translated, and no leak of a connection."""
    kube.create(
        {
            **pod(namespace),
            "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}], "nodeName": "nowhere"},
        }
    )
    with pytest.raises((Rejected, Unreachable)), kube.log("probe", namespace, "app", limit=10) as parts:
        list(parts)


@pytest.mark.parametrize("token", ["bad", "a.b.c"])
def test_a_bad_token_is_refused(cluster: Cluster, token: str) -> None:
    client = connect.for_parts("Qingdao", cluster.endpoint, cluster.ca_pem, {"token": token})
    with pytest.raises(CredentialsRefused) as caught:
        client.who()
    assert caught.value.params == {"cluster": "Qingdao"}


def test_a_missing_right_is_named(kube: Client, cluster: Cluster, namespace: str) -> None:
    kube.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "weak", "namespace": namespace}}, "test"
    )
    token = kube.token("weak", namespace, seconds=600)["token"]
    weak = connect.for_parts("Qingdao", cluster.endpoint, cluster.ca_pem, {"token": token})
    with pytest.raises(Forbidden) as caught:
        weak.apply(config_map(namespace), "waybill:one")
    assert caught.value.params == {"verb": "patch", "resource": "configmaps"}
    assert weak.may("create", "pods", namespace=namespace) is False
    assert kube.may("create", "serviceaccounts", namespace=namespace, subresource="token")
    weak.channel.close()


def test_another_ca_is_not_trusted(cluster: Cluster, registry: RegistryFacts) -> None:
    for ca_pem in ("", registry.ca_pem):
        client = connect.for_parts("Qingdao", cluster.endpoint, ca_pem, {"token": cluster.admin_token})
        if ca_pem == cluster.ca_pem:
            continue
        with pytest.raises(Rejected) as caught:
            client.version()
        assert (caught.value.code, caught.value.params["host"]) == ("tls_not_trusted", "127.0.0.1")


def test_nobody_there_is_worth_another_try(cluster: Cluster) -> None:
    client = connect.for_parts("Qingdao", "https://127.0.0.1:1", cluster.ca_pem, {"token": "t"})
    started = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        client.version()
    assert caught.value.params["cluster"] == "Qingdao"
    assert time.monotonic() - started < 2


def test_denied_addresses_are_never_connected_to(cluster: Cluster, settings: Settings) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = ()
    client = connect.for_parts("Qingdao", cluster.endpoint, cluster.ca_pem, {"token": cluster.admin_token})
    with pytest.raises(Invalid) as caught:
        client.version()
    assert caught.value.code == "address_denied"


def test_plain_http_is_no_way_to_a_cluster(cluster: Cluster) -> None:
    client = connect.for_parts("Qingdao", "http://127.0.0.1:8080", "", {"token": "t"})
    with pytest.raises(ValueError, match="https only"):
        client.version()


def test_proxies_of_the_environment_are_ignored(
    kube: Client, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    client = connect.for_parts("Qingdao", cluster.endpoint, cluster.ca_pem, {"token": cluster.admin_token})
    assert client.version()["major"] == "1"
    client.channel.close()


def test_connections_are_kept(kube: Client, cluster: Cluster, namespace: str) -> None:
    kube.list("ConfigMap", namespace)
    pool = next(iter(kube.channel._short.rest_client.pool_manager.pools._container.values()))
    for _ in range(5):
        kube.list("ConfigMap", namespace)
    assert pool.num_connections == 1


def test_a_cluster_behind_a_relay_near_by_is_as_far_as_it_answers(cluster: Cluster) -> None:
    with far(cluster.endpoint.removeprefix("https://"), 40) as address:
        client = connect.for_parts(cluster.name, f"https://{address}", cluster.ca_pem, {"token": cluster.admin_token})
        client.version()
        assert (client.channel.distance or 0) >= 0.02
        assert client.window == POOL
        client.channel.close()


def test_a_client_certificate_lies_in_no_file(cluster: Cluster, tmp_path: Path) -> None:
    """The certificate is one nobody trusts: the server sees a stranger."""
    pem, path = issue(tmp_path, x509.DNSName("client"), "client")
    whole = Path(path).read_text()
    key = whole[whole.index("-----BEGIN PRIVATE") :]
    opened: list[str] = []
    listening = [True]
    # A hook stays for the life of the process, so it is told when to be quiet.
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if listening and event == "open" else None)
    client = connect.for_parts("Qingdao", cluster.endpoint, cluster.ca_pem, {"certificate": pem, "key": key})
    with pytest.raises((CredentialsRefused, Unreachable)):
        client.who()
    listening.clear()
    assert not [name for name in opened if "pem" in name or "tmp" in name]


def test_pages_do_not_load_the_kubernetes_client() -> None:
    """Only a process that speaks to a cluster pays for the client."""
    code = (
        "import json, sys, django; django.setup(); import console.urls, clusters.registration, clusters.kube.connect;"
        "print(json.dumps([name for name in sys.modules if name.split('.')[0] == 'kubernetes']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_unknown_kinds_do_not_exist(kube: Client) -> None:
    with pytest.raises(KeyError):
        kube.get("CustomResourceDefinition", str(uuid.uuid4()))
