"""Image references: what people type, read into its parts, and the names the console itself gives.

Pure. The grammar is the one of the distribution project (`reference/regexp.go`): a registry is named by the first part
only if that part has a dot or a colon, or is `localhost`; everything else lies on Docker Hub.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from console.kit.errors import Invalid

HUB = "docker.io"
HUB_ENDPOINT = "registry-1.docker.io"
LONGEST_NAME = 255
LONGEST_TEXT = 512

_HUB_NAMES = frozenset({HUB, "index.docker.io", HUB_ENDPOINT})
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]{{2,45}}\])"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_ADDRESS = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?")
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True)
class Reference:
    """An image as named by a person: registry (`host[:port]`), path, and a tag or a digest or both."""

    registry: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> str:
        """The full name without tag and digest."""
        return f"{self.registry}/{self.path}"

    @property
    def wanted(self) -> str:
        """What to ask the registry for: the digest where one is given, else the tag."""
        return self.digest or self.tag or "latest"

    @property
    def endpoint(self) -> str:
        """Where the registry answers: `host[:port]` (Docker Hub answers elsewhere than it is named)."""
        return endpoint_of(self.registry)

    def pinned(self, digest: str) -> str:
        """Give the reference by digest, as pods carry it."""
        return f"{self.repository}@{digest}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def parse(text: str) -> Reference:
    """Read a typed image reference; without tag and digest it means `latest`.

    Raises Invalid reference_not_valid.
    """
    wrong = Invalid("reference_not_valid", reference=text[:LONGEST_TEXT])
    rest, at, digest = text.partition("@")
    if len(text) > LONGEST_TEXT or (at and not is_digest(digest)):
        raise wrong
    registry, path = _registry_of(rest)
    path, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise wrong
    if registry == HUB and "/" not in path:
        path = f"library/{path}"
    if not _PATH.fullmatch(path) or len(registry) + 1 + len(path) > LONGEST_NAME:
        raise wrong
    try:
        registry = parse_address(registry)
    except Invalid as error:
        raise wrong from error
    return Reference(registry, path, tag or (None if digest else "latest"), digest or None)


def _registry_of(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and (any(char in first for char in ".:[") or first == "localhost"):
        return (HUB, rest) if first.lower() in _HUB_NAMES else (first, rest)
    return HUB, text


def parse_address(text: str) -> str:
    """Read the address of a registry, `host[:port]`, and give it in lower case; Docker Hub has one name of several.

    Raises Invalid reference_not_valid, also for a scheme, a path or a user in it.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or len(match[1]) > 253 or (match[2] is not None and not 0 < int(match[2]) < 65536):
        raise Invalid("reference_not_valid", reference=text[:LONGEST_TEXT])
    return HUB if text.lower() in _HUB_NAMES else text.lower()


def endpoint_of(address: str) -> str:
    """Give where the registry of this name answers: Docker Hub answers elsewhere than it is named."""
    return HUB_ENDPOINT if address == HUB else address


def parse_prefix(text: str) -> str:
    """Read the repository prefix: none, one or several segments, without slashes around it.

    Raises Invalid reference_not_valid.
    """
    prefix = text.strip("/")
    if prefix and (not _PATH.fullmatch(prefix) or len(prefix) > 128):
        raise Invalid("reference_not_valid", reference=text[:LONGEST_TEXT])
    return prefix


def is_digest(text: str) -> bool:
    """Tell whether the text is a digest in one of the two registered algorithms."""
    return _DIGEST.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Tell whether the text may be the path of a repository."""
    return _PATH.fullmatch(text) is not None and len(text) <= LONGEST_NAME


def under(prefix: str, path: str) -> str:
    """Give the repository of `path` (`{template}/{component}`) below the prefix."""
    return f"{prefix}/{path}" if prefix else path


def component_path(template: str, component: str) -> str:
    """Give the path a component's image has in the shared registry, without the prefix."""
    return f"{template}/{component}"


def published(address: str, prefix: str, path: str, number: str) -> Reference:
    """Give the reference people see for a published image: `{address}/{prefix}/{template}/{component}:{number}`.

    Raises Invalid reference_not_valid when the whole would be too long for a registry.
    """
    repository = under(prefix, path)
    reference = Reference(parse_address(address), repository, number)
    if not is_path(repository) or len(reference.repository) > LONGEST_NAME or not _TAG.fullmatch(number):
        raise Invalid("reference_not_valid", reference=str(reference))
    return reference


def by_digest(reference: Reference, digest: str) -> Reference:
    """Give the same image named by this digest."""
    return replace(reference, tag=None, digest=digest)
