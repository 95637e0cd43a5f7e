"""Plans by REST: what would happen is told by the cluster itself, and a run may hold to it."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import Application
from operations.engine.loop import Loop
from operations.models import Operation
from tests.marketplace.deliver.stage import Stage, done, failed, operation, part

DRY = {"dry_run": "true"}
DISK = [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}]
TOKEN = {"name": "TOKEN", "secret": True}
MADE = {"name": "KEY", "secret": True, "generate": {"length": 12, "alphabet": "hex"}}


def plan_of(answer: Any) -> dict[str, Any]:
    """Wait for a plan and give its document, as its operation shows it."""
    made = operation(answer)
    assert made.kind == "plan"
    done(made)
    assert made.plan is not None
    plan: dict[str, Any] = made.plan
    return {**plan, "id": made.name}


def components(version: int = 1) -> list[Any]:
    web = part("web", version, variables=[TOKEN, MADE], depends_on=["db"], replicas={"default": 1, "max": 3})
    return [web, part("db", 1, kind="stateful", volumes=DISK)]


@pytest.fixture
def running(stage: Stage, loop: Loop) -> Stage:
    """Version 1.0 runs in production; 2.0 is there."""
    stage.version("1.0", components())
    done(operation(stage.install("prod", values={"web.variables.TOKEN": "x"})))
    stage.version("2.0", components(2))
    return stage


def test_a_plan_of_an_installation_changes_nothing_and_a_run_holds_to_it(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", components())
    values = {"web.variables.TOKEN": "s3cret"}
    plan = plan_of(stage.install("prod", values=values, query=DRY))
    assert Application.objects.count() == 0
    assert stage.house("prod").listed("deployments", "apps") == {}
    assert plan["objects"]["create"] == len(plan["objects"]["list"])
    assert plan["values"]["generated"] == ["web.variables.KEY"]
    assert plan["volumes"] == {"create": ["data-shop-db-0"], "keep": []}
    assert plan["gate"] == {"accepts": "release", "allowed": True}
    assert plan["refusals"] == []
    assert plan["checked"]["cluster"] == "here"
    shown = stage.cast.api("delivery").get(f"operations/{plan['id']}").content.decode()
    assert "s3cret" not in shown
    assert '"plan"' in shown
    done(operation(stage.install("prod", values=values, plan_id=plan["id"])))


def test_a_plan_for_several_environments_holds_each_to_its_own(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", components())
    values = {"web.variables.TOKEN": "s3cret"}
    parent = operation(stage.install("test", "prod", values=values, query=DRY))
    assert parent.kind == "batch"
    done(parent)
    assert {child.kind for child in parent.children.all()} == {"plan"}
    batch = operation(stage.install("test", "prod", values=values, plan_id=parent.name))
    assert {child.input["plan"]["operation"] for child in batch.children.all()} == {
        child.name for child in parent.children.all()
    }
    done(batch)


def test_a_plan_of_an_upgrade_tells_old_and_new(running: Stage) -> None:
    plan = plan_of(running.change("upgrades", "prod", version="2.0", values={"web.replicas": 2}, query=DRY))
    assert (plan["from"]["version"], plan["to"]["version"], plan["to"]["mark"]) == ("1.0", "2.0", "release")
    web = next(item for item in plan["components"] if item["key"] == "web")
    assert {"image", "replicas"} <= {change["field"] for change in web["changes"]}
    actions = {item["name"]: item["action"] for item in plan["objects"]["list"]}
    assert actions["shop-web"] == "change"
    assert actions["shop-db"] == "keep"
    assert actions["data-shop-db-0"] == "keep"
    assert plan["volumes"]["keep"] == ["data-shop-db-0"]


def test_a_plan_is_stale_when_rows_moved(running: Stage) -> None:
    plan = plan_of(running.change("upgrades", "prod", version="2.0", query=DRY))
    other = running.change("upgrades", "prod", version="2.0", values={"web.replicas": 3}, plan_id=plan["id"])
    assert (other.status_code, other.json()["code"]) == (412, "plan_stale")
    running.mark(running.template.versions.get(number="2.0"), "test")
    running.mark(running.template.versions.get(number="2.0"), "release")
    done(operation(running.change("upgrades", "prod", version="2.0", plan_id=plan["id"])))
    again = running.change("upgrades", "prod", version="1.0", plan_id=plan["id"])
    assert again.status_code == 412


def test_a_plan_is_stale_when_the_cluster_moved_and_nothing_is_changed(running: Stage) -> None:
    plan = plan_of(running.change("upgrades", "prod", version="2.0", query=DRY))
    house = running.house("prod")
    path = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/shop-web"
    house.real.patch(path, {"spec": {"replicas": 3}})
    run = operation(running.change("upgrades", "prod", version="2.0", plan_id=plan["id"]))
    failed(run, "plan_stale", changes=["Deployment/shop-web"])
    assert run.changed == "nothing"


def test_an_edit_by_hand_is_shown_and_needs_a_consent(running: Stage) -> None:
    house = running.house("prod")
    path = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/shop-web"
    house.real.patch(path, {"spec": {"replicas": 3}})
    plan = plan_of(running.change("upgrades", "prod", version="2.0", query=DRY))
    edit = plan["changed_by_hand"][0]
    assert (edit["object"], edit["field"], edit["live"], edit["ours"]) == (
        "Deployment/shop-web",
        ".spec.replicas",
        3,
        1,
    )
    assert plan["consents"] == [{"consent": "overwrite_changes", "items": ["Deployment/shop-web:.spec.replicas"]}]
    refused = running.change("upgrades", "prod", version="2.0", plan_id=plan["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_required")
    consents = ["overwrite_changes"]
    done(operation(running.change("upgrades", "prod", version="2.0", plan_id=plan["id"], consents=consents)))
    assert house.listed("deployments", "apps")["shop-web"]["spec"]["replicas"] == 1


def test_a_rollback_shows_what_a_hand_added_and_leaves_it(running: Stage) -> None:
    done(operation(running.change("upgrades", "prod", version="2.0")))
    house = running.house("prod")
    path = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments/shop-web"
    house.real.patch(path, {"metadata": {"annotations": {"team.example.com/note": "mine"}}})
    plan = plan_of(running.change("rollbacks", "prod", query=DRY))
    assert (plan["kind"], plan["to"]["version"]) == ("rollback", "1.0")
    back = operation(running.change("rollbacks", "prod", plan_id=plan["id"]))
    done(back)
    seen = back.steps.get(key="verify").observed
    assert seen["equal"] is True
    assert any("team.example.com/note" in text for text in seen["added_by_others"])
    assert house.listed("deployments", "apps")["shop-web"]["metadata"]["annotations"]["team.example.com/note"] == "mine"


def test_what_the_cluster_would_refuse_stands_in_the_plan(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", [part("web", ports=[{"name": "http", "number": 80}])])
    house = stage.house("test")
    house.real.create(f"{house.path}/services", {"metadata": {"name": "shop-web"}, "spec": {"ports": [{"port": 1}]}})
    plan = plan_of(stage.install("test", query=DRY))
    assert [item["code"] for item in plan["refusals"]] == ["object_name_taken"]


def test_a_plan_is_nobody_elses(running: Stage) -> None:
    plan = plan_of(running.change("upgrades", "prod", version="2.0", query=DRY))
    assert running.cast.api("neighbour").get(f"operations/{plan['id']}").status_code == 404
    assert Operation.objects.filter(kind="upgrade").count() == 0
