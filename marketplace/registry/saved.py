"""An image as a Docker engine saves it, read into manifests and blobs. Pure; no byte of it is ever changed.

Two formats: the OCI image layout (`image-layout.md` of image-spec 1.1), which engines since version 25 write, and the
one before, whose `manifest.json` names a config and layers without any manifest. For that one the manifest is made
here: it says nothing but the digests and sizes of what is there, so the same image gives the same manifest, whichever
worker makes it. Its layers stay as they are, unpacked tars under the digests that the config itself lists (`diff_ids`):
packing them would cost time, and give other digests with another version of the packer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Any

from console.kit.errors import Rejected
from marketplace.registry import manifests, tarball
from marketplace.registry.manifests import Descriptor, Manifest
from marketplace.registry.reference import is_digest
from marketplace.registry.tarball import BadArchive, Index

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYOUT, INDEX, LIST = "oci-layout", "index.json", "manifest.json"
_UNPACKED = (LAYER, "application/vnd.docker.image.rootfs.diff.tar")
_IMAGE_CONFIGS = (CONFIG, "application/vnd.docker.container.image.v1+json")


@dataclass(frozen=True)
class Piece:
    """A blob, and from which byte of the archive on it lies."""

    descriptor: Descriptor
    offset: int


@dataclass
class Saved:
    """An image in an archive: manifests in the order in which they are put (the root last), and blobs by digest."""

    manifests: list[Manifest] = field(default_factory=list)
    pieces: dict[str, Piece] = field(default_factory=dict)

    @property
    def root(self) -> Manifest:
        """The manifest or index that is the image."""
        return self.manifests[-1]


def read(file: IO[bytes], wanted: str) -> Saved:
    """Read the image whose id is `wanted` (the digest of its config, its manifest or its index) out of an archive.

    The blobs' bytes are not read here; whoever sends them holds them against their digests. Raises BadArchive when a
    part is missing, does not fit another, or is beyond what an image may have.
    """
    members = tarball.index(file)
    try:
        if LAYOUT in members and INDEX in members:
            return _Layout(file, members).image(wanted)
        return _listed(file, members, wanted)
    except Rejected as refusal:
        raise BadArchive(refusal.code) from refusal
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadArchive):
            raise
        raise BadArchive("a document is not what it should be") from error


class _Layout:
    """An archive in the OCI layout."""

    def __init__(self, file: IO[bytes], members: Index) -> None:
        self._file = file
        self._members = members

    def image(self, wanted: str) -> Saved:
        top = manifests.read(self._document(INDEX), media_type=manifests.OCI_INDEX, image=INDEX)
        for entry in top.children:
            root = self._manifest(entry)
            if self._is_meant(root, wanted):
                return self._whole(root)
        raise BadArchive("it holds another image")

    def _document(self, name: str) -> bytes:
        return tarball.content(self._file, tarball.find(self._members, name), manifests.LARGEST)

    def _manifest(self, entry: Descriptor) -> Manifest:
        raw = self._document(_blob(entry.digest))
        return manifests.read(raw, media_type=entry.media_type, image=entry.digest, digest=entry.digest)

    def _held(self, index: Manifest) -> list[Manifest]:
        """Give the manifests of an index that are whole; an engine may hold fewer platforms than it lists."""
        unique = {child.digest: child for child in index.children if _blob(child.digest) in self._members}
        read = [self._manifest(child) for child in unique.values()]
        return [manifest for manifest in read if not manifest.is_index and self._is_whole(manifest)]

    def _is_whole(self, manifest: Manifest) -> bool:
        return all(blob.foreign or _blob(blob.digest) in self._members for blob in manifest.blobs)

    def _is_meant(self, root: Manifest, wanted: str) -> bool:
        """Whether the engine calls the image by this digest: of the root, of a manifest below it, or of a config."""
        found = {root.digest, *(child.digest for child in root.children)}
        configs = [manifest.config for manifest in (root, *self._held(root))]
        return wanted in found | {config.digest for config in configs if config is not None}

    def _whole(self, root: Manifest) -> Saved:
        """Take the image: a manifest as it is, of an index the platforms that are held."""
        held = self._held(root) if root.is_index else [root]
        if not held:
            raise BadArchive("no platform of it is whole")
        saved = Saved()
        for manifest in held:
            self._add(saved, manifest)
        if root.is_index and len(held) > 1:
            digests = {manifest.digest for manifest in held}
            is_all = digests == {child.digest for child in root.children}
            saved.manifests.append(root if is_all else _smaller(root, digests))
        return saved

    def _add(self, saved: Saved, manifest: Manifest) -> None:
        for blob in manifest.blobs:
            if not blob.foreign:
                member = tarball.find(self._members, _blob(blob.digest))
                if member.size != blob.size:
                    raise BadArchive("a blob has another size than its manifest says")
                saved.pieces[blob.digest] = Piece(blob, member.offset)
        self._check_layers(manifest)
        saved.manifests.append(manifest)

    def _check_layers(self, manifest: Manifest) -> None:
        """Hold unpacked layers against the config, which lists what each is when unpacked."""
        config = manifest.config
        if config is None or config.media_type not in _IMAGE_CONFIGS:
            return
        raw = self._document(_blob(config.digest))
        if not manifests.matches(raw, config.digest):
            raise BadArchive("the config is not what its digest names")
        layers = json.loads(manifest.raw)["layers"]
        expected = _diff_ids(raw)
        if len(layers) != len(expected):
            raise BadArchive("config and manifest differ in their layers")
        for layer, digest in zip(layers, expected, strict=True):
            if layer["mediaType"] in _UNPACKED and layer["digest"] != digest:
                raise BadArchive("config and manifest differ in their layers")


def _smaller(root: Manifest, held: set[str]) -> Manifest:
    """Make an index of the entries whose images are held, each entry as it came."""
    body = json.loads(root.raw)
    entries = [entry for entry in body["manifests"] if entry["digest"] in held]
    raw = _encoded({"schemaVersion": 2, "mediaType": root.media_type, "manifests": entries})
    return manifests.read(raw, media_type=root.media_type, image=root.digest)


def _listed(file: IO[bytes], members: Index, wanted: str) -> Saved:
    """Read the older format."""
    entries = json.loads(tarball.content(file, tarball.find(members, LIST), manifests.LARGEST))
    for entry in entries:
        raw = tarball.content(file, tarball.find(members, str(entry["Config"])), manifests.LARGEST)
        if manifests.digest_of(raw) == wanted:
            at = tarball.find(members, str(entry["Config"])).offset
            config = Piece(Descriptor(wanted, len(raw), CONFIG), at)
            return _made(config, _layers(members, entry["Layers"] or [], _diff_ids(raw)))
    raise BadArchive("it holds another image")


def _layers(members: Index, names: list[Any], diff_ids: list[str]) -> Iterable[Piece]:
    if len(names) != len(diff_ids):
        raise BadArchive("config and list differ in their layers")
    for name, digest in zip(names, diff_ids, strict=True):
        member = tarball.find(members, str(name))
        yield Piece(Descriptor(digest, member.size, LAYER), member.offset)


def _made(config: Piece, layers: Iterable[Piece]) -> Saved:
    in_order = list(layers)
    sizes = {(piece.descriptor.digest, piece.descriptor.size) for piece in in_order}
    if len(sizes) != len({digest for digest, _ in sizes}):
        raise BadArchive("two layers of one digest differ")
    body = {
        "schemaVersion": 2,
        "mediaType": manifests.OCI_MANIFEST,
        "config": _entry(config.descriptor),
        "layers": [_entry(layer.descriptor) for layer in in_order],
    }
    manifest = manifests.read(_encoded(body), media_type=manifests.OCI_MANIFEST, image=config.descriptor.digest)
    return Saved([manifest], {piece.descriptor.digest: piece for piece in (*in_order, config)})


def _diff_ids(config: bytes) -> list[str]:
    found = json.loads(config)["rootfs"]["diff_ids"] or []
    if not all(isinstance(digest, str) and is_digest(digest) for digest in found):
        raise BadArchive("the config lists no digests")
    return list(found)


def _entry(descriptor: Descriptor) -> dict[str, Any]:
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
