"""What an apiserver's answers mean, and what of their words is kept."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.kube.errors import (
    Absent,
    CredentialsRefused,
    Exists,
    FieldConflict,
    Forbidden,
    Outdated,
    Untyped,
    contended,
    translate,
)
from console.kit.errors import Rejected, Unreachable, WaybillError


def meaning(status: int, message: str = "", reason: str = "", **details: Any) -> WaybillError | Untyped:
    body = {"kind": "Status", "message": message, "reason": reason, "details": details}
    return translate(
        status, body, target="Deployment/web", cluster="Qingdao", since="2026-03-02T14:02:11Z", size=2_000_000
    )


def cause(reason: str, message: str, field: str) -> dict[str, str]:
    return {"reason": reason, "message": message, "field": field}


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (429, "", ""),
        (500, 'failed calling webhook "x": dial tcp: connect: connection refused', "InternalError"),
        (500, "etcdserver: leader changed", ""),
        (502, "", ""),
        (503, "the server is currently unable to handle the request", "ServiceUnavailable"),
        (504, "Timeout: request did not complete within requested timeout", "Timeout"),
        (408, "", ""),
    ],
)
def test_trouble_is_waited_out(status: int, message: str, reason: str) -> None:
    error = meaning(status, message, reason)
    assert isinstance(error, Unreachable)
    assert error.params == {"cluster": "Qingdao", "since": "2026-03-02T14:02:11Z"}


def test_401_is_the_credential_except_for_logs() -> None:
    assert isinstance(meaning(401, "Unauthorized", "Unauthorized"), CredentialsRefused)
    assert isinstance(meaning(401, "", "Unauthorized", kind="pods/log"), Unreachable)


def test_403_of_rbac_names_verb_and_resource() -> None:
    text = (
        'deployments.apps "web" is forbidden: User "system:serviceaccount:waybill-system:prod-1" cannot patch resource '
    )
    error = meaning(403, text + '"deployments" in API group "apps" in the namespace "prod"', "Forbidden")
    assert isinstance(error, Forbidden)
    assert error.params == {"verb": "patch", "resource": "deployments.apps"}


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (
            'pods "web" is forbidden: exceeded quota: waybill, requested: limits.cpu=9, used: limits.cpu=0, limited: 8',
            "quota_refused",
            "exceeded quota: waybill, requested: limits.cpu=9, used: limits.cpu=0, limited: 8",
        ),
        (
            'pods "web" is forbidden: failed quota: waybill: must specify limits.memory for: app',
            "quota_refused",
            "failed quota: waybill: must specify limits.memory for: app",
        ),
        (
            'pods "web" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
            "policy_refused",
            'violates PodSecurity "restricted:latest": runAsNonRoot != true',
        ),
        (
            'admission webhook "images.example" denied the request: value "hunter2": only signed images',
            "policy_refused",
            "images.example: only signed images",
        ),
        (
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            "policy_refused",
            "p: no",
        ),
        (
            'pods "web" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
            "policy_refused",
            "maximum memory usage per Container is 1Gi, but limit is 2Gi",
        ),
    ],
)
def test_403_of_admission_keeps_the_words(message: str, code: str, words: str) -> None:
    error = meaning(403, message, "Forbidden")
    assert isinstance(error, Rejected)
    assert (error.code, error.params) == (code, {"object": "Deployment/web", "words": words})


def test_three_kinds_of_409() -> None:
    conflict = meaning(
        409,
        "Apply failed with 2 conflicts",
        "Conflict",
        causes=[
            cause("FieldManagerConflict", 'conflict with "kubectl-edit" using apps/v1', ".spec.template"),
            cause(
                "FieldManagerConflict", 'conflict with "hpa" with subresource "scale" using apps/v1', ".spec.replicas"
            ),
        ],
    )
    assert isinstance(conflict, FieldConflict)
    first, second = conflict.causes
    assert (first.field, first.manager, first.subresource) == (".spec.replicas", "hpa", "scale")
    assert (second.manager, second.subresource, second.api_version) == ("kubectl-edit", None, "apps/v1")
    stale = "the object has been modified; please apply your changes to the latest version and try again"
    assert isinstance(meaning(409, stale, "Conflict"), Outdated)
    assert isinstance(meaning(409, "The UID in the precondition (a) does not match (b)", "Conflict"), Outdated)
    assert isinstance(meaning(409, 'configmaps "c" already exists', "AlreadyExists"), Exists)


def test_a_contended_quota_is_no_conflict_of_the_object() -> None:
    body = {"reason": "Conflict", "details": {"kind": "resourcequotas", "name": "waybill"}}
    assert contended(409, body, "ConfigMap")
    assert not contended(409, body, "ResourceQuota")
    assert not contended(409, {"details": {"kind": "configmaps"}}, "ConfigMap")


@pytest.mark.parametrize(
    ("reason", "message", "words"),
    [
        ("FieldValueInvalid", 'Invalid value: {"env":[{"value":"hunter2"}]}: must not be empty', "must not be empty"),
        ("FieldValueInvalid", 'Invalid value: {"env":[{"value":"hunter2"}]}', "Invalid value"),
        ("FieldValueInvalid", 'Invalid value: "a: hunter2"', "Invalid value"),
        ("FieldValueDuplicate", 'Duplicate value: "hunter2"', "Duplicate value"),
        ("FieldValueNotSupported", 'Unsupported value: "hunter2": supported values: "a"', "Unsupported value"),
        ("FieldValueRequired", "Required value: hunter2", "Required value"),
        ("FieldValueForbidden", "Forbidden: may not be set", "may not be set"),
    ],
)
def test_422_keeps_the_field_and_never_a_value(reason: str, message: str, words: str) -> None:
    error = meaning(422, "Deployment is invalid: hunter2", "Invalid", causes=[cause(reason, message, "spec.x")])
    assert isinstance(error, Rejected)
    assert error.params == {"object": "Deployment/web", "field": "spec.x", "words": words}
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("why", "waits"),
    [
        ("rpc error: code = Unavailable desc = error reading from server: read: connection reset by peer", True),
        ("allocator not ready", True),
        ("etcdserver: request timed out", True),
        ("range is full", False),
        ("provided IP is already allocated", False),
        ("the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16", False),
    ],
)
def test_422_of_an_allocator_that_lost_its_store_is_waited_out(why: str, waits: bool) -> None:
    message = f"Invalid value: null: failed to allocate a serviceIP: {why}"
    error = meaning(422, "x", "Invalid", causes=[cause("FieldValueInvalid", message, "spec.clusterIPs")])
    assert isinstance(error, Unreachable) == waits
    assert waits or (isinstance(error, Rejected) and error.params["field"] == "spec.clusterIPs")


def test_422_of_what_cannot_change_says_so() -> None:
    invalid = cause("FieldValueInvalid", "Invalid value: {...}: field is immutable", "spec.selector")
    error = meaning(422, "", "Invalid", causes=[invalid])
    assert isinstance(error, Rejected)
    assert (error.code, error.params["field"]) == ("immutable_field", "spec.selector")


def test_422_of_the_uid_means_another_object() -> None:
    causes = [cause("FieldValueInvalid", 'Invalid value: "u": field is immutable', "metadata.uid")]
    assert isinstance(meaning(422, "", "Invalid", causes=causes), Outdated)


def test_types_we_got_wrong_are_our_fault_and_show_no_value() -> None:
    text = "failed to create typed patch object (ns/c; /v1, Kind=ConfigMap): .data.a: expected string, got &{hunter2}"
    error = meaning(500, text)
    assert isinstance(error, Untyped)
    assert ".data.a" in str(error)
    assert "hunter2" not in str(error)


def test_an_object_too_big_says_how_big() -> None:
    error = meaning(413, "Request entity too large")
    assert isinstance(error, WaybillError)
    assert (error.code, error.params["bytes"]) == ("object_too_big", 2_000_000)


def test_an_absent_address() -> None:
    assert isinstance(meaning(404, 'namespaces "x" not found', "NotFound", kind="namespaces"), Absent)
