"""kill -9 of a worker while it takes an image from a Docker engine: another goes on, and the image comes out whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters.models import Environment, Revision
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.images import File, Image, layer
from deploy.local.plan import RegistryFacts
from deploy.local.registry import Registry as Pusher
from tests.cast import Cast
from tests.clusters.apps import add, make_app, path_of
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import prepare
from tests.clusters.working import connect_row, ended, key, make_environment, unique
from tests.faults.conftest import Nursery
from tests.faults.hooks import Place, Plan
from tests.marketplace import world
from tests.marketplace.archives import Listed, listed
from tests.real.docker import DockerEngine

HOST, FILES = "WAYBILL_DOCKER_HOST", "TMPDIR"
REPOSITORY = "lib/waybill-engine"
MIB = 1024 * 1024
PLACES = 4
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the workers keep what they save."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def _nursery(
    django_db_setup: None, docker_engine: DockerEngine, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nursery]:
    """Workers whose settings name the engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOST, docker_engine.host)
        patch.setenv(FILES, str(files))
        nursery = Nursery(tmp_path_factory.mktemp("workers"))
    yield nursery
    nursery.close()


@pytest.fixture
def place(
    people: Cast, cluster: LocalCluster, registry: RegistryFacts, docker_engine: DockerEngine, settings: Any
) -> Iterator[Environment]:
    """A prepared environment; this process's settings name the engine too."""
    settings.WAYBILL_DOCKER_HOST = docker_engine.host
    account = (registry.user, registry.password)
    world.make_registry(
        people.admin, registry.address, prefix="lib", account=account, ca_pem=registry.ca_pem, plain_http=False
    )
    made = make_environment(people.team, connect_row(people.enterprise, cluster), unique("engine"))
    prepare(made)
    yield made
    remove_namespace(cluster, made.namespace)


def image_of(engine: DockerEngine, name: str) -> Listed:
    """An image of two layers, one of five megabytes, that no registry has seen."""
    layers = [layer([File("large", os.urandom(5 * MIB))]), layer([File("program", name.encode())])]
    image = listed(Image(layers=layers, entrypoint=["/program"]), f"{name}:1")
    engine.load(image.bytes())
    return image


def places(registry: RegistryFacts, image: Listed) -> list[Place]:
    """In the middle of saving, before and after the large layer is sent, and before the image gets its tag."""
    base = f"{registry.address}/v2/{REPOSITORY}"
    return [
        Place("docker", "after", f"save {image.tags[0]}", 3),
        Place("registry", "before", f"POST {base}/blobs/uploads/", 1),
        Place("registry", "before", f"POST {base}/blobs/uploads/", 2),
        Place("registry", "before", f"PUT {base}/manifests/id-{image.id[7:]}", 1),
    ]


@pytest.mark.proof("R1")
def test_a_worker_killed_while_it_takes_an_image_leaves_a_whole_one(
    nursery: Nursery,
    people: Cast,
    place: Environment,
    registry: RegistryFacts,
    docker_engine: DockerEngine,
    files: Path,
) -> None:
    images = [image_of(docker_engine, unique("web")) for _ in range(PLACES)]
    names = []
    for number, image in enumerate(images):
        app, api = make_app(place, f"shop-{number}"), people.api("developer")
        part = {"image": {"reference": image.tags[0], "from": "docker"}, "args": ["web"], "run_as": {"user": 10001}}
        add(api, app, "web", **part)
        names.append(api.post(path_of(app, "deployments"), {}, headers=key()).json()["id"])
        only = (int(names[-1].removeprefix("op-")),)
        victim = nursery.worker(Plan(only=only, stop="KILL", place=places(registry, image)[number]))
        assert victim.wait(60) == -9, victim.said()
        assert os.listdir(files) == [], "what was saved is gone with the worker"
    rescuer = nursery.worker()
    for name, image in zip(names, images, strict=True):
        end = ended(name, seconds=90)
        assert end.state == "succeeded" and end.attempts >= 1, (end.outcome_code, end.outcome_params)
        _whole(Pusher.of(registry), Revision.objects.get(operation=end), image)
        docker_engine.remove(image.tags[0])
    rescuer.signal("TERM")
    rescuer.wait()


def _whole(pusher: Pusher, revision: Revision, image: Listed) -> None:
    """Every part of what runs is in the registry under its own digest."""
    said = revision.document["components"][0]["image"]
    assert said["platforms"][0]["config"] == image.id
    held = pusher.manifest(REPOSITORY, f"id-{image.id[7:]}")
    assert held.headers["docker-content-digest"] == said["digest"]
    rootfs = image.config["rootfs"]
    assert isinstance(rootfs, dict)
    for digest in (image.id, *rootfs["diff_ids"]):
        assert pusher.has(REPOSITORY, digest), digest
