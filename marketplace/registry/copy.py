"""Copying an application: all its images in one plan, each blob once, both registries asked as little as can be.

An image that is there already by digest ends at once. Every blob is looked for at its first home (mounted there, when
source and target are one registry), sent once when absent, largest first, and mounted from there into every other
home. Requests and bytes have pools of their own, since distance costs round trips and not bandwidth. No temporary
file, no daemon, one buffer a stream.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from console.kit.errors import WaybillError
from marketplace.registry.client import Registry, fallback_tag, pull, push
from marketplace.registry.crew import Crew
from marketplace.registry.layout import Layout, read_layout
from marketplace.registry.manifests import Descriptor, referrers_list
from marketplace.registry.pour import Pour
from marketplace.registry.wire import Hooks, Place


@dataclass(frozen=True)
class Wanted:
    """One image to have in the target: where it comes from, by digest, and the repository it goes to."""

    path: str
    source: Place
    source_repository: str
    repository: str
    digest: str

    @property
    def image(self) -> str:
        """How errors name it."""
        return f"{self.source.address}/{self.source_repository}@{self.digest}"


@dataclass
class Progress:
    """How far one image is: bytes in all, arrived, and (of these) never sent because they were there."""

    total: int = 0
    done: int = 0
    there: int = 0
    finished: bool = False
    error: WaybillError | None = None


@dataclass(frozen=True)
class Limits:
    """How many requests may be in flight: for bytes, and for everything small."""

    streams: int = 4
    small: int = 16


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


class Copier:
    """One pass over an application: look, copy, put, tag or verify. Each blocks until it is done, leads its threads
    from the caller's thread, and uses the copier up.

    `may_write` is asked before every write, `tick` is called twice a second; both may raise, which stops everything.
    """

    def __init__(
        self,
        target: Place,
        images: Iterable[Wanted],
        *,
        limits: Limits,
        may_write: Callable[[], None],
        tick: Callable[[], None],
        user_agent: str,
    ) -> None:
        self.images = list(images)
        self.progress = {image.path: Progress() for image in self.images}
        self._crew = Crew(
            {"small": limits.small, "bytes": limits.streams}, may_write=may_write, tick=tick, cut=self._cut
        )
        hooks = Hooks(self._crew.permit, self._crew.pause, user_agent)
        self._target = Registry(target, scopes=self._target_scopes(target), hooks=hooks)
        self._sources = {
            place: Registry(
                place,
                scopes={pull(image.source_repository) for image in self.images if image.source == place},
                hooks=hooks,
            )
            for place in {image.source for image in self.images}
        }
        self._limits = limits
        self._blobs: dict[str, _Blob] = {}
        self._ready: list[tuple[int, str, str, str | None]] = []
        self._pouring = 0

    def _target_scopes(self, target: Place) -> set[str]:
        pushed = {push(image.repository) for image in self.images}
        # To mount from a repository the token must allow reading it.
        near = {image.source_repository for image in self.images if image.source.endpoint == target.endpoint}
        return pushed | {pull(repository) for repository in near - {image.repository for image in self.images}}

    def _cut(self) -> None:
        for registry in (self._target, *self._sources.values()):
            registry.wire.abort()

    def close(self) -> None:
        """Close what connections are left."""
        for registry in (self._target, *self._sources.values()):
            registry.wire.close()

    # --- looking ---------------------------------------------------------------------------------------------------

    def look(self, known: Callable[[Wanted], Layout | None] | None = None) -> dict[str, Layout | WaybillError | None]:
        """Look at every image at both ends: None when the target has it, else what it consists of, or why not.

        What `known` gives is not read from the source again.
        """
        found: dict[str, Layout | WaybillError | None] = {}
        for image in self.images:
            self._crew.submit("small", partial(self._look, image, known), _into(found, image.path))
        self._crew.lead()
        self.close()
        return found

    def _look(self, image: Wanted, known: Callable[[Wanted], Layout | None] | None) -> Layout | None:
        head = self._target.head(image.repository, image.digest, image=image.image)
        if head is not None and head.digest in {"", image.digest}:
            return None
        found = known(image) if known else None
        return found or read_layout(
            self._sources[image.source], image.source_repository, image.digest, image=image.image
        )

    # --- blobs -----------------------------------------------------------------------------------------------------

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

    # --- manifests -------------------------------------------------------------------------------------------------

    def put(self, layouts: dict[str, Layout]) -> dict[str, WaybillError | None]:
        """Put the manifests of these images, children before the index, then what refers to them. No tag yet."""
        done: dict[str, WaybillError | None] = {}
        for image in self.images:
            if image.path in layouts:
                layout = layouts[image.path]
                self._crew.submit("small", partial(self._put, image, layout), _into(done, image.path))
        self._crew.lead()
        self.close()
        return done

    def _put(self, image: Wanted, layout: Layout) -> None:
        for manifest in layout.manifests:
            self._target.put_manifest(image.repository, manifest.digest, manifest, image=image.image)
        listed: set[str] = set()
        for manifest in layout.referrers:
            answer = self._target.put_manifest(image.repository, manifest.digest, manifest, image=image.image)
            if answer.header("OCI-Subject"):
                listed.add(manifest.subject or "")
        for subject, entries in layout.lists.items():
            if subject not in listed:
                self._list_referrers(image, subject, entries)
        for tag, manifest in layout.tags.items():
            self._target.put_manifest(image.repository, tag, manifest, image=image.image)

    def _list_referrers(self, image: Wanted, subject: str, entries: list[dict[str, Any]]) -> None:
        """List referrers under the tag that stands in for the API, beside those the target lists already."""
        known = self._target.referrers(image.repository, subject)
        fresh = {str(entry["digest"]): entry for entry in entries}
        if set(fresh) - set(known):
            merged = referrers_list([*{**known, **fresh}.values()])
            self._target.put_manifest(image.repository, fallback_tag(subject), merged, image=image.image)

    # --- tags and proof --------------------------------------------------------------------------------------------

    def tag(self, number: str) -> dict[str, WaybillError | None]:
        """Let the tag name each image, from the bytes the target itself holds."""
        return self._each(lambda image: self._tag(image, number))

    def _tag(self, image: Wanted, number: str) -> None:
        own = f"{self._target.place.address}/{image.repository}@{image.digest}"
        held = self._target.manifest(image.repository, image.digest, image=own, digest=image.digest)
        self._target.put_manifest(image.repository, number, held, image=own)

    def verify(self, number: str) -> dict[str, WaybillError | None]:
        """Read every tag back and hold its bytes against the digest. Errors: digest_mismatch, image_not_found."""
        return self._each(lambda image: self._verify(image, number))

    def _verify(self, image: Wanted, number: str) -> None:
        own = f"{self._target.place.address}/{image.repository}:{number}"
        held = self._target.manifest(image.repository, number, image=own, digest=image.digest)
        for child in held.children:
            if self._target.head(image.repository, child.digest, image=own) is None:
                self._target.manifest(image.repository, child.digest, image=own)

    def _each(self, job: Callable[[Wanted], None]) -> dict[str, WaybillError | None]:
        done: dict[str, WaybillError | None] = {}
        for image in self.images:
            self._crew.submit("small", partial(job, image), _into(done, image.path))
        self._crew.lead()
        self.close()
        return done


def _into(found: dict[str, Any], path: str) -> Callable[[Any, Exception | None], None]:
    """Keep a job's result, or its refusal, under the image's path; any other error goes up."""

    def follow(result: Any, error: Exception | None) -> None:
        if error is not None and not isinstance(error, WaybillError):
            raise error
        found[path] = error if error is not None else result

    return follow
