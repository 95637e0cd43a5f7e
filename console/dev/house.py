"""What `manage.py dev` keeps: one folder with the keys, the servers' data, and who runs in it now."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import IO, Any

from console.dev.servers import Postgres, Valkey, private_text
from console.kit.secrets import new_key

ROOT = Path(__file__).resolve().parent.parent.parent
_SHARED = ("WAYBILL_SECRET_KEY", "WAYBILL_KEYS")


class AlreadyRunning(Exception):
    """Another supervisor holds the folder; the message says which process."""


class House:
    """The folder of one development console (WAYBILL_DATA_DIR, else `.waybill/` beside manage.py)."""

    def __init__(self, folder: Path | None = None) -> None:
        given = os.environ.get("WAYBILL_DATA_DIR")
        self.folder = (folder or (Path(given) if given else ROOT / ".waybill")).absolute() / "dev"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # PostgreSQL's own user walks through; what lies in it is private file by file
        self._lock: IO[str] | None = None

    def claim(self) -> None:
        """Hold the folder until this process ends. Raises AlreadyRunning while another one does."""
        lock = (self.folder / "lock").open("a+", encoding="utf-8")
        end = time.monotonic() + 1  # a command that only looks who runs holds it for a moment
        while not _locked(lock):
            if time.monotonic() > end:
                lock.seek(0)
                raise AlreadyRunning(f"process {lock.read().strip()} already runs the console in {self.folder}")
            time.sleep(0.05)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def keys(self) -> dict[str, str]:
        """Give the keys made at the first run, from a file that only its owner reads."""
        path = self.folder / "keys.json"
        if not path.exists():
            made = dict(zip(_SHARED, (secrets.token_urlsafe(48), new_key()), strict=True))
            private_text(path, json.dumps(made, indent=1))
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return kept

    def postgres(self) -> Postgres | None:
        """Give the embedded PostgreSQL; None when DATABASE_URL names another."""
        return None if _given("DATABASE_URL") else Postgres(self.folder / "postgres")

    def valkey(self) -> Valkey | None:
        """Give the embedded Valkey; None when REDIS_URL names another."""
        return None if _given("REDIS_URL") else Valkey(self.folder / "valkey")

    def environment(self, **said: str) -> dict[str, str]:
        """Give the environment of this console's processes: what is set outside wins over what is made here."""
        base = {"DJANGO_SETTINGS_MODULE": "console.settings", "WAYBILL_DEV": "true", "WAYBILL_LOG_FORMAT": "text"}
        made = {**base, **self.keys(), "WAYBILL_DATA_DIR": str(self.folder.parent), **said}
        filed = {name.removesuffix("_FILE") for name in os.environ if name.endswith("_FILE")}
        return {**{name: value for name, value in made.items() if name not in filed}, **os.environ}

    def note(self, **said: Any) -> None:
        """Write down who runs and where, for commands that want the same database."""
        private_text(self.folder / "running.json", json.dumps(said, indent=1))

    def running(self) -> dict[str, Any] | None:
        """Give what `note` wrote, as long as its supervisor still holds the folder."""
        path = self.folder / "running.json"
        with (self.folder / "lock").open("a+", encoding="utf-8") as lock:
            if _locked(lock) or not path.exists():
                return None
            said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return said


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _given(name: str) -> bool:
    return name in os.environ or f"{name}_FILE" in os.environ
