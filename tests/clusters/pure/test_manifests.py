"""Rendering: whole objects against golden files, and the rules that hold for every object."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from clusters.manifests import Bundle, environment, labels, record, render, restored
from clusters.spec import check_component
from console.kit.canonical import canonical, digest
from console.kit.errors import Invalid, Rejected
from tests.clusters.pure import samples


def _one(bundle: Bundle, kind: str, name: str) -> dict[str, Any]:
    return next(item.manifest for item in bundle.all() if item.kind == kind and item.name.startswith(name))


def _applied() -> list[Any]:
    parts = samples.components()
    parts[0]["replicas"]["default"] = 3
    parts[0]["variables"][0]["value"] = "debug"
    return parts


def test_the_deployment_is_the_golden_one() -> None:
    bundle = render(samples.request(_applied()))
    rendered = copy.deepcopy(_one(bundle, "Deployment", "admin-console-web"))
    files = rendered["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
    assert files == _one(bundle, "ConfigMap", "admin-console-web-files-")["metadata"]["name"]
    rendered["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] = "admin-console-web-files-5be0c1d2"
    assert rendered == samples.golden("deployment.json")


def test_everything_rendered_is_the_golden_bundle() -> None:
    bundle = render(samples.request(_applied()))
    assert [item.manifest for item in bundle.all()] == samples.golden("bundle.json")


def test_the_order_is_base_by_kind_then_levels_along_dependencies() -> None:
    bundle = render(samples.request())
    assert [item.kind for item in bundle.base] == [
        "ConfigMap",
        "Secret",
        "Secret",
        "Service",
        "Service",
        "Service",
        "Service",
        "Service",
        "NetworkPolicy",
    ]
    assert [[item.id for item in level] for level in bundle.levels] == [
        ["StatefulSet/admin-console-db"],
        ["Deployment/admin-console-api"],
        ["Deployment/admin-console-web"],
    ]


def test_the_same_input_gives_the_same_bytes() -> None:
    one, two = render(samples.request()), render(samples.request())
    assert canonical(one.stored()) == canonical(two.stored())
    assert one.inventory() == two.inventory()


def test_stored_manifests_come_back_as_they_were() -> None:
    bundle = render(samples.request())
    assert restored(json.loads(canonical(bundle.stored()))) == bundle


def test_every_object_pod_and_claim_template_carries_the_labels() -> None:
    for item in render(samples.request()).all():
        expected = labels.common("admin-console", samples.APPLICATION, "admin-console", item.component)
        assert item.manifest["metadata"]["labels"] == expected
        assert item.manifest["metadata"]["namespace"] == "prod-qingdao"
        template = item.manifest["spec"].get("template") if "spec" in item.manifest else None
        if template is not None:
            assert template["metadata"]["labels"] == expected
            for claim in item.manifest["spec"].get("volumeClaimTemplates", []):
                assert claim["metadata"]["labels"] == expected


def test_no_empty_and_no_null_value_is_ever_sent() -> None:
    parts = samples.components()
    parts[0]["variables"].append({"name": "EMPTY", "value": ""})

    def walk(value: Any, place: str) -> None:
        assert value is not None, place
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{place}.{name}")
        if isinstance(value, list):
            assert value or place.endswith(".args"), place
            for inner in value:
                walk(inner, f"{place}[]")

    bundle = render(samples.request(parts))
    for item in bundle.all():
        walk(item.manifest, item.id)
    env = _one(bundle, "Deployment", "admin-console-web")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env[-1] == {"name": "EMPTY"}


def test_a_changed_secret_is_a_new_name_and_rolls_who_uses_it() -> None:
    before = render(samples.request())
    after = render(samples.request(secrets={**samples.SECRETS, "db.variables.DB_PASSWORD": "other"}))
    changed = {item.id for item in after.all()} - {item.id for item in before.all()}
    assert len(changed) == 1 and next(iter(changed)).startswith("Secret/admin-console-db-env-")
    hashes = {item.id: item.hash for item in before.all()}
    rolled = {item.id for item in after.all() if hashes.get(item.id) not in (None, item.hash)}
    assert rolled == {"StatefulSet/admin-console-db", "Deployment/admin-console-api"}


def test_another_application_with_the_same_secret_has_another_name_and_hash() -> None:
    one = {item.id: item.hash for item in render(samples.request()).all() if item.kind == "Secret"}
    two = {item.id: item.hash for item in render(samples.request(salt=b"x" * 16)).all() if item.kind == "Secret"}
    assert not set(one) & set(two) and not set(one.values()) & set(two.values())


def test_a_secret_hash_does_not_follow_from_its_content_alone() -> None:
    secret = next(item for item in render(samples.request()).all() if item.kind == "Secret")
    assert secret.hash != digest(secret.manifest)


def test_secrets_reach_dependants_by_reference_only() -> None:
    bundle = render(samples.request())
    provider = _one(bundle, "Secret", "admin-console-db-env-")["metadata"]["name"]
    env = _one(bundle, "Deployment", "admin-console-api")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env[:4] == [
        {"name": "DB_HOST", "value": "admin-console-db"},
        {"name": "DB_PORT", "value": "5432"},
        {"name": "DB_USER", "value": "app"},
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": provider, "key": "DB_PASSWORD"}}},
    ]
    open_text = b"".join(canonical(item.manifest) for item in bundle.all() if item.kind != "Secret")
    assert b"database" not in open_text and b"smtp" not in open_text


def test_a_file_with_a_secret_becomes_a_secret_and_others_stay_open() -> None:
    parts = samples.components()
    parts[1]["files"] = [
        {"path": "/etc/api/open.conf", "mode": "0444", "content": "user=${DB_USER} $${HOME}\n"},
        {"path": "/etc/api/closed.conf", "mode": "0400", "content": "password=${DB_PASSWORD}\n"},
    ]
    bundle = render(samples.request(parts))
    assert _one(bundle, "ConfigMap", "admin-console-api-files-")["data"] == {"f0": "user=app ${HOME}\n"}
    secret = _one(bundle, "Secret", "admin-console-api-files-")
    assert base64.b64decode(secret["data"]["f1"]) == b"password=database\n"
    pod = _one(bundle, "Deployment", "admin-console-api")["spec"]["template"]["spec"]
    name = secret["metadata"]["name"]
    assert pod["volumes"][1] == {
        "name": "secret-files",
        "secret": {"secretName": name, "items": [{"key": "f1", "path": "f1", "mode": 0o400}]},
    }
    assert [mount["name"] for mount in pod["containers"][0]["volumeMounts"]] == ["files", "secret-files"]


def test_kubernetes_expands_nothing_in_values() -> None:
    part = samples.component(image={"reference": "a/b"}, variables=[{"name": "A", "value": "$(HOME) $X"}])
    part["image"]["pull"] = "a@sha256:0"
    container = _container([part])
    assert container["env"] == [{"name": "A", "value": "$$(HOME) $X"}]


def _container(parts: list[Any]) -> dict[str, Any]:
    bundle = render(samples.request(parts, secrets={}))
    found: dict[str, Any] = bundle.levels[0][0].manifest["spec"]["template"]["spec"]["containers"][0]
    return found


def test_an_application_that_is_stopped_keeps_all_objects_and_no_pods() -> None:
    running = render(samples.request())
    stopped = render(samples.request(stopped=True))
    assert [item.id for item in stopped.all()] == [item.id for item in running.all()]
    assert {item.manifest["spec"]["replicas"] for level in stopped.levels for item in level} == {0}
    assert running.stopped(samples.SALT) == stopped


def test_a_stateless_component_with_a_volume_of_one_node_is_recreated() -> None:
    part = samples.component(volumes=[{"name": "data", "path": "/data", "size": "2Gi"}])
    part["image"]["pull"] = "a@sha256:0"
    bundle = render(samples.request([part], secrets={}))
    deployment = _one(bundle, "Deployment", "admin-console-web")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["template"]["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "admin-console-web-data"}}
    ]
    claim = _one(bundle, "PersistentVolumeClaim", "admin-console-web-data")
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}


def test_a_pinned_node_port_is_sent_and_others_are_not() -> None:
    ports = [
        {"name": "a", "number": 80, "outside": "node_port", "node_port": 30080},
        {"name": "b", "number": 81, "outside": "node_port"},
    ]
    image = {"reference": "a/b", "pull": "a@sha256:0"}
    part = check_component({"key": "web", "image": image, "ports": ports}, form="revision")
    service = _one(render(samples.request([part], secrets={})), "Service", "admin-console-web-outside")
    assert service["spec"]["ports"] == [
        {"name": "a", "port": 80, "targetPort": 80, "protocol": "TCP", "nodePort": 30080},
        {"name": "b", "port": 81, "targetPort": 81, "protocol": "TCP"},
    ]


def test_an_own_pull_credential_is_a_secret_for_its_registry() -> None:
    part = samples.component(image={"reference": "r.example.com/dev/web:1", "user": "ci", "password": "x"})
    part["image"]["pull"] = "r.example.com/dev/web@sha256:0"
    pulls = {"web": {"user": "ci", "password": "x"}}
    bundle = render(samples.request([part], secrets={}, pulls=pulls))
    secret = _one(bundle, "Secret", "admin-console-web-pull-")
    content = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    assert content == {"auths": {"r.example.com": {"username": "ci", "password": "x", "auth": "Y2k6eA=="}}}
    pod = _one(bundle, "Deployment", "admin-console-web")["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": secret["metadata"]["name"]}, {"name": "waybill-registry"}]


def test_an_object_over_a_mebibyte_is_refused() -> None:
    files = [{"path": f"/etc/{n}", "content": "x" * 400_000} for n in range(3)]
    part = samples.component(files=files)
    part["image"]["pull"] = "a@sha256:0"
    with pytest.raises(Rejected) as refusal:
        render(samples.request([part], secrets={}))
    assert refusal.value.code == "object_too_big"
    assert refusal.value.params["object"].startswith("ConfigMap/admin-console-web-files-")


def test_a_secret_without_a_value_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        render(samples.request(secrets={}))
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [
        ("/values/db.variables.DB_PASSWORD", "value_missing")
    ]


def test_nothing_runs_by_tag() -> None:
    with pytest.raises(ValueError, match="no digest"):
        render(samples.request([samples.component()]))


def test_the_record_names_who_delivers() -> None:
    manifest = record(
        app="shop",
        application_id=samples.APPLICATION,
        part_of="shop",
        namespace="prod",
        operation="op-7",
        epoch=3,
        revision=2,
        version=None,
        inventory=[{"kind": "Service", "name": "shop-web", "uid": "u"}],
    )
    assert manifest["metadata"]["name"] == "waybill-shop"
    assert manifest["data"] == {
        "operation": "op-7",
        "epoch": "3",
        "revision": "2",
        "version": "",
        "inventory": '[{"kind":"Service","name":"shop-web","uid":"u"}]',
    }


def test_the_objects_of_an_environment_are_the_golden_ones() -> None:
    identity = ("prod-qingdao", "0195a3c1-7d2e-7c41-9a50-000000000001")
    rendered = [
        environment.namespace(*identity),
        environment.system_namespace(),
        environment.resource_quota(*identity, {"cpu": "8", "memory": "16Gi", "storage": "100Gi", "pods": 100}),
        environment.limit_range(*identity),
        environment.default_policy(*identity),
        environment.pull_secret(*identity, {"registry.example.com": {"user": "ci-pull", "password": "p"}}),
        environment.key_account("prod-qingdao", 4, identity[1]),
        environment.deploy_binding(*identity, "prod-qingdao", 4),
        environment.prepare_binding(*identity, {"kind": "User", "name": "waybill"}),
        environment.prepare_role(),
        environment.deploy_role(),
    ]
    assert rendered == samples.golden("environment.json")
