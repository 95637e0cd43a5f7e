"""How one process asks the supervisor of a platform for something: one line of JSON there, one back, over a socket."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.plan import PlatformError

SOCKET = "control.sock"


@contextmanager
def socket_path(state: Path) -> Iterator[str]:
    """A name for the control socket short enough for a socket address, however deep the state folder lies."""
    folder = os.open(state, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


def listen(state: Path) -> socket.socket:
    """Open the control socket; only the owner of the folder reaches it."""
    (state / SOCKET).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with socket_path(state) as path:
        server.bind(path)
    (state / SOCKET).chmod(0o600)
    server.listen(16)
    return server


def ask(state: Path, *, within: float = 60, **request: Any) -> dict[str, Any]:
    """Send one request and return the answer; PlatformError when nobody listens or the supervisor refuses."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(within)
        try:
            with socket_path(state) as path:
                client.connect(path)
            client.sendall(json.dumps(request).encode() + b"\n")
            line = client.makefile("rb").readline()
        except OSError as error:
            raise PlatformError(f"the platform in {state} does not answer: {error}") from error
    if not line:
        raise PlatformError(f"the platform in {state} ended before it answered")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise PlatformError(str(answer["error"]))
    return answer
