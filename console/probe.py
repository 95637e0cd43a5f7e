"""Ask a process of this container whether it is alive: `python -m console.probe PORT` ends with 0 or 1."""

from __future__ import annotations

import http.client
import sys


def alive(port: int, *, host: str = "127.0.0.1") -> bool:
    """Tell whether /livez answers 200 on this machine within three seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if alive(int(sys.argv[1])) else 1)
