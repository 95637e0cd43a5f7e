"""Walls around the processes that are fuzzed: whatever address is made up, no connection leaves this machine."""

from __future__ import annotations

import errno
import ipaddress
import sys
from typing import Any

from django.apps import AppConfig


def stays_here(address: Any) -> bool:
    """Whether a connection to `address` stays on this machine: a path in the file system, or a loopback address."""
    if not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback
    except ValueError:
        return bool(address[0] == "localhost")


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what leaves, as a network without a way out does. Names are not asked for either."""
    if event in ("socket.connect", "socket.sendto") and not stays_here(arguments[1]):
        raise OSError(errno.ENETUNREACH, "no way out of this machine")
    if event == "socket.getaddrinfo" and not stays_here((arguments[0] or "localhost",)):
        raise OSError(errno.ENETUNREACH, "no way out of this machine")


class WallsConfig(AppConfig):
    """Puts the walls up in every process that loads the settings of the fuzz."""

    name = "tests.fuzz"
    label = "fuzz"

    def ready(self) -> None:
        """Put them up; they cannot be taken down again."""
        sys.addaudithook(guard)
