"""Publishing, from the request to the version: by a worker, between real registries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from clusters.models import Application
from deploy.local.images import Random, push_random
from marketplace.models import Publication, Template, Version
from operations.engine.loop import Loop
from operations.models import Operation
from teams.models import AuditEvent
from tests.cast import Api, Cast
from tests.clusters.working import ended, steps_of, until
from tests.marketplace import world
from tests.marketplace.servers import Asked, Front, Meter, PlainPusher, Reply
from tests.marketplace.world import key, part

MIB = 1024 * 1024


@dataclass
class Shop:
    """An application of two components that was deployed, and the people around it."""

    cast: Cast
    app: Application
    base: str
    images: dict[str, Random]
    store: str
    name: str

    @property
    def api(self) -> Api:
        return self.cast.api("developer")

    def publish(self, number: str = "1.0", *, who: str = "developer", **body: Any) -> Any:
        wish = {"template": {"slug": "shop", "name": "Shop"}, "number": number, **body}
        return self.cast.api(who).post(f"{self.base}/publications", wish, headers=key())

    def done(self, number: str = "1.0", **body: Any) -> Operation:
        """Publish and wait for the end of the operation."""
        answer = self.publish(number, **body)
        assert answer.status_code == 202, answer.content
        return ended(answer.json()["id"])

    def publication(self, number: int = 1) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"{self.base}/publications/{number}").json()
        return found


def make_shop(people: Cast, store: str, pusher: PlainPusher, name: str) -> Shop:
    place = world.make_place(people.team, "test-internal")
    images = {
        "web": push_random(pusher, f"{name}/web", "1", [MIB, 300_000], seed=f"{name} a"),
        "db": push_random(pusher, f"{name}/db", "1", [MIB, 200_000], seed=f"{name} b"),
    }
    app = world.deployed(place, components(store, name, images))
    return Shop(people, app, f"environments/{place.slug}/apps/{app.slug}", images, store, name)


def components(store: str, name: str, images: dict[str, Random]) -> list[Any]:
    variables = [{"name": "LOG_LEVEL", "value": "info"}, {"name": "SMTP_PASSWORD", "secret": True}]
    return [
        part("web", f"{store}/{name}/web:1", images["web"].digest, size=1, variables=variables, depends_on=["db"]),
        part("db", f"{store}/{name}/db:1", images["db"].digest, size=bytes_of(images["db"])),
    ]


def bytes_of(image: Random) -> int:
    return sum(size for _, size in (*image.layers, image.config))


@pytest.fixture
def shop(people: Cast, store: str, pusher: PlainPusher, name: str) -> Shop:
    """The application, its sources known, no registry set."""
    world.make_registry(people.admin, store, prefix="dev", state="former")
    return make_shop(people, store, pusher, name)


@pytest.fixture
def target(shop: Shop, goal: str) -> Iterator[Meter]:
    """The enterprise's registry, behind a meter."""
    with Meter(goal) as meter:
        world.make_registry(shop.cast.admin, meter.address, prefix=f"lib/{shop.name}")
        yield meter


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
        return Reply(429, [("Retry-After", "999")]) if away[0] else ask()

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


# --- Refusals --------------------------------------------------------------------------------------------------------


def test_a_taken_number_is_refused_with_the_next_free_one(loop: Loop, shop: Shop, target: Meter) -> None:
    shop.done(confirm_by_itself=True)
    for number in ("1.0", "1", "1.0.0"):
        answer = shop.publish(number, template={"slug": "shop"})
        assert (answer.status_code, answer.json()["code"]) == (409, "number_taken")
        assert answer.json()["params"] == {"number": number, "next": "1.1" if number != "1.0.0" else "1.0.1"}
    assert Publication.objects.count() == 1


def test_what_may_not_be_published(shop: Shop, goal: str) -> None:
    def code(**body: Any) -> str:
        answer = shop.publish(**body)
        assert answer.status_code == 409, answer.content
        found: str = answer.json()["code"]
        return found

    assert code() == "registry_not_set"
    world.make_registry(shop.cast.admin, goal)
    taken = world.make_template(shop.cast.team, "taken", name="Taken")
    assert code(template={"slug": taken.slug, "name": "Other"}) == "slug_taken"
    assert code(template={"slug": "other", "name": "Taken"}) == "name_taken"
    shop.app.origin = "market"
    shop.app.save()
    assert code() == "market_application"
    shop.app.origin, shop.app.current_revision = "made", None
    shop.app.save()
    assert code() == "nothing_deployed"
    assert not Publication.objects.exists() and not Version.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"number": "v1"}, "/number", "not_a_number"),
        ({"components": ["web", "nope"]}, "/components/1", "unknown_component"),
        ({"components": ["db", "db"]}, "/components/1", "duplicate"),
        ({"components": []}, "/components", "required"),
        ({"components": ["web"]}, "/components/web/depends_on/0", "unknown_component"),
        ({"template": {}}, "/template/slug", "required"),
        ({"template": {"slug": "absent"}}, "/template/slug", "unknown_template"),
        ({"template": {"slug": "Bad Slug", "name": "x"}}, "/template/slug", "not_a_slug"),
        ({"template": {"slug": "x1", "name": "x", "intro": "i" * 401}}, "/template/intro", "too_long"),
        ({"template": {"slug": "x1", "name": "x", "tags": ["a", "\u202e"]}}, "/template/tags/1", "not_allowed"),
        ({"template": {"slug": "x1", "name": "x", "scope": "all"}}, "/template/scope", "choice_unknown"),
        ({"alias": "a" * 65}, "/alias", "too_long"),
        ({"parameters": [{"address": "web.variables.NOPE"}]}, "/parameters/0/address", "unknown_address"),
        (
            {"parameters": [{"address": "web.variables.SMTP_PASSWORD", "type": "text"}]},
            "/parameters/0/type",
            "choice_unknown",
        ),
    ],
)
def test_every_wrong_field_is_pointed_at(shop: Shop, goal: str, body: dict[str, Any], pointer: str, code: str) -> None:
    world.make_registry(shop.cast.admin, goal)
    answer = shop.publish(**{"number": "1.0", **body})
    assert answer.status_code == 422, answer.content
    assert (pointer, code) in [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert not Template.objects.exists() and not Version.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("viewer", 403),
        ("tester", 403),
        ("delivery", 403),
        ("neighbour", 404),
        ("loner", 404),
        ("stranger", 404),
        ("nobody", 401),
    ],
)
def test_who_may_not_publish(shop: Shop, goal: str, who: str, status: int) -> None:
    world.make_registry(shop.cast.admin, goal)
    assert shop.publish(who=who).status_code == status
    assert not Publication.objects.exists()


def test_a_template_of_another_team_takes_no_version_from_here(shop: Shop, goal: str) -> None:
    world.make_registry(shop.cast.admin, goal)
    theirs = world.make_template(shop.cast.other_team, "theirs", scope="enterprise")
    answer = shop.publish(template={"slug": theirs.slug})
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")
    hidden = world.make_template(shop.cast.other_team, "hidden", scope="team")
    answer = shop.publish(template={"slug": hidden.slug})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_template")


def test_a_published_version_cannot_be_given_up(loop: Loop, shop: Shop, target: Meter) -> None:
    shop.done(confirm_by_itself=True)
    answer = shop.api.delete(f"{shop.base}/publications/1")
    assert (answer.status_code, answer.json()["code"]) == (409, "publication_not_ready")
    assert Version.objects.count() == 1


def test_the_same_request_twice_publishes_once(shop: Shop, goal: str) -> None:
    world.make_registry(shop.cast.admin, goal)
    wish = {"template": {"slug": "shop", "name": "Shop"}, "number": "1.0"}
    header = key()
    first = shop.api.post(f"{shop.base}/publications", wish, headers=header)
    second = shop.api.post(f"{shop.base}/publications", wish, headers=header)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Publication.objects.count() == 1
