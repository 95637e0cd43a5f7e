"""Previews and plans as whole documents."""

from __future__ import annotations

import copy
from typing import Any

from clusters.planning import ClusterPart, PreviewFacts, Side, complete, fingerprint, preview, rows_fingerprint
from clusters.values import Settled
from tests.clusters.pure import samples

HARD = {"limits.cpu": "8", "limits.memory": "16Gi", "requests.storage": "100Gi", "pods": "100"}


def _facts(**changes: Any) -> PreviewFacts:
    values: dict[str, Any] = {
        "kind": "upgrade",
        "environment": "prod-qingdao",
        "app": "admin-console",
        "accepts": "release",
        "old": samples.components(),
        "new": samples.components(),
    }
    return PreviewFacts(**(values | changes))


def test_a_preview_is_made_from_rows() -> None:
    new = samples.components()
    new[0]["image"]["digest"] = "sha256:" + "1" * 64
    settled = Settled({}, {}, kept=("web.replicas",), generated=("api.variables.SESSION_KEY",))
    document = preview(
        _facts(
            new=new,
            former=Side(revision=3, version="1.0", mark="release"),
            to=Side(version="2.0", mark="release", marked_by="hanmei", marked_at="2026-03-02T08:20:00Z"),
            settled=settled,
            hard=HARD,
            used={"limits.cpu": "3", "limits.memory": "6Gi", "requests.storage": "10Gi", "pods": "4"},
            images_there={new[1]["image"]["digest"]},
            claims_there=["data-admin-console-db-0"],
            warnings=[{"code": "older_version", "params": {}}],
        )
    )
    assert document == {
        "schema": 1,
        "kind": "upgrade",
        "environment": "prod-qingdao",
        "app": "admin-console",
        "from": {"revision": 3, "version": "1.0", "mark": "release"},
        "to": {"version": "2.0", "mark": "release", "marked_by": "hanmei", "marked_at": "2026-03-02T08:20:00Z"},
        "gate": {"accepts": "release", "allowed": True},
        "components": [
            {
                "key": "web",
                "action": "change",
                "changes": [
                    {
                        "field": "image",
                        "from": f"admin-console/web@{samples.components()[0]['image']['digest']}",
                        "to": "admin-console/web@sha256:" + "1" * 64,
                        "because": "version",
                    }
                ],
            },
            {"key": "api", "action": "keep", "changes": []},
            {"key": "db", "action": "keep", "changes": []},
        ],
        "values": {"kept": ["web.replicas"], "dropped": [], "generated": ["api.variables.SESSION_KEY"], "missing": []},
        "images": {"count": 3, "bytes": 8400211 + 9120034 + 11700455, "here_already": 1},
        "volumes": {"create": [], "keep": ["data-admin-console-db-0"]},
        "routes": [],
        "quota": {
            "limits.cpu": {"before": "3", "after": "3", "during": "3500m", "hard": "8"},
            "limits.memory": {"before": "6Gi", "after": "6Gi", "during": "6400Mi", "hard": "16Gi"},
            "requests.storage": {"before": "10Gi", "after": "10Gi", "during": "10Gi", "hard": "100Gi"},
            "pods": {"before": "4", "after": "4", "during": "5", "hard": "100"},
        },
        "warnings": [{"code": "older_version", "params": {}}],
        "refusals": [],
    }


def test_an_install_counts_everything_and_has_nothing_before() -> None:
    document = preview(_facts(kind="install", old=[]))
    assert document["from"] is None
    assert [change["action"] for change in document["components"]] == ["add", "add", "add"]
    assert document["volumes"] == {"create": ["data-admin-console-db-0"], "keep": []}
    assert document["quota"]["limits.memory"] == {"before": "0", "after": "1280Mi", "during": "1280Mi", "hard": None}
    assert document["quota"]["pods"] == {"before": "0", "after": "4", "during": "4", "hard": None}


def test_what_does_not_fit_the_quota_is_a_refusal_also_when_only_the_surge_does_not() -> None:
    new = samples.components()
    new[0]["args"] = ["other"]
    facts = _facts(new=new, hard={"pods": "4"}, used={"pods": "4"})
    assert preview(facts)["refusals"] == [
        {"code": "quota_exceeded", "params": {"resource": "pods", "need": "1", "left": "0", "hard": "4"}}
    ]
    unchanged = _facts(hard={"pods": "4"}, used={"pods": "4"})
    assert preview(unchanged)["refusals"] == []
    smaller = _facts(new=samples.components()[:1], hard={"pods": "3"}, used={"pods": "4"})
    assert preview(smaller)["refusals"] == []


def test_a_stopped_application_takes_storage_only() -> None:
    document = preview(_facts(old=[], stopped=True))
    assert document["quota"]["pods"]["after"] == "0"
    assert document["quota"]["requests.storage"]["after"] == "10Gi"


def test_storage_of_a_dropped_component_stays() -> None:
    document = preview(_facts(new=samples.components()[:2]))
    assert document["quota"]["requests.storage"] == {"before": "10Gi", "after": "10Gi", "during": "10Gi", "hard": None}
    assert document["volumes"] == {"create": [], "keep": ["data-admin-console-db-0"]}


def test_values_that_are_missing_are_refusals() -> None:
    document = preview(_facts(settled=Settled({}, {}, missing=("api.variables.SMTP_PASSWORD",))))
    assert document["refusals"] == [{"code": "value_missing", "params": {"address": "api.variables.SMTP_PASSWORD"}}]


def test_a_plan_is_a_preview_and_the_clusters_part() -> None:
    document = preview(
        _facts(hard={"pods": "3"}, used={"pods": "3"}, new=[*samples.components(), samples.component(key="x")])
    )
    assert [refusal["code"] for refusal in document["refusals"]] == ["quota_exceeded"]
    edit = {
        "object": "Deployment/admin-console-api",
        "field": ".spec.replicas",
        "manager": "kubectl-edit",
        "live": 4,
        "ours": 2,
    }
    rows = "a" * 64
    plan = complete(
        copy.deepcopy(document),
        ClusterPart(
            cluster="aliyun-qingdao",
            objects=[
                {"kind": "Deployment", "name": "admin-console-web", "action": "change"},
                {"kind": "PersistentVolumeClaim", "name": "data-admin-console-db-0", "action": "keep"},
            ],
            by_hand=[edit],
            quota={"pods": {"before": "3", "after": "4", "during": "4", "hard": "9"}},
            refusals=[{"code": "policy_refused", "params": {"object": "x", "words": "y"}}],
            claims_keep=["data-admin-console-db-0"],
            basis=[["Deployment/admin-console-web", "change", "u/g2"]],
        ),
        rows=rows,
        at="2026-03-02T14:02:11Z",
        took_ms=214,
        valid_until="2026-03-02T15:02:11Z",
    )
    assert {name: plan[name] for name in plan if name not in document} == {
        "objects": {
            "create": 0,
            "change": 1,
            "replace": 0,
            "remove": 0,
            "keep": 1,
            "list": [
                {"kind": "Deployment", "name": "admin-console-web", "action": "change"},
                {"kind": "PersistentVolumeClaim", "name": "data-admin-console-db-0", "action": "keep"},
            ],
        },
        "changed_by_hand": [edit],
        "consents": [{"consent": "overwrite_changes", "items": ["Deployment/admin-console-api:.spec.replicas"]}],
        "checked": {"cluster": "aliyun-qingdao", "at": "2026-03-02T14:02:11Z", "took_ms": 214},
        "rows": rows,
        "fingerprint": fingerprint(rows, [["Deployment/admin-console-web", "change", "u/g2"]]),
        "valid_until": "2026-03-02T15:02:11Z",
    }
    assert plan["refusals"] == [{"code": "policy_refused", "params": {"object": "x", "words": "y"}}]
    assert plan["quota"] == {"pods": {"before": "3", "after": "4", "during": "4", "hard": "9"}}


def _rows(**changes: Any) -> str:
    values: dict[str, Any] = {
        "revision": 3,
        "draft": None,
        "version": "2.0",
        "mark": "release",
        "values": {"a": {"value": 1, "origin": "given"}, "b": {"secret": "x", "origin": "generated"}},
        "accepts": "release",
        "quota": {"pods": 100},
        "cluster_uid": "u",
    }
    return rows_fingerprint(**(values | changes))


def test_a_plan_stands_on_every_row_that_could_change_it() -> None:
    changed: list[dict[str, Any]] = [
        {"revision": 4},
        {"draft": "d"},
        {"version": "2.1"},
        {"mark": "test"},
        {"values": {}},
        {"accepts": "any"},
        {"quota": None},
        {"cluster_uid": "v"},
        {"routes": [["web", "http", {"host": "shop.example.com"}]]},
    ]
    assert len({_rows(), *(_rows(**change) for change in changed)}) == len(changed) + 1
    generated_again = {"a": {"value": 1, "origin": "given"}, "b": {"secret": "y", "origin": "generated"}}
    assert _rows(values=generated_again) == _rows()
    assert fingerprint(_rows(), [["a"]]) != fingerprint(_rows(), [["b"]])
