"""The launcher of servers that refuse root: no folder is opened for them, and none is left closed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from console.dev.servers import Postgres


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_postgres_runs_below_a_folder_closed_to_its_user(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "postgres", durable=False)
    server.start()
    try:
        assert server.process is not None
        assert os.stat(f"/proc/{server.process.pid}").st_uid != 0
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()


def test_rows_outlive_a_kill(tmp_path: Path) -> None:
    import psycopg

    server = Postgres(tmp_path / "postgres")
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.start()
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        server.stop()


def test_a_half_made_cluster_of_databases_is_made_anew(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", durable=False)
    server.prepare()
    (server.data / "made").unlink()
    shutil.rmtree(server.data / "base")
    server.start()
    try:
        assert server.answers()
    finally:
        server.stop()
