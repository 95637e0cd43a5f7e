"""Registries of the tests' own: two real ones for the whole run, started when first asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from django.db import connection

from clusters.kube import connect
from operations.engine.loop import Loop
from tests.cast import Cast, make_cast
from tests.marketplace import world
from tests.marketplace.servers import Meter, PlainPusher, program, running_registry
from tests.marketplace.shop import Shop, make_shop


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Build the registry's program before the first test that needs it: a build takes longer than any test may."""
    if any({"store", "goal"}.intersection(getattr(item, "fixturenames", ())) for item in items):
        for item in items:
            if {"store", "goal"}.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The registry that images come from: its address."""
    program()
    with running_registry(tmp_path_factory.mktemp("store")) as address:
        yield address


@pytest.fixture(scope="session")
def goal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The registry that images go to: its address."""
    program()
    with running_registry(tmp_path_factory.mktemp("goal")) as address:
        yield address


@pytest.fixture
def pusher(store: str) -> PlainPusher:
    """Pushes images to the store."""
    return PlainPusher(store)


@pytest.fixture
def name() -> str:
    """A repository name nobody has used."""
    return f"test-{secrets.token_hex(5)}"


@pytest.fixture
def metered_store(store: str) -> Iterator[Meter]:
    """The store behind a meter."""
    with Meter(store) as meter:
        yield meter


@pytest.fixture
def metered_goal(goal: str) -> Iterator[Meter]:
    """The goal behind a meter."""
    with Meter(goal) as meter:
        yield meter


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """Give everyone, in rows that workers see."""
    return make_cast()


@pytest.fixture
def loop(people: Cast) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=4)
    engine.start()
    yield engine
    engine.stop()
    connect.close_all()
    connection.close()


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
