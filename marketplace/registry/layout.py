"""What an image consists of, read from its source before a byte of it moves."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from console.kit.errors import Rejected
from marketplace.registry import manifests
from marketplace.registry.client import Registry, fallback_tag
from marketplace.registry.manifests import Descriptor, Manifest

COSIGN = (".sig", ".att", ".sbom")
"""Tags beside a digest under which signatures lie that were made before registries listed referrers."""


@dataclass(frozen=True)
class Layout:
    """One image: its manifests in the order in which they are put (children first, itself last), and its blobs."""

    digest: str
    media_type: str
    manifests: tuple[Manifest, ...]
    blobs: dict[str, Descriptor]
    platforms: tuple[dict[str, str], ...]
    referrers: tuple[Manifest, ...] = ()
    """Signatures and bills of materials that come along."""
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By subject digest: the entries with which its referrers are listed."""
    tags: dict[str, Manifest] = field(default_factory=dict)
    """Tags beside the image (`sha256-….sig`) and what they name."""

    @property
    def bytes(self) -> int:
        """The size of its blobs, each counted once."""
        return sum(blob.size for blob in self.blobs.values())


class Shelf:
    """Layouts read a moment ago in this process, so that the steps of one piece of work read no manifest twice.

    What a digest names never changes, so nothing on it can be stale; the oldest and the very large are not kept.
    """

    def __init__(self, most: int = 256, largest: int = 256 * 1024) -> None:
        self._most = most
        self._largest = largest
        self._kept: OrderedDict[tuple[Hashable, str, str], Layout] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, work: Hashable, path: str, digest: str) -> Layout | None:
        """Give the layout of an image that this work has read."""
        with self._lock:
            return self._kept.get((work, path, digest))

    def put(self, work: Hashable, path: str, layout: Layout) -> None:
        """Keep one."""
        if sum(len(manifest.raw) for manifest in layout.manifests) > self._largest:
            return
        with self._lock:
            self._kept[(work, path, layout.digest)] = layout
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def read_layout(source: Registry, repository: str, wanted: str, *, image: str, whole: bool = True) -> Layout:
    """Read an image's manifests, all platforms, by tag or digest. `whole` reads what refers to it too.

    Raises Rejected image_not_found, image_denied, image_unsupported, digest_mismatch; Unreachable.
    """
    root = source.manifest(repository, wanted, image=image)
    found = _with_children(source, repository, root, image)
    platforms = tuple(_platforms(source, repository, root, found, image))
    referrers: tuple[Manifest, ...] = ()
    lists: dict[str, list[dict[str, Any]]] = {}
    tags: dict[str, Manifest] = {}
    if whole:
        referrers, lists = _referrers(source, repository, found, image)
        tags = _cosign(source, repository, root.digest, image)
    blobs = {
        blob.digest: blob
        for manifest in (*found, *referrers, *tags.values())
        for blob in manifest.blobs
        if not blob.foreign
    }
    return Layout(root.digest, root.media_type, tuple(found), blobs, platforms, referrers, lists, tags)


def _with_children(source: Registry, repository: str, root: Manifest, image: str) -> list[Manifest]:
    """Give the manifests below an index, each before what points to it, and the root last."""
    found: dict[str, Manifest] = {}

    def visit(manifest: Manifest, depth: int) -> None:
        if depth > 4:
            raise Rejected("image_unsupported", image=image, media_type=root.media_type)
        for child in manifest.children:
            if child.digest not in found:
                visit(source.manifest(repository, child.digest, image=image, digest=child.digest), depth + 1)
        found[manifest.digest] = manifest

    visit(root, 0)
    return list(found.values())


def _platforms(
    source: Registry, repository: str, root: Manifest, found: list[Manifest], image: str
) -> list[dict[str, str]]:
    by_digest = {manifest.digest: manifest for manifest in found}
    if root.config is not None:
        system, architecture = manifests.config_platform(source.small_blob(repository, root.config, image=image))
        return [_platform(system, architecture, root.digest, root.config.digest)]
    return [
        _platform(child.os, child.architecture, child.digest, config.digest)
        for child in root.children
        # Attestations are listed as manifests of the platform unknown/unknown.
        if child.os not in {"", "unknown"} and (config := by_digest[child.digest].config) is not None
    ]


def _platform(system: str, architecture: str, digest: str, config: str) -> dict[str, str]:
    return {"os": system or "linux", "architecture": architecture or "amd64", "digest": digest, "config": config}


def _referrers(
    source: Registry, repository: str, found: list[Manifest], image: str
) -> tuple[tuple[Manifest, ...], dict[str, list[dict[str, Any]]]]:
    """Read what refers to any of the manifests; one that cannot be read is left behind, it is no part of them."""
    read: dict[str, Manifest] = {}
    lists: dict[str, list[dict[str, Any]]] = {}
    for manifest in found:
        for digest, entry in source.referrers(repository, manifest.digest).items():
            with contextlib.suppress(Rejected):
                referrer = source.manifest(repository, digest, image=image, digest=digest)
                for one in _with_children(source, repository, referrer, image):
                    read[one.digest] = one
                lists.setdefault(manifest.digest, []).append(entry)
    return tuple(read.values()), lists


def _cosign(source: Registry, repository: str, digest: str, image: str) -> dict[str, Manifest]:
    tags: dict[str, Manifest] = {}
    for suffix in COSIGN:
        tag = f"{fallback_tag(digest)}{suffix}"
        with contextlib.suppress(Rejected):
            manifest = source.manifest(repository, tag, image=image)
            if not manifest.is_index:
                tags[tag] = manifest
    return tags
