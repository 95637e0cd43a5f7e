"""Copying an application: all its images in one plan, each blob once, both registries asked as little as can be.

Every blob is looked for at its first home (mounted there, when source and target are one registry), sent once when
absent, largest first, and mounted from there into every other home. Requests and bytes have pools of their own, since
distance costs round trips and not bandwidth. No temporary file, no daemon, one buffer a stream.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from console.kit.errors import WaybillError
from marketplace.registry.ends import Ends, Limits, Wanted
from marketplace.registry.layout import Layout
from marketplace.registry.manifests import Descriptor
from marketplace.registry.pour import Pour
from marketplace.registry.wire import Place


@dataclass
class Progress:
    """How far one image is: bytes in all, arrived, and (of these) never sent because they were there."""

    total: int = 0
    done: int = 0
    there: int = 0
    finished: bool = False
    error: WaybillError | None = None


@dataclass
class _Image:
    wanted: Wanted
    layout: Layout
    missing: set[str]
    progress: Progress


@dataclass
class _Blob:
    descriptor: Descriptor
    images: list[_Image]
    sent: int = 0
    carried: set[str] = field(default_factory=set)
    """The repositories into which its bytes went; more than one only where the target cannot mount."""
    at: set[str] = field(default_factory=set)


class Copier(Ends):
    """One pass over an application that may also be its copy; `progress` tells of each image how far it is."""

    def __init__(
        self,
        target: Place,
        images: Iterable[Wanted],
        *,
        limits: Limits,
        may_write: Callable[[], None],
        tick: Callable[[], None],
        user_agent: str,
        among: Iterable[Wanted] | None = None,
    ) -> None:
        super().__init__(
            target, images, limits=limits, may_write=may_write, tick=tick, user_agent=user_agent, among=among
        )
        self.progress = {image.path: Progress() for image in self.images}
        self._blobs: dict[str, _Blob] = {}
        self._ready: list[tuple[int, str, str, str | None]] = []
        self._pouring = 0

    def copy(self, layouts: dict[str, Layout]) -> None:
        """Bring the blobs of these images to the target; `progress` tells of each how far it came or what stopped it.

        An image that fails does not stop the others.
        """
        for wanted in self.images:
            if wanted.path in layouts:
                self._plan(wanted, layouts[wanted.path])
        for blob in sorted(self._blobs.values(), key=lambda one: -one.descriptor.size):
            self._settle(blob)
        self._crew.lead()
        self.close()

    def _plan(self, wanted: Wanted, layout: Layout) -> None:
        progress = self.progress[wanted.path]
        progress.total = layout.bytes
        image = _Image(wanted, layout, set(layout.blobs), progress)
        for descriptor in layout.blobs.values():
            blob = self._blobs.setdefault(descriptor.digest, _Blob(descriptor, []))
            blob.images.append(image)
        progress.finished = not image.missing

    def _settle(self, blob: _Blob) -> None:
        """Find out whether the blob's first home has it."""
        first = blob.images[0].wanted
        self._crew.submit(
            "small", lambda: self._find(blob, first), lambda result, error: self._found(blob, first, result, error)
        )

    def _find(self, blob: _Blob, home: Wanted) -> tuple[bool, str | None]:
        """(it is there now, else an upload that was opened on the way)."""
        digest, opened = blob.descriptor.digest, None
        if home.source.endpoint == self._target.place.endpoint:
            opened = self._target.mount(home.repository, digest, home.source_repository)
            if opened is None:
                return True, None
        return self._target.has_blob(home.repository, digest), opened

    def _found(
        self, blob: _Blob, home: Wanted, result: tuple[bool, str | None] | None, error: Exception | None
    ) -> None:
        if result is None:
            self._failed(blob, home, error)
        elif result[0]:
            self._arrived(blob, home.repository)
        else:
            self._queue(blob, home, result[1])

    def _queue(self, blob: _Blob, home: Wanted, opened: str | None) -> None:
        heapq.heappush(self._ready, (-blob.descriptor.size, blob.descriptor.digest, home.path, opened))
        self._feed()

    def _feed(self) -> None:
        """Start the largest blobs that wait, as many as there are streams."""
        while self._ready and self._pouring < self._limits.streams:
            _, digest, path, opened = heapq.heappop(self._ready)
            blob = self._blobs[digest]
            home = next((image.wanted for image in blob.images if image.wanted.path == path), None)
            if home is not None:
                self._pour(blob, home, opened)
            elif blob.images and not blob.at:
                # Its image has failed meanwhile, and others need the blob too.
                self._settle(blob)

    def _pour(self, blob: _Blob, home: Wanted, opened: str | None) -> None:
        def told(sent: int) -> None:
            blob.sent = sent

        def poured(_: object, error: Exception | None) -> None:
            self._pouring -= 1
            if error is not None:
                self._failed(blob, home, error)
            else:
                blob.carried.add(home.repository)
                self._arrived(blob, home.repository)
            self._feed()

        pour = Pour(
            self._sources[home.source],
            home.source_repository,
            blob.descriptor,
            image=home.image,
            told=told,
            go_on=self._crew.go_on,
        )
        self._pouring += 1
        self._crew.submit("bytes", lambda: pour.into(self._target, home.repository, opened), poured)

    def _arrived(self, blob: _Blob, repository: str) -> None:
        """The blob is in this repository: mount it into its other homes, and count it."""
        mount_further = not blob.at
        blob.at.add(repository)
        for image in list(blob.images):
            if image.wanted.repository == repository:
                self._count(image, blob)
            elif mount_further:
                self._mount(blob, image.wanted, repository)

    def _mount(self, blob: _Blob, home: Wanted, source: str) -> None:
        def mounted(opened: str | None, error: Exception | None) -> None:
            if error is not None:
                self._failed(blob, home, error)
            elif opened is None:
                self._arrived(blob, home.repository)
            else:
                self._queue(blob, home, opened)

        self._crew.submit("small", lambda: self._target.mount(home.repository, blob.descriptor.digest, source), mounted)

    def _count(self, image: _Image, blob: _Blob) -> None:
        image.missing.discard(blob.descriptor.digest)
        if not image.missing and image.progress.error is None:
            image.progress.finished = True

    def _failed(self, blob: _Blob, home: Wanted, error: Exception | None) -> None:
        """End the image that failed; the blob goes on for the images that need it too, from their own sources."""
        if not isinstance(error, WaybillError):
            raise error or AssertionError("a job ends with a result or an error")
        for image in {id(one): one for other in self._blobs.values() for one in other.images}.values():
            if image.wanted.path == home.path:
                image.progress.error = error
        for other in self._blobs.values():
            other.images = [one for one in other.images if one.wanted.path != home.path]
        if blob.images and not blob.at:
            blob.sent = 0
            self._settle(blob)

    def measure_progress(self) -> None:
        """Bring `progress` up to date; called from `tick`, in the leader's thread."""
        for progress in self.progress.values():
            progress.done = progress.there = 0
        for blob in self._blobs.values():
            for image in blob.images:
                size, here = blob.descriptor.size, image.wanted.repository
                if here in blob.at:
                    image.progress.done += size
                    image.progress.there += 0 if here in blob.carried else size
                elif not blob.at and image is blob.images[0]:
                    image.progress.done += min(blob.sent, size)
