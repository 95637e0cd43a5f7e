"""The Docker engine of the tests: dockerd in a folder, with mounts and processes of its own: nothing outlives it.

It runs no containers: images are loaded into it, looked at and saved. `python -m tests.real.docker` makes sure that the
program is there, as root on Debian, and says which, or why there is none. The package is unpacked into the user's cache
and not installed: no service starts, no group is made.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.api import APIClient
from docker.errors import DockerException

from console.dev.process import free_port
from deploy.local.authority import Authority, write_private
from deploy.local.process import spawn
from deploy.local.toolchain import cache_folder

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 60
_APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _unpacked() -> Path:
    return cache_folder() / "docker"


def program() -> Path | None:
    """Find dockerd: the system's, then the unpacked one."""
    if found := shutil.which("dockerd", path=PATH):
        return Path(found)
    own = _unpacked() / "usr/sbin/dockerd"
    return own if own.exists() else None


def install() -> str | None:
    """Unpack Debian's package where there is no dockerd; says why there is still none, or nothing."""
    if obstacle() is None or os.geteuid() != 0 or sys.platform != "linux" or shutil.which("apt-get") is None:
        return obstacle()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for words in (["apt-get", "update", "-q"], ["apt-get", "download", "-q", "docker.io"]):
            subprocess.run(words, cwd=folder, check=False, stdout=sys.stderr)
        for package in folder.glob("docker.io_*.deb"):
            _unpacked().parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["dpkg-deb", "--extract", package, folder / "new"], check=True)
            shutil.rmtree(_unpacked(), ignore_errors=True)
            shutil.move(folder / "new", _unpacked())
    return obstacle()


def obstacle() -> str | None:
    """Why no engine can run here, in one sentence; None when one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a Docker engine of the tests' own needs root on Linux"
    if program() is None:
        return "no dockerd on this machine (python -m tests.real.docker fetches one)"
    missing = [name for name in ("containerd", "unshare") if shutil.which(name, path=PATH) is None]
    return (
        f"dockerd needs {missing[0]}, which is not there (python -m deploy.local nodes brings it)" if missing else None
    )


class DockerEngine:
    """One engine, at a socket and, over TLS, at an address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.certificates = folder / "certificates"
        self._process: subprocess.Popen[bytes] | None = None
        self._issue()

    def _issue(self) -> None:
        folder = self.certificates
        folder.mkdir(parents=True, exist_ok=True)
        authority = Authority.make("engine")
        (folder / "ca.pem").write_text(authority.pem)
        for name in ("server", "client"):
            issued = authority.issue(name, hosts=["127.0.0.1"])
            place = folder if name == "client" else folder / "server"
            place.mkdir(exist_ok=True)
            (place / "cert.pem").write_text(issued.certificate)
            write_private(place / "key.pem", issued.key)

    def start(self) -> str | None:
        """Start it and wait until it answers; says why it did not."""
        found = program()
        assert found is not None
        (self.folder / "docker.sock").unlink(missing_ok=True)
        (self.folder / "none.json").write_text("{}")
        keys = self.certificates
        line = [*_APART, str(found), f"--config-file={self.folder}/none.json", f"--data-root={self.folder}/data"]
        line += [f"--exec-root={self.folder}/exec", f"--pidfile={self.folder}/pid", f"--host={self.host}"]
        line += [f"--host={self.address}", "--tlsverify", f"--tlscacert={keys}/ca.pem"]
        line += [f"--tlscert={keys}/server/cert.pem", f"--tlskey={keys}/server/key.pem"]
        line += ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs", "--log-level=warn"]
        (self.folder / "pid").unlink(missing_ok=True)
        self._process = spawn(line, log=self.folder / "log", environment={"PATH": PATH}, folder=self.folder)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(DockerException), self.client() as client:
                client.ping()
                return None
            time.sleep(0.1)
        self.stop()
        words = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return words[-1] if words else "it did not answer"

    def stop(self) -> None:
        """End it, and all that it started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def client(self) -> APIClient:
        """A client at its socket; the caller closes it."""
        return APIClient(self.host, version="auto", timeout=60)

    def load(self, archive: bytes) -> None:
        """Load images out of an archive of the older format."""
        with self.client() as client:
            for line in client.load_image(archive):  # type: ignore[no-untyped-call]
                assert "error" not in line, line

    def images(self) -> list[dict[str, Any]]:
        """What it holds, with names."""
        with self.client() as client:
            return list(client.images())

    def remove(self, name: str) -> None:
        """Take an image away."""
        with self.client() as client:
            client.remove_image(name, force=True)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A running engine, shared by this process's tests: one that stops it starts it again. Where none can run, the
    test is counted as not run, with the reason."""
    if (reason := obstacle()) is not None:
        pytest.skip(reason)
    # Short, since the path of a socket has room for 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    engine = DockerEngine(folder)
    try:
        if (reason := engine.start()) is not None:
            pytest.skip(f"dockerd did not start: {reason}")
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    reason = install()
    print(f"Docker engine of the tests: {reason or program()}" + ("; its tests count as not run" if reason else ""))
