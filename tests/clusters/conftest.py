"""People in a database that other threads see, and the engine at work in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from clusters.kube import connect
from operations.engine.loop import Loop
from tests.cast import Cast, make_cast


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
