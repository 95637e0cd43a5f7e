"""Ask a process of this container whether it is alive: `python -m console.probe PORT` ends with 0 or 1."""

from __future__ import annotations

import http.client
import sys


def alive(port: int, path: str = "/livez", *, host: str = "127.0.0.1", seconds: float = 3) -> bool:
    """Tell whether `path` answers 200 on this machine, with no silence longer than so many seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if alive(int(sys.argv[1])) else 1)
