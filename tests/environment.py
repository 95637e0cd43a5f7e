"""The environment of a test run: random keys, and addresses known before any server runs."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from pathlib import Path

from console.dev.process import free_port
from console.dev.servers import kept_password

ROOT = Path(__file__).parents[1]
# These three go from the process that runs pytest to its workers, and to every process that tests start.
FOLDER = "WAYBILL_DATA_DIR"
DATABASE_PORT = "TESTS_DATABASE_PORT"
BROKER = "TESTS_BROKER_FOLDER"


def prepare() -> None:
    """Fill in whatever the environment lacks, without servers."""
    setting = os.environ.setdefault
    setting("DJANGO_SETTINGS_MODULE", "console.settings")
    setting("WAYBILL_DEV", "true")
    setting("WAYBILL_SECRET_KEY", secrets.token_urlsafe(48))
    setting("WAYBILL_KEYS", f"test:{base64.b64encode(os.urandom(32)).decode()}")
    setting("WAYBILL_PUBLIC_URL", "http://testserver")
    setting("WAYBILL_ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")
    setting("WAYBILL_OUTBOUND_ALLOW", "127.0.0.0/8")
    setting("WAYBILL_LOG_FORMAT", "text")
    setting("WAYBILL_LOG_LEVEL", "warning")


def addresses() -> Path | None:
    """Choose ports and passwords of this run's servers, unless DATABASE_URL or REDIS_URL name servers from outside.

    Gives the folder to remove at the end, in the process that made it; None in all others.
    """
    made = None
    if FOLDER not in os.environ:
        made = Path(tempfile.mkdtemp(prefix="waybill-tests-"))
        made.chmod(0o711)  # the database's own user walks through; what lies in it is private file by file
        os.environ[FOLDER] = str(made)
    folder = Path(os.environ[FOLDER])
    if "DATABASE_URL" not in os.environ:
        (folder / "postgres").mkdir(exist_ok=True)
        os.environ[DATABASE_PORT] = str(port := free_port())
        word = kept_password(folder / "postgres" / "password")
        os.environ["DATABASE_URL"] = f"postgresql://waybill:{word}@127.0.0.1:{port}/waybill"
    if "REDIS_URL" not in os.environ or BROKER in os.environ:
        # A broker for each pytest process: tests stop theirs without asking the neighbour.
        own = folder / f"valkey-{os.getpid()}"
        own.mkdir(exist_ok=True)
        os.environ[BROKER] = str(own)
        os.environ["REDIS_URL"] = f"redis://:{kept_password(own / 'password')}@127.0.0.1:{free_port()}/0"
    return made


def database_url() -> str:
    """Give the address of the database that this process's tests have to themselves."""
    from django.db import connection  # not before Django is set up

    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    return f"{server}/{connection.settings_dict['NAME']}"


def beside(**said: str) -> dict[str, str]:
    """Give the environment of a process of the console's that works on that same database; `said` is said besides."""
    return {**os.environ, "DATABASE_URL": database_url(), "PYTHONPATH": str(ROOT), **said}
