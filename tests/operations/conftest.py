"""The toy world and a loop in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from operations import registry
from operations.engine import doorbell
from operations.engine.loop import Loop
from operations.models import Operation
from tests.operations import toy
from tests.operations.people import Shop, make_shop
from tests.waiting import until


@pytest.fixture(autouse=True, scope="session")
def _runners() -> None:
    for runner in (toy.ToyRunner(), toy.TidyRunner(), toy.BadEndRunner()):
        registry.register(runner)


@pytest.fixture
def ledger() -> Iterator[toy.Ledger]:
    """The world outside."""
    world = toy.Ledger().start()
    yield world
    world.stop()


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    """An enterprise, in a database whose rows other threads see."""
    return make_shop()


@pytest.fixture
def loop(shop: Shop) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=4)
    engine.start()
    yield engine
    engine.stop()
    connection.close()


def ended(operation: Operation, *, seconds: float = 30) -> Operation:
    """Wait until the operation has ended; gives its row."""
    doorbell.ring()

    def over() -> bool:
        operation.refresh_from_db()
        return not operation.is_active

    until(over, seconds=seconds, what=f"the end of {operation} ({operation.state})")
    return operation
