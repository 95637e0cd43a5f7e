"""Images as files: in the format of engines before version 25, made whole and made hostile."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploy.local.images import CREATED, File, Image, archive, machine_arch, tar
from deploy.local.registry import sha256

Entry = tuple[str, bytes | str]
"""A name with content, or with the name it links to."""


def packed(entries: Iterable[Entry]) -> bytes:
    """An archive of files and symbolic links, in order."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                made.addfile(entry)
            else:
                entry.size = len(content)
                made.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


@dataclass
class Listed:
    """An image in the older format: unpacked layers, a config, a list that names them. Change it before `bytes`."""

    layers: list[bytes]
    tags: list[str] = field(default_factory=list)
    os: str = "linux"
    arch: str = field(default_factory=machine_arch)
    process: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.config: dict[str, object] = {
            "created": CREATED,
            "architecture": self.arch,
            "os": self.os,
            "config": dict(self.process),
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in self.layers]},
            "history": [{"created": CREATED, "created_by": "test"} for _ in self.layers],
        }
        self.names = [f"{sha256(layer)[7:]}/layer.tar" for layer in self.layers]

    @property
    def config_raw(self) -> bytes:
        """The config as it lies in the archive."""
        return json.dumps(self.config).encode()

    @property
    def id(self) -> str:
        """What an engine calls the image."""
        return sha256(self.config_raw)

    @property
    def entries(self) -> list[Entry]:
        """What the archive holds, in an engine's order: the list comes last."""
        name = f"{self.id[7:]}.json"
        rows = [{"Config": name, "RepoTags": self.tags or None, "Layers": self.names}]
        layers = dict(zip(self.names, self.layers, strict=True))
        return [*layers.items(), (name, self.config_raw), ("manifest.json", json.dumps(rows).encode())]

    def bytes(self) -> bytes:
        """The archive."""
        return packed(self.entries)


def listed(image: Image, *tags: str) -> Listed:
    """An image of the local platform in the older format."""
    process: dict[str, object] = {"User": image.user, "Env": ["PATH=/"], "WorkingDir": "/"}
    process |= {"Entrypoint": list(image.entrypoint), "Cmd": list(image.command)}
    return Listed([gzip.decompress(one) for one in image.layers], list(tags), arch=image.arch, process=process)


def simple(*contents: bytes) -> Listed:
    """A small image whose layers hold a file each."""
    return Listed([tar([File(f"file{at}", content)]) for at, content in enumerate(contents)])


def unpack(raw: bytes) -> dict[str, bytes]:
    """The files of an archive of our own making."""
    with tarfile.open(fileobj=io.BytesIO(raw)) as made:
        found = {entry.name: made.extractfile(entry) for entry in made if entry.isfile()}
        return {name: file.read() for name, file in found.items() if file is not None}


__all__ = ["Entry", "Listed", "archive", "listed", "packed", "simple", "unpack"]
