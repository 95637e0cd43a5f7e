"""Publishing, from the request to the version: by a worker, between real registries."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from deploy.local.images import push_random
from marketplace.models import Template, Version
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.working import ended, steps_of
from tests.marketplace import world
from tests.marketplace.servers import Asked, Front, Meter, PlainPusher, Reply
from tests.marketplace.shop import MIB, Shop, components, make_shop
from tests.marketplace.world import key
from tests.waiting import until


def test_an_application_becomes_a_version_that_carries_its_digests(loop: Loop, shop: Shop, target: Meter) -> None:
    operation = shop.done(
        notes="first",
        parameters=[
            {"address": "web.variables.LOG_LEVEL", "label": "Log level", "type": "choice", "choices": ["info"]}
        ],
    )
    assert operation.state == "succeeded"
    assert list(steps_of(operation).items()) == [
        (step, "done")
        for step in ("resolve", "measure", "copy:shop/db", "copy:shop/web", "manifests", "tags", "verify")
    ]
    assert (operation.changed, operation.unit, operation.done) == ("all", "bytes", operation.total)
    assert operation.total == sum(image["bytes_total"] for image in shop.publication()["images"]) > 2 * MIB

    shown = shop.publication()
    assert (shown["state"], shown["operation"], shown["revision"]) == ("ready", operation.name, 1)
    assert [image["state"] for image in shown["images"]] == ["done", "done"]
    assert shop.api.get("templates").json()["items"] == [], "nothing is visible before it is confirmed"

    answer = shop.api.put(f"{shop.base}/publications/1/confirmation")
    assert answer.status_code == 200
    version = answer.json()
    assert (version["number"], version["state"], version["mark"], version["notes"]) == (
        "1.0",
        "published",
        "test",
        "first",
    )
    document = shop.api.get("templates/shop/versions/1.0/document").json()
    by_key = {component["key"]: component for component in document["components"]}
    assert by_key["web"]["image"]["digest"] == shop.images["web"].digest
    assert by_key["web"]["image"]["path"] == "shop/web"
    assert "pull" not in by_key["web"]["image"]
    assert [parameter["address"] for parameter in document["parameters"]] == [
        "web.variables.LOG_LEVEL",
        "web.variables.SMTP_PASSWORD",
    ]
    assert document["origin"]["revision"] == 1
    held = PlainPusher(target.address).manifest(f"lib/{shop.name}/shop/web", "1.0")
    assert held.headers["docker-content-digest"] == shop.images["web"].digest
    actions = list(AuditEvent.objects.order_by("at").values_list("action", flat=True))
    assert [action for action in actions if action.split(".")[0] in {"publication", "version", "template"}] == [
        "template.created",
        "publication.started",
        "version.published",
        "publication.confirmed",
    ]


def test_each_blob_travels_once(loop: Loop, shop: Shop, target: Meter) -> None:
    before = target.up
    shop.done()
    unique = {digest: size for image in shop.images.values() for digest, size in (*image.layers, image.config)}
    assert sum(unique.values()) <= target.up - before <= sum(unique.values()) * 1.02


def test_a_second_version_with_one_changed_image_sends_that_alone(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher
) -> None:
    shop.done(confirm_by_itself=True)
    new = push_random(pusher, f"{shop.name}/web", "2", [400_000], seed=f"{shop.name} c")
    world.revise(shop.app, components(shop.store, shop.name, {**shop.images, "web": new}))
    before = target.up
    operation = shop.done("2.0", template={"slug": "shop"}, confirm_by_itself=True)
    assert (operation.state, operation.done) == ("succeeded", operation.total)
    assert target.up - before < 450_000
    assert shop.api.get("templates/shop").json()["newest"] == "2.0"
    there = {image["path"]: image["bytes_there"] for image in shop.publication(2)["images"]}
    assert there["shop/db"] > MIB and there["shop/web"] == 0


def test_within_one_registry_no_layer_travels(
    loop: Loop, people: Cast, store: str, pusher: PlainPusher, name: str
) -> None:
    with Meter(store) as meter:
        shop = make_shop(people, meter.address, pusher, name)
        world.make_registry(people.admin, meter.address, prefix=f"lib/{name}")
        assert shop.done().state == "succeeded"
        assert meter.up < 40_000


def test_it_publishes_by_itself_when_asked_to(loop: Loop, shop: Shop, target: Meter) -> None:
    operation = shop.done(confirm_by_itself=True)
    assert steps_of(operation)["confirm"] == "done"
    assert shop.publication()["state"] == "published"
    version = Version.objects.get()
    assert (version.state, version.published_by) == ("published", shop.cast.developer)
    again = shop.api.put(f"{shop.base}/publications/1/confirmation")
    assert (again.status_code, again.json()["code"]) == (409, "publication_not_ready")


def test_what_is_published_is_what_was_deployed_though_the_tag_moved(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher
) -> None:
    push_random(pusher, f"{shop.name}/web", "1", [1000], seed="another image")
    operation = shop.done(confirm_by_itself=True)
    assert operation.state == "succeeded"
    moved = operation.events.get(code="tag_moved")
    assert moved.params["image"] == f"{shop.store}/{shop.name}/web:1"
    document = Version.objects.get().document
    assert document is not None
    assert shop.images["web"].digest in {component["image"]["digest"] for component in document["components"]}


def test_an_image_that_is_gone_from_its_source_fails_the_publication_and_a_retry_copies_the_rest(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher
) -> None:
    layer = shop.images["web"].layers[1][0]
    assert pusher.caller.call("DELETE", f"/v2/{shop.name}/web/blobs/{layer}").status == 202
    operation = shop.done()
    assert (operation.state, operation.outcome_code) == ("failed", "image_not_found")
    assert steps_of(operation)["copy:shop/db"] == "done"
    assert steps_of(operation)["copy:shop/web"] == "failed"
    shown = shop.publication()
    assert shown["state"] == "failed"
    states = {image["path"]: (image["state"], (image["problem"] or {}).get("code")) for image in shown["images"]}
    assert states == {"shop/db": ("done", None), "shop/web": ("failed", "image_not_found")}
    assert shop.api.put(f"{shop.base}/publications/1/confirmation").json()["code"] == "publication_not_ready"

    push_random(pusher, f"{shop.name}/web", "1", [MIB, 300_000], seed=f"{shop.name} a")
    before = target.up
    answer = shop.api.post(f"operations/{operation.name}/retries", headers=key())
    assert answer.status_code == 202, answer.content
    retried = ended(answer.json()["id"])
    assert (retried.state, retried.retry_of) == ("succeeded", operation)
    assert shop.publication()["state"] == "ready"
    assert target.up - before < 1.1 * (MIB + 300_000), "the image that was done was not sent again"
    second = shop.api.post(f"operations/{operation.name}/retries", headers=key())
    assert (second.status_code, second.json()["code"]) == (409, "not_retryable")


def test_a_digest_that_is_gone_while_the_tag_stands_says_that_the_image_changed(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher
) -> None:
    push_random(pusher, f"{shop.name}/web", "1", [1000], seed="another image")
    gone = pusher.caller.call("DELETE", f"/v2/{shop.name}/web/manifests/{shop.images['web'].digest}")
    assert gone.status == 202
    operation = shop.done()
    assert (operation.state, operation.outcome_code) == ("failed", "image_changed")
    assert operation.outcome_params == {"image": f"{shop.store}/{shop.name}/web:1"}


@pytest.mark.parametrize("ready", [True, False])
def test_giving_up_leaves_nothing_visible_and_the_number_free(
    loop: Loop, shop: Shop, target: Meter, pusher: PlainPusher, ready: bool
) -> None:
    if not ready:
        pusher.caller.call("DELETE", f"/v2/{shop.name}/web/blobs/{shop.images['web'].layers[1][0]}")
    assert shop.done().state == ("succeeded" if ready else "failed")
    assert shop.api.delete(f"{shop.base}/publications/1").status_code == 204
    assert shop.publication()["state"] == "abandoned"
    assert not Version.objects.exists()
    assert not Template.objects.present().exists()
    assert shop.api.delete(f"{shop.base}/publications/1").status_code == 204
    assert shop.publish().status_code == 202, "slug and number are free again"
    assert AuditEvent.objects.filter(action="publication.abandoned").count() == 1


def blocking(on: Callable[[Asked], bool], go: threading.Event, seen: threading.Event) -> Callable[..., Reply]:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        if on(asked):
            seen.set()
            go.wait(20)
        return ask()

    return rule


def test_giving_up_while_it_copies_stops_the_copy(loop: Loop, shop: Shop, goal: str) -> None:
    go, seen = threading.Event(), threading.Event()
    with Front(goal, blocking(lambda asked: asked.method == "PUT" and "/blobs/" in asked.path, go, seen)) as front:
        world.make_registry(shop.cast.admin, front.address, prefix=f"lib/{shop.name}")
        operation = shop.publish().json()["id"]
        assert seen.wait(20)
        assert shop.api.delete(f"{shop.base}/publications/1").status_code == 204
        ended_as = ended(operation, seconds=10)
        go.set()
    assert ended_as.state == "cancelled"
    assert shop.publication()["state"] == "abandoned"
    assert not Version.objects.exists()


def test_a_registry_that_is_away_is_waited_for(loop: Loop, shop: Shop, goal: str) -> None:
    away = [True]

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        return Reply(429, [("Retry-After", "0")]) if away[0] else ask()

    with Front(goal, rule) as front:
        world.make_registry(shop.cast.admin, front.address, prefix=f"lib/{shop.name}")
        name = shop.publish().json()["id"]
        rows = Operation.objects.filter(number=int(name.removeprefix("op-")))
        until(lambda: rows.get().state == "waiting", what="waiting")
        waiting_for = rows.get().waiting_for
        assert waiting_for and (waiting_for["kind"], waiting_for["name"]) == ("registry", front.address)
        away[0] = False
        assert ended(name).state == "succeeded"


def test_a_full_registry_fails_with_its_words(loop: Loop, shop: Shop, goal: str) -> None:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        return Reply(507) if asked.method == "PUT" else ask()

    with Front(goal, rule) as front:
        world.make_registry(shop.cast.admin, front.address, prefix=f"lib/{shop.name}")
        operation = shop.done()
        assert (operation.state, operation.outcome_code) == ("failed", "registry_full")
        assert operation.outcome_params == {"registry": front.address}


def test_no_manifest_of_a_source_is_read_twice(
    loop: Loop, people: Cast, store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    with Front(store) as front:
        world.make_registry(people.admin, front.address, prefix="dev", state="former")
        world.make_registry(people.admin, goal, prefix=f"lib/{name}")
        shop = make_shop(people, front.address, pusher, name)
        assert shop.done().state == "succeeded"
        read = [one.path for one in front.asked if one.method == "GET" and "/manifests/sha256:" in one.path]
        assert len(read) == len(set(read)) == 2
        blobs = [one.path for one in front.asked if one.method == "GET" and "/blobs/" in one.path]
        configs = [image.config[0] for image in shop.images.values()]
        assert sorted(path.rpartition("/")[2] for path in blobs if path.rpartition("/")[2] not in configs) == sorted(
            {digest for image in shop.images.values() for digest, _ in image.layers}
        )
