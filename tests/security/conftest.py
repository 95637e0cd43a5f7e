"""A console of real processes, and everyone in a database that they see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from clusters.kube import connect
from tests.cast import Cast, make_cast
from tests.security.processes import Console


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """Give everyone, in rows that other processes see."""
    return make_cast()


@pytest.fixture(scope="module")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Web and streams, for the tests of one file; the database under them is emptied after each."""
    console = Console(tmp_path_factory.mktemp("console"))
    try:
        console.start_web()
        console.start_streams()
        yield console
    finally:
        console.stop()
        connect.close_all()
        connection.close()
