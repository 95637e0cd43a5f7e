"""A console of real processes, and everyone in a database that they see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from clusters.kube import connect
from tests.cast import Cast, make_cast
from tests.security.processes import Console


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """Give everyone, in rows that other processes see."""
    return make_cast()


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
