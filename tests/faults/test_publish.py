"""kill -9 of a worker in the middle of a publication: the version comes out whole, as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from marketplace.models import Publication, PublicationImage
from operations.models import Operation
from tests.cast import Cast, make_cast
from tests.clusters.working import ended
from tests.faults.conftest import Nursery
from tests.faults.hooks import Place, Plan
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.marketplace import world
from tests.marketplace.conftest import goal, name, pusher, store
from tests.marketplace.servers import PlainPusher
from tests.marketplace.shop import Shop, make_shop

__all__ = ["goal", "name", "pusher", "store"]

AT_ONCE = 6
pytestmark = pytest.mark.timeout(size(400, 3600))


@pytest.fixture
def people(nursery: Nursery) -> Cast:
    """Everyone, in a database that the workers see."""
    return make_cast()


@pytest.mark.proof("R1")
def test_a_worker_killed_anywhere_in_a_publication_leaves_a_whole_version(
    nursery: Nursery, people: Cast, store: str, goal: str, pusher: PlainPusher, name: str, tmp_path: Path, tally: Tally
) -> None:
    world.make_registry(people.admin, store, prefix="dev", state="former")
    world.make_registry(people.admin, goal, prefix=f"lib/{name}")
    shop = make_shop(people, store, pusher, name)
    points = points_of(nursery, shop, tmp_path / "trace")
    outside = [number for number, kind, _, _ in points if kind == "registry"]
    at = sorted({0, *outside[:: size(max(1, len(outside) // 9), 1)], outside[-1], len(points) // 2})
    assert len(at) >= 10
    for start in range(0, len(at), AT_ONCE):
        names = [killed(nursery, shop, number) for number in at[start : start + AT_ONCE]]
        rescuer = nursery.worker()
        for operation in names:
            whole(shop, ended(operation, seconds=60), goal)
        tally.runs(len(names))
        rescuer.signal("TERM")
        rescuer.wait()
    assert Operation.objects.filter(kind="publish", attempts__gte=1).count() >= 8


def points_of(nursery: Nursery, shop: Shop, trace: Path) -> list[list[Any]]:
    """Publish once without a fault, and give every point that passed."""
    operation = shop.publish("0.1", confirm_by_itself=True).json()["id"]
    worker = nursery.worker(Plan(trace=str(trace)))
    assert ended(operation).state == "succeeded"
    worker.signal("TERM")
    worker.wait()
    return [json.loads(line) for line in trace.read_text().splitlines()]


def killed(nursery: Nursery, shop: Shop, number: int) -> str:
    """Begin a publication into a template of its own, with a worker that dies at this point."""
    body: dict[str, Any] = {"template": {"slug": f"shop-{number}", "name": f"Shop {number}"}, "confirm_by_itself": True}
    operation: str = shop.publish("1.0", **body).json()["id"]
    only = (int(operation.removeprefix("op-")),)
    victim = nursery.worker(Plan(only=only, stop="KILL", at=number))
    assert victim.wait(60) == -9, victim.said()
    return operation


def whole(shop: Shop, operation: Operation, goal: str) -> None:
    """Hold the end to what an undisturbed run comes to."""
    assert operation.state == "succeeded", (operation.outcome_code, operation.outcome_params)
    assert (operation.done, operation.changed) == (operation.total, "all")
    publication = Publication.objects.get(operation=operation)
    assert publication.state == "published" and publication.version is not None
    assert publication.version.state == "published"
    target = PlainPusher(goal)
    for image in publication.images.all():
        assert (image.state, image.bytes_done) == ("done", image.bytes_total)
        held = target.manifest(f"lib/{shop.name}/{image.path}", publication.version_number)
        assert held.headers["docker-content-digest"] == image.digest
        for digest, length in (*shop.images[image.components[0]].layers, shop.images[image.components[0]].config):
            blob = target.caller.call("HEAD", f"/v2/lib/{shop.name}/{image.path}/blobs/{digest}")
            assert (blob.status, int(blob.headers["content-length"])) == (200, length)
    ends = operation.events.filter(code__startswith="operation_").count()
    assert ends == 1


@pytest.mark.control("R1")
def test_control_without_guards_a_killed_publication_is_not_whole(
    nursery: Nursery, people: Cast, store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    """A worker that writes a step down as done before it is done, and dies in the tags, leaves images without them."""
    world.make_registry(people.admin, store, prefix="dev", state="former")
    world.make_registry(people.admin, goal, prefix=f"lib/{name}")
    shop = make_shop(people, store, pusher, name)
    operation = shop.publish("1.0", confirm_by_itself=True).json()["id"]
    path = PublicationImage.objects.order_by("path").values_list("path", flat=True)[0]
    tag = Place("registry", "before", f"PUT {goal}/v2/lib/{name}/{path}/manifests/1.0", 1)
    victim = nursery.worker(Plan(stop="KILL", place=tag, without=("order",)))
    assert victim.wait(60) == -9, victim.said()
    nursery.worker()
    end = ended(operation, seconds=60)
    with pytest.raises(AssertionError):
        whole(shop, end, goal)
