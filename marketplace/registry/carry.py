"""A saved image from a file into a registry: what is there already is not sent again, each byte is held against its
digest on the way, manifests last."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import IO

from console.kit.errors import Rejected
from marketplace.registry.client import Registry
from marketplace.registry.pour import BUFFER, Pour
from marketplace.registry.saved import Piece, Saved


class FilePour(Pour):
    """One blob out of a file."""

    def __init__(
        self,
        file: IO[bytes],
        piece: Piece,
        target: Registry,
        *,
        image: str,
        told: Callable[[int], None],
        go_on: Callable[[], None],
    ) -> None:
        super().__init__(target, "", piece.descriptor, image=image, told=told, go_on=go_on)
        self._file = file
        self._start = piece.offset

    def read(self, offset: int, take: Callable[[memoryview], None]) -> None:
        """Read from `offset` to the end. Raises Rejected digest_mismatch when the file ends before it."""
        self._file.seek(self._start + offset)
        left = self._blob.size - offset
        while left:
            piece = self._file.read(min(left, BUFFER))
            if not piece:
                raise Rejected("digest_mismatch", image=self._image)
            left -= len(piece)
            take(memoryview(piece))


def carry(
    file: IO[bytes],
    saved: Saved,
    target: Registry,
    repository: str,
    tag: str,
    *,
    image: str,
    told: Callable[[int], None],
    go_on: Callable[[], None],
) -> int:
    """Bring a saved image into a repository, and let a tag name it; gives how many bytes had to be sent.

    `told` hears the bytes that are there so far. Raises Rejected digest_mismatch, registry_refused_push, registry_full;
    Unreachable registry_unreachable.
    """
    there = sent = 0
    for digest, piece in saved.pieces.items():
        go_on()
        if not target.has_blob(repository, digest):
            pour = FilePour(file, piece, target, image=image, told=partial(_add, told, there), go_on=go_on)
            pour.into(target, repository, None)
            sent += piece.descriptor.size
        there += piece.descriptor.size
        told(there)
    for manifest in saved.manifests:
        target.put_manifest(repository, manifest.digest, manifest, image=image)
    target.put_manifest(repository, tag, saved.root, image=image)
    return sent


def _add(told: Callable[[int], None], before: int, done: int) -> None:
    told(before + done)
