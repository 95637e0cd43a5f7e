"""Two consoles on one PostgreSQL, a small enterprise and one ten times as large, served as they are deployed.

With the environment variable BENCH_KEEP (a folder) the databases stay there and are filled once.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench.house import House, alone
from console.dev import process
from console.dev.servers import Postgres, Valkey, private_text


def _keys(folder: Path) -> dict[str, str]:
    """Give the secrets the rows of this folder are sealed with; the first call makes them."""
    file = folder / "keys.json"
    if not file.exists():
        key = base64.b64encode(os.urandom(32)).decode()
        made = {"WAYBILL_SECRET_KEY": secrets.token_urlsafe(48), "WAYBILL_KEYS": f"bench:{key}"}
        private_text(file, json.dumps(made))
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found


@contextmanager
def houses(scales: Sequence[int]) -> Iterator[dict[int, House]]:
    """Give a filled console for each scale, its pages and API answering."""
    with ExitStack() as keep:
        kept = os.environ.get("BENCH_KEEP")
        folder = Path(kept or keep.enter_context(tempfile.TemporaryDirectory(prefix="waybill-pages-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        os.environ.update(_keys(folder))
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.pages_settings"
        database, broker = Postgres(folder / "postgres", durable=False), Valkey(folder / "valkey")
        for server in (database, broker):
            server.start()
            keep.callback(server.stop)
        alone()
        import django

        django.setup()
        made = {}
        for scale in scales:
            port, name = process.free_port(), f"waybill_x{scale}"
            own = {
                "DATABASE_URL": database.url_of(name),
                "REDIS_URL": broker.url,
                "WAYBILL_PUBLIC_URL": f"http://127.0.0.1:{port}",
            }
            made[scale] = House(folder, {**os.environ, **own}, port, keep)
            _fill(database, name, made[scale], scale)
            made[scale].web()
        yield made


def _fill(database: Postgres, name: str, house: House, scale: int) -> None:
    """Make and fill the database, whole or not at all; one that is there already gets the migrations made since."""
    from bench.seed import fill

    with psycopg.connect(database.url_of("postgres"), autocommit=True) as link:
        if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            print(f"--- filling at scale {scale}", flush=True)
            link.execute("DROP DATABASE IF EXISTS half_filled")
            link.execute("CREATE DATABASE half_filled")
            url = database.url_of("half_filled")
            House(house.folder, {**house.environment, "DATABASE_URL": url}, house.port, house.keep).manage(
                "migrate", "--no-input", "-v", "0"
            )
            fill(url, scale)
            link.execute(f"ALTER DATABASE half_filled RENAME TO {name}".encode())
    house.manage("migrate", "--no-input", "-v", "0")


def ask(house: House, statement: str, *values: Any) -> Any:
    """Give the one value a query answers."""
    with psycopg.connect(house.environment["DATABASE_URL"]) as link:
        row = link.execute(statement.encode(), values).fetchone()
    assert row is not None, statement
    return row[0]
