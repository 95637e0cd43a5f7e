"""The console of a demo: ``manage.py dev`` as a child, and the commands run beside it."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from deploy.local.plan import NETWORKS, PlatformError
from deploy.local.process import spawn

ROOT = Path(__file__).parents[2]
ALLOWED = f"127.0.0.0/8,{NETWORKS}"
"""The clusters and the registry of a local platform listen there; the console would refuse to connect otherwise."""


class Console:
    """A console in one folder, at one port of this machine; `outside` is its environment instead of this process's."""

    def __init__(self, data: Path, port: int, outside: Mapping[str, str] | None = None) -> None:
        self.data = data
        self._outside = os.environ if outside is None else outside
        self.port = port
        self.log = data / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._coming: IO[str] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; the kernel ends it when this process ends. To be called in the main thread."""
        self.data.mkdir(parents=True, exist_ok=True)
        line = [sys.executable, str(ROOT / "manage.py"), "dev", "--port", str(self.port)]
        self._process = spawn(line, log=self.log, environment=self._environment(), folder=ROOT, death=signal.SIGTERM)

    def wait(self, *, within: float = 180) -> None:
        """Wait until it is ready for requests; PlatformError with its last line when it is not."""
        end = time.monotonic() + within
        while not self.ready():
            if not self.running:
                raise PlatformError(f"the console ended: {self._last_line()}")
            if time.monotonic() > end:
                raise PlatformError(f"the console is not ready after {within:.0f} s, see {self.log}")
            time.sleep(0.2)

    def ready(self) -> bool:
        """Whether /readyz answers 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def command(self, *words: str) -> str:
        """Run a management command beside it and give what it printed; PlatformError when it fails."""
        line = [sys.executable, str(ROOT / "manage.py"), "dev", "run", *words]
        answer = subprocess.run(line, env=self._environment(), cwd=ROOT, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise PlatformError(f"{' '.join(words)}: {answer.stderr.strip() or answer.stdout.strip()}")
        return answer.stdout.strip()

    def is_coming(self, what: str | None) -> None:
        """Let its overview tell what is still coming (a word of `console.coming`), or nothing any more.

        The file is locked as long as this process lives; one that nobody holds is not believed.
        """
        path = self.data / "coming.json"
        held, self._coming = self._coming, None
        if what is None:
            path.unlink(missing_ok=True)
        else:
            self.data.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{os.getpid()}.part")
            part.write_text(json.dumps({"what": what, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}))
            self._coming = part.open()
            fcntl.flock(self._coming, fcntl.LOCK_EX)
            part.replace(path)
        if held is not None:
            held.close()

    def first_admin(self, login: str, name: str) -> str:
        """Make the first admin and give the password for one use."""
        printed = self.command("first_admin", login, "--name", name)
        return printed.rpartition("one-time password:")[2].strip()

    def token(self, login: str) -> str:
        """Make an access token for a user."""
        return self.command("token", login).splitlines()[-1].strip()

    def stop(self) -> None:
        """End it and all it started."""
        if self._process is None:
            return
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _environment(self) -> dict[str, str]:
        allowed = self._outside.get("WAYBILL_OUTBOUND_ALLOW")
        return {
            **self._outside,
            "WAYBILL_DATA_DIR": str(self.data),
            "WAYBILL_OUTBOUND_ALLOW": f"{allowed},{ALLOWED}" if allowed else ALLOWED,
        }

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it wrote nothing"
