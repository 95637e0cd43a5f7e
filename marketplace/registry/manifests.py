"""Image manifests and indexes, read from their raw bytes. Pure; no byte of an image is ever changed.

Formats: OCI image-spec 1.1 (`manifest.md`, `image-index.md`) and the two Docker schema 2 documents they grew from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from console.kit.errors import Rejected
from marketplace.registry.reference import is_digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))
LARGEST = 4 * 1024 * 1024
"""Bytes of one manifest; the distribution project's registry refuses more."""
_MOST_CHILDREN = 256
_MOST_LAYERS = 1024


@dataclass(frozen=True)
class Descriptor:
    """A pointer to content: its digest, its size in bytes, its media type."""

    digest: str
    size: int
    media_type: str
    os: str = ""
    architecture: str = ""
    variant: str = ""
    foreign: bool = False
    """A layer that lies elsewhere by licence and is not carried along."""


@dataclass(frozen=True)
class Manifest:
    """One manifest or index as it came: raw bytes, and what it points to."""

    digest: str
    media_type: str
    raw: bytes
    children: tuple[Descriptor, ...] = ()
    blobs: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    subject: str | None = None

    @property
    def is_index(self) -> bool:
        """Whether it points to manifests rather than to blobs."""
        return self.media_type in INDEXES


def digest_of(raw: bytes, algorithm: str = "sha256") -> str:
    """Give the digest of some bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}"


def matches(raw: bytes, digest: str) -> bool:
    """Tell whether the bytes are the ones the digest names."""
    return digest_of(raw, digest.partition(":")[0]) == digest


def read(raw: bytes, *, media_type: str, image: str, digest: str | None = None) -> Manifest:
    """Read a manifest or an index; `media_type` is what the registry said it is, `image` names it in errors.

    Raises Rejected digest_mismatch when the bytes are not those of `digest`, image_unsupported when they are no
    manifest that can be copied.
    """
    if digest is not None and not matches(raw, digest):
        raise Rejected("digest_mismatch", image=image)
    try:
        body = json.loads(raw)
        kind = _kind(body, media_type)
        if kind in INDEXES:
            return _index(raw, body, kind, digest)
        if kind in MANIFESTS:
            return _manifest(raw, body, kind, digest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Rejected("image_unsupported", image=image, media_type=media_type) from error
    raise Rejected("image_unsupported", image=image, media_type=kind)


def _kind(body: dict[str, Any], said: str) -> str:
    """The document's own word comes first; both may be absent in OCI documents, whose shape then tells."""
    said = said.partition(";")[0].strip()
    own = str(body.get("mediaType") or "")
    if own or said in INDEXES | MANIFESTS:
        return own or said
    if body.get("schemaVersion") == 2 and isinstance(body.get("manifests"), list):
        return OCI_INDEX
    if body.get("schemaVersion") == 2 and isinstance(body.get("layers"), list):
        return OCI_MANIFEST
    return said or "unknown"


def _index(raw: bytes, body: dict[str, Any], kind: str, digest: str | None) -> Manifest:
    entries = body.get("manifests") or []
    if len(entries) > _MOST_CHILDREN:
        raise ValueError("too many manifests in one index")
    children = tuple(_descriptor(entry) for entry in entries)
    return Manifest(digest or digest_of(raw), kind, raw, children=children, subject=_subject(body))


def _manifest(raw: bytes, body: dict[str, Any], kind: str, digest: str | None) -> Manifest:
    config = _descriptor(body["config"])
    layers = body.get("layers") or []
    if len(layers) > _MOST_LAYERS:
        raise ValueError("too many layers in one manifest")
    blobs = tuple({one.digest: one for one in (config, *map(_descriptor, layers))}.values())
    return Manifest(digest or digest_of(raw), kind, raw, blobs=blobs, config=config, subject=_subject(body))


def _subject(body: dict[str, Any]) -> str | None:
    subject = body.get("subject")
    return _descriptor(subject).digest if subject else None


def _descriptor(entry: dict[str, Any]) -> Descriptor:
    digest, size, media_type = entry["digest"], entry["size"], str(entry.get("mediaType") or "")
    if not isinstance(digest, str) or not is_digest(digest):
        raise ValueError("not a digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError("not a size")
    platform = entry.get("platform") or {}
    return Descriptor(
        digest,
        size,
        media_type,
        os=str(platform.get("os") or ""),
        architecture=str(platform.get("architecture") or ""),
        variant=str(platform.get("variant") or ""),
        foreign=bool(entry.get("urls")) and ("foreign" in media_type or "nondistributable" in media_type),
    )


def config_platform(raw: bytes) -> tuple[str, str]:
    """Give (os, architecture) out of an image's config, empty where it does not say."""
    try:
        body = json.loads(raw)
        return str(body.get("os") or ""), str(body.get("architecture") or "")
    except (ValueError, AttributeError):
        return "", ""


def referrers_of(raw: bytes) -> dict[str, dict[str, Any]]:
    """Give the entries of a referrers list by digest, as they came; nothing when it is not such a list."""
    try:
        entries = list(json.loads(raw).get("manifests") or [])[:_MOST_CHILDREN]
        return {_descriptor(entry).digest: entry for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def referrers_list(entries: Iterable[dict[str, Any]]) -> Manifest:
    """Make the index that stands in for a referrers API: the one document the console writes itself."""
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}
    raw = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return Manifest(digest_of(raw), OCI_INDEX, raw)
