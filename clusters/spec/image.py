"""Image references: as a person types them, and as a pod pulls them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clusters.spec.shape import Image

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d{1,5})?"
)
DOCKER_HUB = "docker.io"


@dataclass(frozen=True)
class Reference:
    """A parsed reference: registry host (with port), path, and tag and/or digest."""

    host: str
    path: str
    tag: str | None
    digest: str | None


class NotAReference(ValueError):
    """The text names no image."""


def parse_reference(text: str) -> Reference:
    """Read `[host[:port]/]path[:tag][@digest]` as container runtimes do.

    A first part without a dot, a port or the name `localhost` belongs to the path on Docker Hub, whose one-part paths
    lie under `library/`. Neither tag nor digest means the tag `latest`. Raises NotAReference.
    """
    rest, at, digest = text.partition("@")
    if (at and not DIGEST.fullmatch(digest)) or len(text) > 512:
        raise NotAReference(text)
    first, slash, tail = rest.partition("/")
    named = bool(slash) and (first == "localhost" or "." in first or ":" in first)
    host, rest = (first, tail) if named else (DOCKER_HUB, rest)
    path, colon, tag = rest.partition(":")
    if colon and not TAG.fullmatch(tag):
        raise NotAReference(text)
    if not PATH.fullmatch(path) or not _HOST.fullmatch(host) or len(path) > 255:
        raise NotAReference(text)
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(host, path, tag if colon else (None if at else "latest"), digest if at else None)


def pull_reference(image: Image, prefix: str | None = None) -> str:
    """Give the reference a pod pulls, always by digest: `pull`, or `{prefix}/{path}@{digest}` of a published image.

    `prefix` is the registry's address and prefix (`registry.example.com/library`). Raises ValueError for an image that
    was not resolved: nothing runs by tag.
    """
    if "pull" in image:
        return image["pull"]
    if prefix is not None and "path" in image and "digest" in image:
        return f"{prefix.rstrip('/')}/{image['path']}@{image['digest']}"
    raise ValueError("the image has no digest yet")


def image_text(image: Image) -> str:
    """Give the short text of an image for people and comparisons: `path@digest`, or the reference as typed."""
    if "digest" in image:
        name = image.get("path") or image.get("reference") or image.get("source", "")
        return f"{name.partition('@')[0]}@{image['digest']}"
    return image.get("reference", "")


def accepted_digests(image: Image) -> frozenset[str]:
    """Give every digest by which a runtime may report this image: index, platform manifests, configs."""
    found = {image["digest"]} if "digest" in image else set()
    for platform in image.get("platforms", []):
        found |= {platform["digest"], platform["config"]}
    return frozenset(found)
