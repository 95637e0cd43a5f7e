"""HTTP routes: the host and the path a port answers at, as a person says them."""

from __future__ import annotations

import ipaddress
import re

from clusters.spec.reading import Reader

MAX_HOST = 253
MAX_PATH = 255
HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*[A-Za-z0-9._~-]*")
HOST_EXAMPLE = "shop.example.com"
PATH_EXAMPLE = "/shop"
ROOT = "/"


def read_host(reader: Reader) -> str:
    """Read a host: a DNS name in lower case, no wildcard, no address of a machine."""
    host = reader.text(most=MAX_HOST, least=1, pattern=HOST, example=HOST_EXAMPLE)
    if host and is_address(host):
        reader.wrong("malformed", example=HOST_EXAMPLE)
        return ""
    return host


def read_path(reader: Reader) -> str:
    """Read a path, which stands for everything below it too: `/shop` and `/shop/` are the same, written `/shop`."""
    path = reader.text(most=MAX_PATH, least=1, pattern=PATH, example=PATH_EXAMPLE)
    if any(part in (".", "..") for part in path.split("/")):
        reader.wrong("malformed", example=PATH_EXAMPLE)
        return ROOT
    return path.rstrip("/") or ROOT


def is_address(host: str) -> bool:
    """Tell whether a host is the address of a machine and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
