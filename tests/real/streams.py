"""The event streams in the process of the test: read over a real server, with bounds that a test may lower."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tests.waiting import until


@contextmanager
def streams_here() -> Iterator[str]:
    """Serve the console with uvicorn on a free port, in a thread of this process; gives host:port."""
    link = socket.socket()
    link.bind(("127.0.0.1", 0))
    config = uvicorn.Config("console.asgi:application", log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [link]}, daemon=True)
    thread.start()
    try:
        until(lambda: running.started, what="uvicorn")
        yield f"127.0.0.1:{link.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(timeout=10)
