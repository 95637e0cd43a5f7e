"""The broker of this pytest process, at REDIS_URL: started only when a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from console.dev.servers import Valkey
from tests import environment


@pytest.fixture(scope="session")
def the_broker() -> Iterator[Valkey]:
    """The one Valkey of this process; tests take `broker`."""
    if environment.BROKER not in os.environ:
        pytest.skip("REDIS_URL names a broker from outside, which tests may not stop")
    parts = urlsplit(os.environ["REDIS_URL"])
    server = Valkey(Path(os.environ[environment.BROKER]), port=parts.port, durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(the_broker: Valkey) -> Valkey:
    """A running Valkey at REDIS_URL. A test may stop, kill and start it; the next one finds it running again."""
    if not the_broker.alive():
        the_broker.start()
    return the_broker
