"""A console of real processes, and everyone in a database that they see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from clusters.kube import connect
from tests.access.matrix import taken_back
from tests.cast import Cast, make_cast
from tests.real.streams import streams_here
from tests.security.doors import House
from tests.security.processes import Console


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """Give everyone, in rows that other processes see."""
    return make_cast()


@pytest.fixture(scope="module")
def _stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with taken_back(django_db_blocker) as cast:
        yield House(cast)


@pytest.fixture
def house(_stage: House, db: None) -> House:
    """Everyone and everything, made once: each request is taken back, and all of it at the end."""
    return _stage


@pytest.fixture
def served(transactional_db: None, tmp_path: Path) -> Iterator[Console]:
    """Web and streams; they have ended before the database under them is emptied."""
    folder = tmp_path / "console"
    folder.mkdir()
    console = Console(folder)
    try:
        console.start_web()
        console.start_streams()
        yield console
    finally:
        console.stop()
        connect.close_all()
        connection.close()


@pytest.fixture
def near(transactional_db: None) -> Iterator[str]:
    """The streams in this process, whose bounds a test may lower; gives host:port."""
    with streams_here() as where:
        yield where
