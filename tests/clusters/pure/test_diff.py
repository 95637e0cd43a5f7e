"""Differences: of documents for people, of fields between what was sent and what lives, and whose they are."""

from __future__ import annotations

import copy
from typing import Any

from clusters.diff import additions, by_hand, component_changes, differences, immutable_changes, same_object
from clusters.diff.managers import owned_paths
from clusters.manifests import render
from clusters.spec import Component
from clusters.values import Former, apply, check_parameters, settle
from tests.clusters.pure import samples

OURS = f"waybill:{samples.APPLICATION}"


def _settled(parts: list[Component], given: dict[str, Any], former: Former | None = None, reset: Any = ()) -> Any:
    return settle(
        parts,
        check_parameters(samples.version()["parameters"], parts),
        given={"api.variables.SMTP_PASSWORD": "s"} | given,
        former=former or Former(),
        reset=reset,
        generate=lambda rule: "g" * rule["length"],
        fingerprint=lambda value: f"fp{len(value)}",
    )


def test_an_upgrade_is_told_per_component_and_property_with_its_reason() -> None:
    first = samples.components()
    before = _settled(first, {"web.variables.LOG_LEVEL": "debug", "web.replicas": 3})
    second = copy.deepcopy(first)
    second[0]["image"]["digest"] = "sha256:" + "1" * 64
    second[0]["variables"][0]["value"] = "warn"
    second[0]["resources"]["limits"]["memory"] = "512Mi"
    second.append(samples.component(key="worker"))
    second[2]["start_timeout"] = 300
    after = _settled(second, {"web.resources.limits.cpu": "1"}, Former(before.values, before.secrets), ["web.replicas"])
    changes = component_changes(
        apply([*first, samples.component(key="report")], before.values),
        apply(second, after.values),
        template=second,
        values=after.values,
        kept=after.kept,
        reset=after.reset,
    )
    assert [(change["key"], change["action"]) for change in changes] == [
        ("web", "change"),
        ("api", "keep"),
        ("db", "keep"),
        ("worker", "add"),
        ("report", "remove"),
    ]
    old_digest = first[0]["image"]["digest"]
    assert changes[0]["changes"] == [
        {
            "field": "image",
            "from": f"admin-console/web@{old_digest}",
            "to": "admin-console/web@sha256:" + "1" * 64,
            "because": "version",
        },
        {"field": "replicas", "from": 3, "to": 2, "because": "reset"},
        {"field": "resources.limits.cpu", "from": "500m", "to": "1", "template": "500m", "because": "values"},
        {"field": "resources.limits.memory", "from": "256Mi", "to": "512Mi", "because": "version"},
        {"field": "variables.LOG_LEVEL", "from": "debug", "to": "debug", "template": "warn", "because": "kept"},
    ]
    assert all(change["changes"] == [] for change in changes[1:])


def test_secrets_and_files_appear_as_fingerprints_only() -> None:
    old = samples.component(
        variables=[{"name": "A", "secret": True}], files=[{"path": "/etc/a", "content": "password=1"}]
    )
    new = copy.deepcopy(old)
    old["variables"][0]["fingerprint"], new["variables"][0]["fingerprint"] = "11aa22bb", "33cc44dd"
    new["files"][0]["content"] = "password=2"
    new["probes"]["readiness"] = {"kind": "tcp"}  # type: ignore[typeddict-item]
    change = component_changes([old], [new])[0]
    assert [(field["field"], field["from"], field["to"]) for field in change["changes"]] == [
        ("variables.A", "secret 11aa22bb", "secret 33cc44dd"),
        ("files./etc/a", "7e395008 0444", "84e7134c 0444"),
        ("probes.readiness", None, {"kind": "tcp"}),
    ]


def _live(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest as a server gives it back: defaults filled in, quantities rewritten, bookkeeping added."""
    live = copy.deepcopy(manifest)
    live["metadata"] |= {"uid": "u", "resourceVersion": "7", "generation": 1}
    live["status"] = {"replicas": 1}
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["terminationMessagePath"] = "/dev/termination-log"
    container["resources"]["limits"]["memory"] = "268435456"
    container["env"].insert(0, {"name": "FOREIGN", "value": "1"})
    live["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    return live


def _deployment(key: str = "web") -> dict[str, Any]:
    return render(samples.request()).workload(key).manifest


def test_what_the_server_fills_in_is_no_difference() -> None:
    assert differences(_deployment(), _live(_deployment())) == []


def test_every_changed_leaf_is_told_as_the_apiserver_writes_it() -> None:
    manifest = _deployment()
    live = _live(manifest)
    container = live["spec"]["template"]["spec"]["containers"][0]
    live["spec"]["replicas"] = 4
    container["args"] = ["other"]
    container["ports"] = []
    del container["env"][3]["value"]
    live["metadata"]["labels"].pop("app.kubernetes.io/part-of")
    container["resources"]["limits"]["memory"] = "1Gi"
    root = '.spec.template.spec.containers[name="web"]'
    assert {
        (found.field, found.live, found.ours) for found in differences(manifest, live) if found.field != f"{root}.args"
    } == {
        (".metadata.labels.app.kubernetes.io/part-of", None, "admin-console"),
        (".spec.replicas", 4, 2),
        (f'{root}.env[name="LOG_LEVEL"].value', None, "info"),
        (f'{root}.ports[containerPort=8080,protocol="TCP"].name', None, "http"),
        (f'{root}.ports[containerPort=8080,protocol="TCP"].containerPort', None, 8080),
        (f'{root}.ports[containerPort=8080,protocol="TCP"].protocol', None, "TCP"),
        (f"{root}.resources.limits.memory", "1Gi", "256Mi"),
    }
    assert (f"{root}.args", ["other"], ["web"]) in [(f.field, f.live, f.ours) for f in differences(manifest, live)]


def _managed(manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": fields, **more}


def test_hand_edits_are_told_with_their_manager() -> None:
    manifest = _deployment()
    live = _live(manifest)
    live["spec"]["replicas"] = 4
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil"
    live["spec"]["revisionHistoryLimit"] = 9
    del live["spec"]["progressDeadlineSeconds"]
    key = 'k:{"name":"web"}'
    live["metadata"]["managedFields"] = [
        _managed(OURS, {"f:spec": {"f:revisionHistoryLimit": {}}}),
        _managed("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
        _managed(
            "kubectl-edit", {"f:spec": {"f:template": {"f:spec": {"f:containers": {key: {".": {}, "f:image": {}}}}}}}
        ),
        _managed("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status"),
    ]
    found = {edit.field: (edit.manager, edit.live, edit.ours) for edit in by_hand(manifest, live, OURS)}
    image = manifest["spec"]["template"]["spec"]["containers"][0]["image"]
    assert found == {
        ".spec.replicas": ("kubectl", 4, 2),
        '.spec.template.spec.containers[name="web"].image': ("kubectl-edit", "evil", image),
        ".spec.revisionHistoryLimit": ("admission", 9, 2),
        ".spec.progressDeadlineSeconds": ("", None, 300),
    }
    assert by_hand(manifest, live, OURS)[0].item.startswith("Deployment/admin-console-web:.")


def test_additions_are_what_a_hand_put_beside_ours() -> None:
    manifest = _deployment()
    live = _live(manifest)
    live["metadata"]["annotations"] = {"note": "x", "deployment.kubernetes.io/revision": "3"}
    live["metadata"]["finalizers"] = ["example.com/keep"]
    env: dict[str, Any] = {
        "f:spec": {
            "f:template": {
                "f:spec": {
                    "f:containers": {
                        'k:{"name":"web"}': {"f:env": {'k:{"name":"FOREIGN"}': {".": {}, "f:name": {}, "f:value": {}}}}
                    }
                }
            }
        }
    }
    live["metadata"]["managedFields"] = [
        _managed("kubectl-annotate", {"f:metadata": {"f:annotations": {"f:note": {}}}}),
        _managed("kubectl-edit", env),
        _managed("helper", {"f:metadata": {"f:finalizers": {'v:"example.com/keep"': {}}}}),
        _managed(
            "kube-controller-manager", {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}
        ),
        _managed("waybill-epoch:x", {"f:metadata": {"f:annotations": {"f:waybill.internal/epoch": {}}}}),
        _managed(OURS, {"f:spec": {"f:replicas": {}}}),
    ]
    assert [(edit.field, edit.manager, edit.live) for edit in additions(manifest, live, OURS)] == [
        (".metadata.annotations.note", "kubectl-annotate", "x"),
        ('.spec.template.spec.containers[name="web"].env[name="FOREIGN"].name', "kubectl-edit", "FOREIGN"),
        ('.spec.template.spec.containers[name="web"].env[name="FOREIGN"].value', "kubectl-edit", "1"),
        ('.metadata.finalizers[="example.com/keep"]', "helper", "example.com/keep"),
    ]


def test_owned_fields_are_read_as_paths() -> None:
    fields: dict[str, Any] = {"f:data": {".": {}, "f:a.txt": {}}, "f:immutable": {}}
    assert set(owned_paths(fields)) == {("data", "a.txt"), ("immutable",)}


def test_two_answers_are_the_same_but_for_the_bookkeeping() -> None:
    one: dict[str, Any] = {"metadata": {"name": "a", "resourceVersion": "1", "managedFields": [1]}, "spec": {}}
    other: dict[str, Any] = {"metadata": {"name": "a", "resourceVersion": "1", "managedFields": [2]}, "spec": {}}
    assert same_object(one, other)
    other["metadata"]["resourceVersion"] = "2"
    other["status"] = {"readyReplicas": 1}
    assert same_object(one, other)
    other["metadata"]["annotations"] = {"a": "b"}
    assert not same_object(one, other)


def test_fields_a_server_refuses_to_change_are_named() -> None:
    manifest = _deployment("db")
    live = copy.deepcopy(manifest)
    live["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Filesystem"
    live["spec"]["volumeClaimTemplates"][0]["status"] = {"phase": "Pending"}
    assert immutable_changes(manifest, live) == []
    live["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "10240Mi"
    assert immutable_changes(manifest, live) == []
    live["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "20Gi"
    live["spec"]["podManagementPolicy"] = "OrderedReady"
    assert immutable_changes(manifest, live) == [".spec.podManagementPolicy", ".spec.volumeClaimTemplates"]
    without = copy.deepcopy(manifest)
    del without["spec"]["volumeClaimTemplates"]
    assert immutable_changes(without, manifest) == [".spec.volumeClaimTemplates"]
    assert immutable_changes(manifest, without) == [".spec.volumeClaimTemplates"]


def test_what_is_free_to_change_is_not_named() -> None:
    manifest = _deployment("db")
    live = copy.deepcopy(manifest)
    live["spec"]["replicas"] = 5
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    assert immutable_changes(manifest, live) == []


def test_what_the_server_leaves_out_is_no_difference() -> None:
    manifest = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"delay": 0, "text": "", "flag": False, "count": 3}}
    live = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {}}
    assert [found.field for found in differences(manifest, live)] == [".spec.count"]
