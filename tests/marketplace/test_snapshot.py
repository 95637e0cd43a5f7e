"""The document of a version: whole values in, whole values out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from clusters.spec import Component
from console.kit.errors import Invalid
from marketplace import snapshot
from marketplace.snapshot import Origin
from tests.marketplace.world import part

DIGEST = "sha256:" + "a" * 64
ORIGIN = Origin("test-internal", "back-office", 7, "b" * 64)


def web(**fields: Any) -> Component:
    return part("web", "registry.example.com/dev/web:2.0", DIGEST, **fields)


def test_the_document_keeps_what_was_deployed_and_nothing_of_the_place() -> None:
    deployed = web(
        ports=[{"name": "http", "number": 8080, "alias": "WEB", "inside": True, "outside": "node_port"}],
        variables=[{"name": "KEY", "secret": True, "generate": {"length": 32, "alphabet": "alphanumeric"}}],
    )
    deployed["ports"][0]["node_port"] = 30001
    deployed["variables"][0]["fingerprint"] = "0badc0de"
    before = copy.deepcopy(deployed)
    made = snapshot.document("admin-console", "2.0", ORIGIN, snapshot.choose([deployed], None, []))
    assert deployed == before, "what was deployed is not touched"
    component = made["components"][0]
    assert component["image"] == {
        "source": "registry.example.com/dev/web:2.0",
        "path": "admin-console/web",
        "digest": DIGEST,
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "bytes": 100,
        "platforms": [{"os": "linux", "architecture": "amd64", "digest": DIGEST, "config": DIGEST}],
    }
    assert "node_port" not in component["ports"][0]
    assert "fingerprint" not in component["variables"][0]
    assert (made["schema"], made["template"], made["number"], made["parameters"]) == (1, "admin-console", "2.0", [])
    assert made["origin"] == {
        "environment": "test-internal",
        "app": "back-office",
        "revision": 7,
        "document_hash": "b" * 64,
    }


def test_the_same_content_has_the_same_hash_and_other_content_another() -> None:
    choice = snapshot.choose([web()], None, [])
    one = snapshot.document("t", "1.0", ORIGIN, choice)
    assert snapshot.content_hash(one) == snapshot.content_hash(copy.deepcopy(one))
    other = snapshot.document("t", "1.0", ORIGIN, snapshot.choose([web(args=["x"])], None, []))
    assert snapshot.content_hash(one) != snapshot.content_hash(other)


def test_a_secret_nobody_generates_becomes_a_required_parameter() -> None:
    choice = snapshot.choose([web(variables=[{"name": "SMTP_PASSWORD", "secret": True}])], None, [])
    assert [dict(parameter) for parameter in choice.parameters] == [
        {"address": "web.variables.SMTP_PASSWORD", "label": "SMTP_PASSWORD", "type": "secret", "required": True}
    ]


def test_bytes_count_each_digest_once() -> None:
    two = [web(), part("api", "registry.example.com/dev/web:2.0", DIGEST)]
    assert snapshot.total_bytes(snapshot.document("t", "1", ORIGIN, snapshot.choose(two, None, []))) == 100


def test_components_may_be_left_out_where_nobody_needs_them() -> None:
    db = part("db", "registry.example.com/dev/db:1", "sha256:" + "d" * 64)
    both = [web(depends_on=["db"]), db]
    assert snapshot.choose(both, ["db"], []).keys == ["db"]
    with pytest.raises(Invalid) as refused:
        snapshot.choose(both, ["web"], [])
    assert [fault.code for fault in refused.value.errors] == ["unknown_component"]
