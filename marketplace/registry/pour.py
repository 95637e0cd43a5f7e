"""One blob from one registry into another: streamed, hashed on the way, never held whole.

The last piece is held back until the hash is known to be right, so that a wrong blob never becomes complete at the
other end, whatever that registry checks itself. A source that breaks off is asked for the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import threading
from collections.abc import Callable

from console.kit.errors import Rejected, Unreachable
from marketplace.registry.client import LONGEST_PAUSE, Registry
from marketplace.registry.manifests import Descriptor
from marketplace.registry.wire import Sink, Stream

BUFFER = 1024 * 1024
MOST_CUTS = 3
ATTEMPTS = 3
_buffers = threading.local()


class _SinkBroke(Exception):
    """The other end broke, not the source: carried past the source's own handling."""

    def __init__(self, error: OSError | http.client.HTTPException) -> None:
        super().__init__(str(error))
        self.error = error


def _buffer() -> memoryview:
    view: memoryview | None = getattr(_buffers, "view", None)
    if view is None:
        view = _buffers.view = memoryview(bytearray(BUFFER))
    return view


class Pour:
    """One blob on its way. `told` hears how many bytes have gone so far; `go_on` may stop it between two pieces."""

    def __init__(
        self,
        source: Registry,
        repository: str,
        descriptor: Descriptor,
        *,
        image: str,
        told: Callable[[int], None],
        go_on: Callable[[], None],
    ) -> None:
        self._source = source
        self._repository = repository
        self._blob = descriptor
        self._image = image
        self._told = told
        self._go_on = go_on

    def into(self, target: Registry, repository: str, address: str | None) -> None:
        """Upload it; `address` is an upload that is already open.

        Raises Rejected image_not_found, image_denied, digest_mismatch, registry_refused_push, registry_full;
        Unreachable after three attempts, or at once when the registry asks to be left alone for longer than a request
        waits.
        """
        for attempt in range(ATTEMPTS):
            opened = address or target.open_upload(repository)
            address = None
            try:
                target.upload(opened, repository, self._blob.digest, self.stream(), image=self._image)
            except Unreachable as error:
                if attempt + 1 == ATTEMPTS or (error.retry_after or 0) > LONGEST_PAUSE:
                    raise
                target.wire.hooks.pause(error.retry_after or 0.3 * 2**attempt)
                # The answer may be what was lost, not the blob.
                if target.has_blob(repository, self._blob.digest):
                    return
            except Rejected:
                target.abandon_upload(opened)
                raise
            else:
                return
        raise AssertionError("the last attempt raises")

    def stream(self) -> Stream:
        """Give the blob as a body."""
        return Stream(self._blob.size, self._write)

    def _write(self, sink: Sink) -> None:
        def guarded(piece: memoryview) -> None:
            try:
                sink(piece)
            except (OSError, http.client.HTTPException) as error:
                raise _SinkBroke(error) from error

        try:
            self._write_all(guarded)
        except _SinkBroke as broke:
            raise broke.error from broke

    def _write_all(self, sink: Sink) -> None:
        hashing = hashlib.new(self._blob.digest.partition(":")[0])
        sent, cuts = 0, 0

        def take(piece: memoryview) -> None:
            nonlocal sent
            self._go_on()
            hashing.update(piece)
            sent += len(piece)
            if sent > self._blob.size or (sent == self._blob.size and not self._is_right(hashing.hexdigest())):
                raise Rejected("digest_mismatch", image=self._image)
            sink(piece)
            self._told(sent)

        if self._blob.size == 0 and not self._is_right(hashing.hexdigest()):
            raise Rejected("digest_mismatch", image=self._image)
        while sent < self._blob.size:
            try:
                self.read(sent, take)
            except Unreachable:
                cuts += 1
                if cuts > MOST_CUTS:
                    raise
                self._source.wire.hooks.pause(0.2 * cuts)

    def _is_right(self, hexdigest: str) -> bool:
        return self._blob.digest.partition(":")[2] == hexdigest

    def read(self, offset: int, take: Callable[[memoryview], None]) -> None:
        """Read from `offset` to the end. Raises Unreachable when the source breaks off before it."""
        with self._source.blob(self._repository, self._blob.digest, image=self._image, offset=offset) as response:
            skip = self._skip(response, offset)
            view = _buffer()
            left = self._blob.size - (offset - skip)
            while left > 0:
                try:
                    count = response.readinto(view)
                except (OSError, http.client.HTTPException) as error:
                    raise self._source.wire.failure(error) from error
                if not count:
                    raise Unreachable("registry_unreachable", registry=self._source.place.address, reason="no_answer")
                left -= count
                dropped = min(skip, count)
                skip -= dropped
                if count > dropped:
                    take(view[dropped:count])
            with contextlib.suppress(OSError, http.client.HTTPException):
                if response.read(1):
                    raise Rejected("digest_mismatch", image=self._image)

    def _skip(self, response: http.client.HTTPResponse, offset: int) -> int:
        """How many of the coming bytes are known already; raises digest_mismatch when the blob has another size."""
        whole = response.length
        if response.status == 206:
            begin, _, total = str(response.headers.get("Content-Range", "")).removeprefix("bytes ").partition("/")
            if begin.partition("-")[0] == str(offset) and total in {str(self._blob.size), "*"}:
                return 0
            raise Rejected("digest_mismatch", image=self._image)
        if whole is not None and whole != self._blob.size:
            raise Rejected("digest_mismatch", image=self._image)
        return offset
