"""Images of a Docker engine, brought into a real registry: by digest, once, and with nothing left behind."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from clusters import images
from clusters.images import Hands, ResolvedImage
from console.kit.errors import Refused, Rejected, Unreachable, WaybillError
from deploy.local.images import File, Image, layer, push_image
from marketplace.models import ImageRegistry
from marketplace.registry.engine import Engine
from tests.cast import Cast
from tests.marketplace import world
from tests.marketplace.archives import Listed, listed, simple
from tests.marketplace.servers import Meter, PlainPusher
from tests.real.docker import DockerEngine

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def engine(docker_engine: DockerEngine, settings: Any) -> DockerEngine:
    """A running engine that the settings name."""
    settings.WAYBILL_DOCKER_HOST = docker_engine.host
    return docker_engine


@pytest.fixture
def goal_row(people: Cast, metered_goal: Meter, name: str) -> ImageRegistry:
    """The enterprise's registry, behind a meter."""
    return world.make_registry(people.admin, metered_goal.address, prefix=f"lib/{name}")


@pytest.fixture
def loaded(engine: DockerEngine, name: str) -> Iterator[Listed]:
    """An image in the engine, under a name of this test; its layers are new to every registry."""
    image = simple(name.encode() * 40_000, b"two" + name.encode())
    image.tags = [f"{name}/web:1.0"]
    engine.load(image.bytes())
    yield image
    engine.remove(image.tags[0])


def hands(
    *, go_on: Callable[[], None] = lambda: None, before_write: Callable[[], None] = lambda: None, told: Any = None
) -> Hands:
    return Hands("waybill test", lambda _: None, before_write, go_on, told or (lambda done, total: None))


def take(people: Cast, reference: str, **more: Any) -> ResolvedImage:
    return images.take(reference, enterprise=people.enterprise, hands=hands(**more))


def refused(action: Callable[[], Any]) -> WaybillError:
    with pytest.raises(WaybillError) as caught:
        action()
    return caught.value


def pushed(row: ImageRegistry, found: ResolvedImage) -> dict[str, Any]:
    """What the registry itself holds under the digest."""
    held = PlainPusher(row.address).manifest(f"{row.prefix}/waybill-engine", found.digest)
    assert "sha256:" + hashlib.sha256(held.body).hexdigest() == found.digest
    body: dict[str, Any] = json.loads(held.body)
    return body


# --- The whole way ---------------------------------------------------------------------------------------------------


def test_an_image_is_brought_by_digest_with_every_byte_as_it_was(
    people: Cast, goal_row: ImageRegistry, loaded: Listed
) -> None:
    heard: list[tuple[int, int]] = []
    found = take(people, loaded.tags[0], told=lambda done, total: heard.append((done, total)))
    assert found.pull == f"{goal_row.address}/{goal_row.prefix}/waybill-engine@{found.digest}"
    assert found.source == found.pull and found.bytes > 200_000
    assert [(one["os"], one["architecture"], one["config"]) for one in found.platforms] == [
        ("linux", loaded.arch, loaded.id)
    ]
    body = pushed(goal_row, found)
    assert [one["digest"] for one in body["layers"]] == loaded.config["rootfs"]["diff_ids"]  # type: ignore[index]
    assert body["config"]["digest"] == loaded.id
    assert heard[-1][0] == heard[-1][1] > 0 and heard == sorted(heard)


def test_the_same_image_again_is_not_saved_again(
    people: Cast, goal_row: ImageRegistry, metered_goal: Meter, engine: DockerEngine, loaded: Listed, name: str
) -> None:
    first = take(people, loaded.tags[0])
    with engine.client() as client:
        client.tag(loaded.tags[0], f"{name}/other", "latest")
    metered_goal.reset()
    heard: list[tuple[int, int]] = []
    again = take(people, f"{name}/other", told=lambda done, total: heard.append((done, total)))
    engine.remove(f"{name}/other:latest")
    assert again == first
    assert heard == [] and metered_goal.up < 10_000


def test_layers_that_are_there_are_not_sent_again(
    people: Cast, goal_row: ImageRegistry, metered_goal: Meter, engine: DockerEngine, loaded: Listed, name: str
) -> None:
    take(people, loaded.tags[0])
    newer = Listed([loaded.layers[0], simple(b"newer" + name.encode()).layers[0]], [f"{name}/web:2.0"])
    engine.load(newer.bytes())
    metered_goal.reset()
    found = take(people, newer.tags[0])
    engine.remove(newer.tags[0])
    assert metered_goal.up < 60_000 < len(loaded.layers[0])
    assert pushed(goal_row, found)["layers"][0]["digest"] == loaded.config["rootfs"]["diff_ids"][0]  # type: ignore[index]


def test_a_tag_moved_by_other_hands_is_not_believed(
    people: Cast, goal_row: ImageRegistry, loaded: Listed, pusher: PlainPusher, name: str
) -> None:
    first = take(people, loaded.tags[0])
    repository = f"{goal_row.prefix}/waybill-engine"
    other = Image(layers=[layer([File("x", name.encode())])])
    push_image(PlainPusher(goal_row.address), repository, f"id-{loaded.id[7:]}", [other])
    assert take(people, loaded.tags[0]) == first


def test_work_that_was_cut_short_leaves_no_file_and_goes_on_where_it_was(
    people: Cast, goal_row: ImageRegistry, metered_goal: Meter, loaded: Listed, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[list[str]] = []
    reached: set[int] = set()

    def lost(done: int, total: int) -> None:
        seen.append(os.listdir(tmp_path))
        # The end of a layer is told when its last byte was sent, and again when the registry has it.
        if done > total * 0.98 and done in reached:
            raise Rejected("docker_no_room", image="stand-in for a worker that dies while it sends")
        reached.add(done)

    assert refused(lambda: take(people, loaded.tags[0], told=lost)).code == "docker_no_room"
    assert seen and set(map(tuple, seen)) == {()}, "the file has no name from the start"
    assert os.listdir(tmp_path) == []
    metered_goal.reset()
    found = take(people, loaded.tags[0])
    assert metered_goal.up < 60_000 < found.bytes, "the large layer was there already"
    assert len(os.listdir("/proc/self/fd")) < 200


def test_nothing_is_written_without_the_lease(people: Cast, goal_row: ImageRegistry, loaded: Listed) -> None:
    def lost() -> None:
        raise Unreachable("docker_unreachable", docker="stand-in", reason="no_answer")

    assert refused(lambda: take(people, loaded.tags[0], before_write=lost)).code == "docker_unreachable"
    assert refused(lambda: take(people, loaded.tags[0], go_on=lost)).code == "docker_unreachable"
    names = PlainPusher(goal_row.address).caller.call("GET", f"/v2/{goal_row.prefix}/waybill-engine/tags/list")
    assert names.status == 404


def test_two_images_at_once_are_saved_one_after_the_other(
    people: Cast, goal_row: ImageRegistry, engine: DockerEngine, loaded: Listed, name: str
) -> None:
    other = Listed([simple(b"other" + name.encode()).layers[0]], [f"{name}/api:1.0"])
    engine.load(other.bytes())
    inside = threading.Event()
    order: list[str] = []

    def slow(done: int, total: int) -> None:
        inside.set()
        time.sleep(0.05)
        order.append("web")

    def apart(reference: str, told: Callable[[int, int], None]) -> ResolvedImage:
        try:
            return take(people, reference, told=told)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(apart, loaded.tags[0], slow)
        assert inside.wait(30)
        second = pool.submit(apart, other.tags[0], lambda done, total: order.append("api"))
        assert {first.result(60).digest, second.result(60).digest} and first.result() != second.result()
    engine.remove(other.tags[0])
    assert order == sorted(order, reverse=True), "nothing of the second before the end of the first"


# --- What is in the way ----------------------------------------------------------------------------------------------


def test_what_the_engine_does_not_have_is_told(people: Cast, goal_row: ImageRegistry, engine: DockerEngine) -> None:
    error = refused(lambda: take(people, "nowhere/web:9"))
    assert isinstance(error, Rejected)
    assert (error.code, error.params) == ("docker_image_missing", {"image": "nowhere/web:9"})


def test_an_image_that_is_too_large_is_refused_before_and_while_it_comes(
    people: Cast, goal_row: ImageRegistry, engine: DockerEngine, loaded: Listed, settings: Any, tmp_path: Path
) -> None:
    settings.WAYBILL_DOCKER_LIMIT = 100_000
    error = refused(lambda: take(people, loaded.tags[0]))
    assert (error.code, error.params["limit"]) == ("docker_image_too_large", 100_000)
    with Engine(engine.host) as asked, tempfile.TemporaryFile(dir=tmp_path) as file:
        found = asked.find(loaded.tags[0])
        late = refused(lambda: asked.save(found, file, image="x", limit=100_000, told=lambda _: None))
        assert late.code == "docker_image_too_large"


def test_a_full_disk_is_told(engine: DockerEngine, loaded: Listed) -> None:
    with Engine(engine.host) as asked, Path("/dev/full").open("wb", buffering=0) as full:
        found = asked.find(loaded.tags[0])
        error = refused(lambda: asked.save(found, full, image="x", limit=10**9, told=lambda _: None))
    assert error.code == "docker_no_room"


def test_an_engine_that_is_away_is_waited_for(
    people: Cast, goal_row: ImageRegistry, settings: Any, tmp_path: Path
) -> None:
    settings.WAYBILL_DOCKER_HOST = f"unix://{tmp_path}/docker.sock"
    error = refused(lambda: take(people, "web:1"))
    assert isinstance(error, Unreachable)
    assert (error.code, error.params["reason"]) == ("docker_unreachable", "no_socket")
    with Engine("tcp://127.0.0.1:1", tmp_path) as nobody:
        assert refused(lambda: nobody.find("web:1")).code in {"docker_unreachable", "docker_failed"}


def test_an_engine_that_stops_and_comes_back(
    people: Cast, goal_row: ImageRegistry, engine: DockerEngine, loaded: Listed
) -> None:
    engine.stop()
    try:
        assert isinstance(refused(lambda: take(people, loaded.tags[0])), Unreachable)
    finally:
        assert engine.start() is None
    assert take(people, loaded.tags[0]).platforms[0]["config"] == loaded.id


def test_over_tls_both_sides_are_known(engine: DockerEngine, loaded: Listed, tmp_path: Path) -> None:
    with Engine(engine.address, engine.certificates) as asked:
        assert asked.find(loaded.tags[0]).id == loaded.id
    strange = tmp_path / "strange"
    DockerEngine(strange)
    with Engine(engine.address, strange / "certificates") as stranger:
        assert refused(lambda: stranger.find(loaded.tags[0])).code == "tls_not_trusted"


def test_proxies_of_the_environment_do_not_count(engine: DockerEngine, loaded: Listed, monkeypatch: Any) -> None:
    for word in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(word, "http://127.0.0.1:1")
        monkeypatch.setenv(word.lower(), "http://127.0.0.1:1")
    for host, certificates in ((engine.host, None), (engine.address, engine.certificates)):
        with Engine(host, certificates) as asked:
            assert asked.find(loaded.tags[0]).id == loaded.id


def test_the_engine_keeps_its_names(
    people: Cast, goal_row: ImageRegistry, engine: DockerEngine, loaded: Listed
) -> None:
    before = engine.images()
    take(people, loaded.tags[0])
    assert engine.images() == before


def test_without_setting_or_registry_nothing_begins(people: Cast, settings: Any) -> None:
    settings.WAYBILL_DOCKER_HOST = None
    assert refused(lambda: take(people, "web:1")).code == "docker_not_set"
    settings.WAYBILL_DOCKER_HOST = "unix:///nowhere.sock"
    error = refused(lambda: images.require_engine(people.enterprise))
    assert isinstance(error, Refused)
    assert error.code == "registry_not_set"


def test_a_sample_of_the_local_platform_is_loaded_as_engines_do(engine: DockerEngine, name: str) -> None:
    image = listed(Image(layers=[layer([File("program", name.encode())])], entrypoint=["/program"]), f"{name}:1")
    engine.load(image.bytes())
    with Engine(engine.host) as asked:
        assert asked.find(f"{name}:1").id == image.id
        assert asked.find(image.id).id == image.id
    engine.remove(f"{name}:1")
