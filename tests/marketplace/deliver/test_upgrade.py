"""Upgrading by REST: values kept, components dropped and added, and going back to exactly what ran."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import AppliedObject
from marketplace.models import ImageRegistry, Installation, Template
from operations.engine.loop import Loop
from teams.models import AuditEvent
from tests.marketplace.deliver.stage import Stage, done, failed, operation, part

DISK = [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}]
LEVEL = {"name": "LEVEL", "value": "info"}
PARAMETERS = [{"address": "web.variables.LEVEL", "label": "Level", "type": "text"}]


def first(**fields: Any) -> list[Any]:
    file = {"path": "/etc/app.conf", "content": "one"}
    many = {"default": 1, "max": 4}
    return [
        part("web", 1, variables=[LEVEL], files=[file], replicas=many, depends_on=["db"], **fields),
        part("db", 1, kind="stateful", volumes=DISK),
        part("report", 1),
    ]


def second() -> list[Any]:
    file = {"path": "/etc/app.conf", "content": "two"}
    many = {"default": 1, "max": 4}
    made = {"name": "KEY", "secret": True, "generate": {"length": 12, "alphabet": "hex"}}
    variables = [{"name": "LEVEL", "value": "warn"}, {"name": "TITLE", "value": "new"}]
    return [
        part("web", 2, variables=variables, files=[file], replicas=many, depends_on=["db"]),
        part("db", 1, kind="stateful", volumes=DISK),
        part("worker", 1, variables=[made]),
    ]


@pytest.fixture
def installed(stage: Stage, loop: Loop) -> Stage:
    """Version 1.0 runs in production with values of its own; 2.0 is there."""
    stage.version("1.0", first(), parameters=PARAMETERS)
    values = {"web.variables.LEVEL": "debug", "web.replicas": 2}
    done(operation(stage.install("prod", values=values)))
    stage.version("2.0", second(), parameters=PARAMETERS)
    return stage


def objects(stage: Stage) -> dict[str, Any]:
    """What stands in production, as it was sent: specs and data by kind and name."""
    house = stage.house("prod")
    found: dict[str, Any] = {}
    for kind, group in (("deployments", "apps"), ("statefulsets", "apps"), ("services", ""), ("configmaps", "")):
        for name, item in house.listed(kind, group).items():
            if name not in ("kube-root-ca.crt", "waybill-shop"):
                found[f"{kind}/{name}"] = {key: item.get(key) for key in ("spec", "data")}
    return found


def test_old_to_new_and_exactly_back(installed: Stage) -> None:
    stage = installed
    before = objects(stage)
    claim = stage.house("prod").listed("persistentvolumeclaims")["data-shop-db-0"]["metadata"]["uid"]
    upgraded = operation(stage.change("upgrades", "prod", version="2.0"))
    done(upgraded)
    house = stage.house("prod")
    workloads = house.listed("deployments", "apps")
    assert set(workloads) == {"shop-web", "shop-worker"}
    container = workloads["shop-web"]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"][-2:] == [{"name": "LEVEL", "value": "debug"}, {"name": "TITLE", "value": "new"}]
    assert workloads["shop-web"]["spec"]["replicas"] == 2
    app = stage.app("prod")
    assert app.current_revision is not None
    assert (app.current_revision.number, app.current_revision.kind) == (2, "upgrade")
    assert Installation.objects.get(application=app).version.number == "2.0"  # type: ignore[union-attr]

    back = operation(stage.change("rollbacks", "prod"))
    done(back)
    assert objects(stage) == before
    assert house.listed("persistentvolumeclaims")["data-shop-db-0"]["metadata"]["uid"] == claim
    app.refresh_from_db()
    assert app.current_revision is not None
    shown = stage.cast.api("viewer").get(f"environments/{stage.slug('prod')}/apps/shop/revisions/3").json()
    assert (shown["kind"], shown["state"], shown["rolls_back_to"], shown["version"]) == (
        "rollback",
        "deployed",
        1,
        "1.0",
    )
    assert shown["equals"]["equal"] is True
    assert shown["not_restored"] == ["data-shop-db-0"]
    assert Installation.objects.get(application=app).version.number == "1.0"  # type: ignore[union-attr]
    words = set(AuditEvent.objects.filter(object_id=str(app.pk)).values_list("action", flat=True))
    assert {"upgrade.requested", "upgrade.upgraded", "rollback.requested", "rollback.rolled_back"} <= words


def test_going_back_needs_neither_mark_nor_template_nor_registry(installed: Stage) -> None:
    stage = installed
    done(operation(stage.change("upgrades", "prod", version="2.0")))
    version = stage.template.versions.get(number="1.0")
    stage.mark(version, "test")
    Template.objects.update(scope="team", team=stage.cast.other_team)
    ImageRegistry.objects.update(address="gone.example.com", state="former")
    back = operation(stage.change("rollbacks", "prod", revision=1))
    done(back)
    assert back.steps.get(key="check").message_code == "mark_taken_back"
    image = stage.house("prod").listed("deployments", "apps")["shop-web"]["spec"]["template"]["spec"]["containers"][0]
    assert image["image"].startswith("registry.example.com/")


def test_a_failed_upgrade_leaves_the_former_deployed_and_one_goes_back_to_it(installed: Stage) -> None:
    stage = installed
    variables = [LEVEL, {"name": "PLAY", "value": "image_pull_denied"}]
    broken = part("web", 3, variables=variables, replicas={"default": 1, "max": 4}, depends_on=["db"])
    stage.version("3.0", [broken, *first()[1:]], parameters=PARAMETERS)
    before = objects(stage)
    bad = operation(stage.change("upgrades", "prod", version="3.0"))
    failed(bad, "not_ready", component="web", cause="image_pull_denied")
    shown = stage.cast.api("delivery").get(f"operations/{bad.name}").json()
    assert shown["outcome"]["next"] == ["retry", "rollback"]
    done(operation(stage.change("rollbacks", "prod")))
    assert objects(stage) == before
    assert [(row.number, row.state) for row in stage.app("prod").revisions.order_by("number")] == [
        (1, "superseded"),
        (2, "failed"),
        (3, "deployed"),
    ]


def test_a_value_is_given_back_to_the_template(installed: Stage) -> None:
    stage = installed
    done(
        operation(
            stage.change("upgrades", "prod", version="2.0", reset=["web.variables.LEVEL"], values={"web.replicas": 3})
        )
    )
    live = stage.house("prod").listed("deployments", "apps")["shop-web"]
    assert {"name": "LEVEL", "value": "warn"} in live["spec"]["template"]["spec"]["containers"][0]["env"]
    assert live["spec"]["replicas"] == 3


def refusal(answer: Any) -> tuple[int, str, list[tuple[str, str]]]:
    body = answer.json()
    return answer.status_code, body["code"], [(error["pointer"], error["code"]) for error in body["errors"]]


def test_refusals(installed: Stage) -> None:
    stage = installed
    stage.version("4.0", first(), mark="test")
    assert refusal(stage.change("upgrades", "prod", version="1.0"))[:2] == (409, "nothing_changed")
    assert refusal(stage.change("upgrades", "prod", version="4.0"))[:2] == (409, "version_not_accepted")
    assert refusal(stage.change("upgrades", "prod", version="9.9"))[2] == [("/version", "unknown_version")]
    assert refusal(stage.change("upgrades", "prod", reset=["web.nothing"]))[2] == [("/reset/0", "unknown_address")]
    assert refusal(stage.change("upgrades", "prod", consents=["all"]))[0] == 422
    assert refusal(stage.change("upgrades", "prod", who="developer"))[:2] == (403, "role_required")
    assert refusal(stage.change("rollbacks", "prod"))[:2] == (409, "nothing_changed")
    assert refusal(stage.change("rollbacks", "prod", revision=7))[2] == [("/revision", "unknown_revision")]
    assert refusal(stage.change("rollbacks", "prod", revision=1))[:2] == (409, "nothing_changed")
    assert refusal(stage.change("rollbacks", "prod", confirm_name="other"))[2] == [("/confirm_name", "malformed")]
    assert stage.change("upgrades", "prod", plan_id="op-1", version="2.0").status_code == 412
    assert stage.change("upgrades", "prod", dry="x").status_code == 400
    assert stage.change("upgrades", "prod", query={"dry_run": "maybe"}).status_code == 422
    app = stage.app("prod")
    app.desired = "stopped"
    app.save()
    assert refusal(stage.change("upgrades", "prod", version="2.0"))[:2] == (409, "application_stopped")
    assert refusal(stage.change("rollbacks", "prod", revision=1))[:2] == (409, "application_stopped")


def test_one_at_a_time(installed: Stage) -> None:
    stage = installed
    running = operation(stage.change("upgrades", "prod", version="2.0"))
    body = stage.change("upgrades", "prod", values={"web.replicas": 3}).json()
    assert body["code"] == "operation_in_progress"
    assert running.name in str(body["blocking_operation"])
    done(running)


def test_an_application_made_by_hand_has_no_upgrades(stage: Stage) -> None:
    from clusters.models import Application

    Application.objects.create(environment=stage.places["test"], slug="shop", name="Shop", origin="made")
    assert stage.change("upgrades", "test", version="1.0").status_code == 404


def test_uninstalled_with_its_volume_kept_and_then_in_the_way(installed: Stage) -> None:
    stage = installed
    api, path = stage.cast.api("delivery"), f"environments/{stage.slug('prod')}/apps/shop"
    gone = operation(api.delete(path))
    app = stage.app("prod")
    done(gone)
    house = stage.house("prod")
    assert house.listed("deployments", "apps") == {}
    assert house.listed("statefulsets", "apps") == {}
    assert house.listed("services") == {}
    assert set(house.listed("configmaps")) == {"kube-root-ca.crt"}
    assert set(house.listed("persistentvolumeclaims")) == {"data-shop-db-0"}
    app.refresh_from_db()
    assert app.removed_at is not None
    assert api.get(path).status_code == 404
    kept = AppliedObject.objects.get(application=app)
    assert (kept.name, kept.state) == ("data-shop-db-0", "kept")
    keys = [step.key for step in gone.steps.order_by("seq") if step.key.startswith("remove:")]
    assert keys.index("remove:web") < keys.index("remove:db")
    failed(operation(stage.install("prod")), "volume_left_behind", claim="data-shop-db-0")


def test_uninstalled_with_its_volumes(installed: Stage) -> None:
    stage = installed
    api, path = stage.cast.api("delivery"), f"environments/{stage.slug('prod')}/apps/shop"
    refused = api.delete(path, volumes="delete", confirm_name="other")
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_required")
    app = stage.app("prod")
    done(operation(api.delete(path, volumes="delete", confirm_name="shop")))
    assert stage.house("prod").listed("persistentvolumeclaims") == {}
    assert AppliedObject.objects.filter(application=app).count() == 0
    words = set(AuditEvent.objects.filter(object_id=str(app.pk)).values_list("action", flat=True))
    assert {"application.uninstalled", "application.volumes_deleted"} <= words
