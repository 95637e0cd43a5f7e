"""Installing a version by REST: accepted or refused as a whole, and what then runs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from clusters.models import Cluster
from clusters.present import time_text
from marketplace.models import Delivery, Installation
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import AuditEvent
from tests.marketplace.deliver.stage import Stage, done, failed, operation, part

SECRET = {"name": "TOKEN", "secret": True}
MADE = {"name": "KEY", "secret": True, "generate": {"length": 16, "alphabet": "hex"}}
LEVEL = {"name": "LEVEL", "value": "info"}
PARAMETERS = [{"address": "web.variables.LEVEL", "label": "Level", "type": "choice", "choices": ["info", "debug"]}]


def web(version: int = 1, **fields: Any) -> Any:
    return part("web", version, variables=[LEVEL, SECRET, MADE], replicas={"default": 1, "max": 3}, **fields)


def test_a_version_comes_to_run_with_the_values_of_its_environment(stage: Stage, loop: Loop) -> None:
    version = stage.version("1.0", [web()], parameters=PARAMETERS)
    values = {"web.variables.TOKEN": "s3cret", "web.variables.LEVEL": "debug", "web.replicas": 2}
    answer = stage.install("prod", version="1.0", values=values)
    accepted = operation(answer)
    assert answer.json()["kind"] == "install"
    done(accepted)
    app = stage.app("prod")
    revision = app.current_revision
    assert revision is not None
    assert (revision.number, revision.kind, revision.state) == (1, "install", "deployed")
    assert revision.source == {"template": "goods", "number": "1.0", "content_hash": version.content_hash}
    assert Installation.objects.get(application=app).version == version
    delivery = Delivery.objects.get(revision=revision)
    assert delivery.gate["accepted"]["mark"] == delivery.gate["started"]["mark"] == "release"
    live = stage.house("prod").listed("deployments", "apps")["shop-web"]
    container = live["spec"]["template"]["spec"]["containers"][0]
    digest = version.document["components"][0]["image"]["digest"] if version.document else ""
    assert container["image"] == f"registry.example.com/library/goods/web@{digest}"
    assert {"name": "LEVEL", "value": "debug"} in container["env"]
    assert live["status"]["readyReplicas"] == 2
    secret = revision.content()["values"]["web.variables.KEY"]
    assert len(secret) == 16
    words = set(AuditEvent.objects.filter(object_id=str(app.pk)).values_list("action", flat=True))
    assert {"installation.requested", "installation.installed"} <= words
    shown = stage.cast.api("viewer").get(f"environments/{stage.slug('prod')}/apps/shop/revisions/1").content.decode()
    assert "s3cret" not in shown
    assert secret not in shown


def test_several_environments_are_one_batch(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", [part("web", replicas={"default": 1, "max": 3})])
    own = {stage.slug("prod"): {"web.replicas": 2}}
    parent = operation(stage.install("test", "prod", values={"web.replicas": 1}, values_by_environment=own))
    assert parent.kind == "batch"
    done(parent)
    counts = {
        place: stage.house(place).listed("deployments", "apps")["shop-web"]["spec"]["replicas"]
        for place in ("test", "prod")
    }
    assert counts == {"test": 1, "prod": 2}


def test_one_refusal_refuses_all_and_points_at_its_environment(stage: Stage) -> None:
    stage.version("1.0", [part("web")], mark="test")
    answer = stage.install("test", "prod", version="1.0")
    assert answer.status_code == 409
    body = answer.json()
    assert body["code"] == "version_not_accepted"
    assert [error["pointer"] for error in body["errors"]] == ["/environments/1"]
    assert Operation.objects.count() == 0
    assert Installation.objects.count() == 0


def test_the_gate_is_asked_again_by_the_worker(stage: Stage, request: Any) -> None:
    version = stage.version("1.0", [part("web")])
    accepted = operation(stage.install("prod", version="1.0"))
    stage.mark(version, "test")
    request.getfixturevalue("loop")
    failed(accepted, "version_not_accepted", number="1.0")
    assert stage.house("prod").listed("deployments", "apps") == {}
    accepted.refresh_from_db()
    assert accepted.changed == "nothing"


def test_an_image_for_other_nodes_is_refused_before_anything_is_sent(stage: Stage, loop: Loop) -> None:
    made = part("web")
    digest = made["image"]["digest"]
    made["image"]["platforms"] = [{"os": "linux", "architecture": "amd64", "digest": digest, "config": digest}]
    stage.version("1.0", [made])
    Cluster.objects.update(capacity={"platforms": ["linux/arm64"], "at": time_text(timezone.now())})
    planned = operation(stage.install("prod", version="1.0", query={"dry_run": "true"}))
    failed(planned, "platform_missing", needs="linux/arm64", has="linux/amd64")
    accepted = operation(stage.install("prod", version="1.0"))
    failed(accepted, "platform_missing", needs="linux/arm64", has="linux/amd64")
    assert stage.house("prod").listed("deployments", "apps") == {}
    accepted.refresh_from_db()
    assert accepted.changed == "nothing"


def test_without_a_version_the_newest_release_is_taken(stage: Stage) -> None:
    stage.version("1.0", [part("web")])
    stage.version("1.1", [part("web", 2)])
    stage.version("2.0", [part("web", 3)], mark="test")
    revision = operation(stage.install("prod")).revision
    assert revision.source is not None
    assert revision.source["number"] == "1.1"


def refusal(answer: Any) -> tuple[int, str, list[tuple[str, str]]]:
    body = answer.json()
    return answer.status_code, body["code"], [(error["pointer"], error["code"]) for error in body["errors"]]


def test_refusals_name_the_place(stage: Stage) -> None:
    stage.version("1.0", [web()], parameters=PARAMETERS)
    given = {"web.variables.TOKEN": "x"}
    assert refusal(stage.install("test")) == (422, "invalid", [("/values/web.variables.TOKEN", "value_missing")])
    wrong = {**given, "web.nothing": 1}
    assert refusal(stage.install("test", values=wrong)) == (
        422,
        "invalid",
        [("/values/web.nothing", "unknown_address")],
    )
    wrong = {**given, "web.replicas": 9}
    assert refusal(stage.install("test", values=wrong)) == (
        422,
        "invalid",
        [("/values/web.replicas", "value_out_of_range")],
    )
    own = {stage.slug("test"): {"web.replicas": 9}}
    assert refusal(stage.install("test", values=given, values_by_environment=own))[2] == [
        (f"/values_by_environment/{stage.slug('test')}/web.replicas", "value_out_of_range")
    ]
    assert refusal(stage.install("test", version="9.0", values=given))[2] == [("/version", "unknown_version")]
    assert refusal(stage.install("test", template="nowhere"))[2] == [("/template", "unknown_template")]
    assert refusal(stage.install("test", environments=["nowhere"]))[2] == [("/environments/0", "unknown_environment")]
    twice = [stage.slug("test"), stage.slug("test")]
    assert refusal(stage.install("test", environments=twice))[2] == [("/environments/1", "duplicate")]
    assert refusal(stage.install("test", environments=[]))[2] == [("/environments", "required")]
    other: dict[str, Any] = {"nowhere": {}}
    assert refusal(stage.install("test", values=given, values_by_environment=other))[2] == [
        ("/values_by_environment/nowhere", "unknown_environment")
    ]
    assert refusal(stage.install("test", app={"slug": "Not A Slug"}))[2] == [("/app/slug", "not_a_slug")]


def test_who_may_not_deliver_there_is_told_which_role_may(stage: Stage) -> None:
    stage.version("1.0", [part("web")])
    status, code, errors = refusal(stage.install("test", "prod", who="tester"))
    assert (status, code, errors) == (403, "role_required", [("/environments/1", "role_required")])


def test_a_taken_name_a_dark_cluster_and_an_unready_environment(stage: Stage) -> None:
    stage.version("1.0", [part("web")])
    operation(stage.install("test"))
    assert refusal(stage.install("test")) == (409, "slug_taken", [("/environments/0", "slug_taken")])
    stage.cluster.health = "unreachable"
    stage.cluster.save()
    assert refusal(stage.install("prod"))[:2] == (409, "cluster_unreachable")
    stage.cluster.health = "online"
    stage.cluster.save()
    stage.places["prod"].state = "preparing"
    stage.places["prod"].save()
    assert refusal(stage.install("prod"))[:2] == (409, "environment_not_ready")


def test_a_quota_that_rows_tell_is_refused_at_once(stage: Stage) -> None:
    stage.version("1.0", [part("web", replicas={"default": 3, "max": 3})])
    stage.places["test"].quota = {"pods": 2}
    stage.places["test"].save()
    status, code, errors = refusal(stage.install("test"))
    assert (status, code, errors) == (422, "invalid", [("/environments/0", "quota_exceeded")])


def test_a_template_of_another_team_alone_is_not_there(stage: Stage) -> None:
    stage.version("1.0", [part("web")])
    stage.template.scope, stage.template.team = "team", stage.cast.other_team
    stage.template.save()
    assert refusal(stage.install("test"))[2] == [("/template", "unknown_template")]


def test_the_same_key_starts_one_installation(stage: Stage) -> None:
    stage.version("1.0", [part("web")])
    body = {"template": "goods", "environments": [stage.slug("test")]}
    api, key = stage.cast.api("delivery"), {"Idempotency-Key": "once"}
    first, second = api.post("installations", body, headers=key), api.post("installations", body, headers=key)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Operation.objects.count() == 1


def test_a_failed_installation_is_tried_again_with_the_same_values(stage: Stage, loop: Loop) -> None:
    stage.version("1.0", [web()], parameters=PARAMETERS)
    squatter = {"metadata": {"name": "shop-web"}, "spec": {"ports": [{"port": 1}]}}
    house = stage.house("test")
    house.real.create(f"{house.path}/services", squatter)
    stage.version("1.1", [web(ports=[{"name": "http", "number": 80}])], parameters=PARAMETERS)
    first = operation(stage.install("test", values={"web.variables.TOKEN": "x"}))
    failed(first, "object_name_taken")
    house.real.api("DELETE", f"{house.path}/services/shop-web")
    second = operation(stage.post(f"operations/{first.name}/retries", {}))
    done(second)
    assert second.retry_of == first
    assert second.revision.values == first.revision.values
    assert second.revision.content()["values"] == first.revision.content()["values"]
