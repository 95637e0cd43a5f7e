"""What a cluster sends for as long as one listens: watches and logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse, HTTPResponse

from clusters.kube.errors import Outdated
from clusters.kube.protocol import Change

SILENCE = 90.0
LINE = 8 << 20

Opener = Callable[[str, float], BaseHTTPResponse]


def _lines(response: BaseHTTPResponse) -> Iterator[bytes]:
    """Give the lines as they come; the end of the stream, or its loss, ends them. A line longer than 8 MiB does too."""
    rest = b""
    while True:
        try:
            part = response.read1(1 << 16, decode_content=False)
        except (HTTPError, OSError):
            return
        if not part:
            return
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
        if len(rest) > LINE:
            return


def _events(response: BaseHTTPResponse, kind: str) -> Iterator[Change]:
    for line in _lines(response):
        event: dict[str, Any] = orjson.loads(line)
        if event["type"] == "ERROR":
            raise Outdated(kind)
        yield Change(event["type"], event["object"])


@contextmanager
def changes(opener: Opener, address: str, kind: str) -> Iterator[Iterator[Change]]:
    """Follow a watch until it ends, falls silent for 90 s (bookmarks come every 60) or is too old (Outdated)."""
    response = opener(address, SILENCE)
    try:
        yield _events(response, kind)
    finally:
        response.close()


class LogParts:
    """The log's text as it comes, `limit` bytes at most; `stop` ends it from another thread, also while it waits."""

    def __init__(self, response: BaseHTTPResponse, limit: int) -> None:
        self._response = response
        self._left = limit

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._left <= 0:
            raise StopIteration
        try:
            part: bytes = self._response.read1(min(self._left, 1 << 14), decode_content=False)
        except (HTTPError, OSError, ValueError):  # ValueError: read after it was stopped and closed
            part = b""
        if not part:
            self._left = 0
            raise StopIteration
        self._left -= len(part)
        return part

    def stop(self) -> None:
        """Shut the line down: whoever waits for a part gets the end."""
        if isinstance(self._response, HTTPResponse):
            try:
                self._response.shutdown()
            except (OSError, ValueError, RuntimeError):
                self._left = 0


@contextmanager
def log(opener: Opener, address: str, limit: int) -> Iterator[LogParts]:
    """Follow a log until it ends, is cut, stays silent for 90 s, or `limit` bytes were read."""
    response = opener(address, SILENCE)
    try:
        yield LogParts(response, limit)
    finally:
        response.close()
