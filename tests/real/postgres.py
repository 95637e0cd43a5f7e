"""The run's PostgreSQL: started once by the process that runs pytest, shared with its workers by DATABASE_URL."""

from __future__ import annotations

import os
from pathlib import Path

from console.dev.servers import Postgres
from tests import environment


def start() -> Postgres | None:
    """Start the server whose address the environment already names; None when DATABASE_URL named one from outside."""
    port = os.environ.get(environment.DATABASE_PORT)
    if port is None:
        return None
    server = Postgres(Path(os.environ[environment.FOLDER]) / "postgres", port=int(port), durable=False)
    server.start()
    return server
