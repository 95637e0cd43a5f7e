"""Images made on the spot from a static program, and pushed: no base image, the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import io
import platform
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.plan import RegistryFacts
from deploy.local.programs import ensure_sample
from deploy.local.registry import INDEX, MANIFEST, Registry, encode, sha256

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
CREATED = "2026-01-01T00:00:00Z"
"""All images say they were made then: the time of the build is not a part of them."""

COMPONENTS = {"web": 8080, "api": 9000, "db": 5432, "cache": 6379, "worker": None}
"""The components of the sample application and the port each listens on."""

Pushable = Registry | RegistryFacts


@dataclass(frozen=True)
class File:
    """A file of an image."""

    path: str
    content: bytes
    mode: int = 0o755


@dataclass(frozen=True)
class Image:
    """What a single-platform image holds; every layer is a list of files."""

    layers: Sequence[bytes]
    arch: str = "amd64"
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    port: int | None = None
    user: str = "10001:10001"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Random:
    """A pushed image of random bytes: its digest and, in order, the digests and sizes of its layers."""

    digest: str
    layers: tuple[tuple[str, int], ...]
    config: tuple[str, int]
    manifest_size: int


def layer(files: Sequence[File]) -> bytes:
    """A compressed layer of these files, owned by root, all with the same old date."""
    return gzip.compress(tar(files), compresslevel=6, mtime=0)


def tar(files: Sequence[File]) -> bytes:
    """An archive of these files, the same bytes every time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(file.content), file.mode
            archive.addfile(entry, io.BytesIO(file.content))
    return raw.getvalue()


def push_image(registry: Pushable, repository: str, tag: str, images: Sequence[Image]) -> str:
    """Push one image, or an index when there are several platforms, under a tag; its digest.

    PlatformError when the registry refuses.
    """
    client = _client(registry)
    manifests = []
    for image in images:
        manifest = _manifest(client, repository, image)
        single = tag if len(images) == 1 else ""
        digest = client.push_manifest(repository, single, manifest, MANIFEST)
        if len(images) == 1:
            return digest
        manifests.append(
            {
                "mediaType": MANIFEST,
                "digest": digest,
                "size": len(encode(manifest)),
                "platform": {"os": "linux", "architecture": image.arch},
            }
        )
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    return client.push_manifest(repository, tag, index, INDEX)


def push_sample(
    registry: Pushable, version: str = "1.0", *, prefix: str = "dev", programs: Mapping[str, Path] | None = None
) -> dict[str, str]:
    """Push the sample application's five components in one version for amd64 and arm64.

    Returns component → reference (``host:port/dev/web:1.0``). Two versions share the layer with the program and differ
    in a small one, so their digests differ. Builds the program when it is missing.
    """
    built = programs or ensure_sample()
    bases = {arch: layer([File("sample", path.read_bytes())]) for arch, path in sorted(built.items())}
    client = _client(registry)
    references = {}
    for component, port in COMPONENTS.items():
        top = layer([File("version", f"{version}\n".encode(), 0o644), File("data/.keep", b"", 0o644)])
        images = [
            Image(
                layers=[base, top],
                arch=arch,
                entrypoint=["/sample"],
                command=[component],
                port=port,
                labels={"org.opencontainers.image.version": version, "org.opencontainers.image.title": component},
            )
            for arch, base in bases.items()
        ]
        push_image(client, f"{prefix}/{component}", version, images)
        references[component] = f"{client.address}/{prefix}/{component}:{version}"
    return references


def push_random(
    registry: Pushable, repository: str, tag: str, sizes: Sequence[int], *, seed: int | str | None = None
) -> Random:
    """Push an image whose layers are random bytes of these sizes; the same ``seed`` makes the same image.

    Without a seed no layer of it was ever in a registry before. It cannot be run, only copied.
    """
    source = random.Random(seed)  # a measure of copying, no secret
    client = _client(registry)
    blobs = [source.randbytes(size) for size in sizes]
    image = Image(layers=blobs, labels={"waybill.random": str(seed)})
    manifest = _manifest(client, repository, image)
    digest = client.push_manifest(repository, tag, manifest, MANIFEST)
    config = manifest["config"]
    assert isinstance(config, dict)
    return Random(
        digest=digest,
        layers=tuple((sha256(blob), len(blob)) for blob in blobs),
        config=(str(config["digest"]), int(config["size"])),
        manifest_size=len(encode(manifest)),
    )


def pause_image(program: bytes) -> Image:
    """The image that holds a pod's namespaces, for this machine's processor."""
    return Image(
        layers=[layer([File("pause", program)])], arch=machine_arch(), entrypoint=["/pause"], user="65535:65535"
    )


def machine_arch() -> str:
    """This machine's processor as images name it."""
    return {"aarch64": "arm64", "x86_64": "amd64"}.get(platform.machine(), platform.machine())


def archive(image: Image, name: str) -> bytes:
    """One image as a file that a runtime loads under a name, without any registry (an OCI layout in a tar)."""
    manifest, blobs = _assemble(image)
    content = encode(manifest)
    entry = {
        "mediaType": MANIFEST,
        "digest": sha256(content),
        "size": len(content),
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
        "platform": {"os": "linux", "architecture": image.arch},
    }
    files = [File(f"blobs/{sha256(blob).replace(':', '/')}", blob, 0o644) for blob in [*blobs, content]]
    files.append(File("index.json", encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}), 0o644))
    return tar([File("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', 0o644), *files])


def _manifest(client: Registry, repository: str, image: Image) -> dict[str, object]:
    """Push an image's layers and configuration; its manifest, not pushed yet."""
    manifest, blobs = _assemble(image)
    for blob in blobs:
        client.push_blob(repository, blob)
    return manifest


def _assemble(image: Image) -> tuple[dict[str, object], list[bytes]]:
    """An image's manifest, and the blobs it names."""
    configuration = encode(_configuration(image))
    layers = [{"mediaType": LAYER, "digest": sha256(blob), "size": len(blob)} for blob in image.layers]
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": sha256(configuration), "size": len(configuration)},
        "layers": layers,
    }
    return manifest, [*image.layers, configuration]


def _configuration(image: Image) -> dict[str, object]:
    process: dict[str, object] = {"User": image.user, "Env": ["PATH=/"], "WorkingDir": "/"}
    if image.entrypoint:
        process["Entrypoint"] = list(image.entrypoint)
    if image.command:
        process["Cmd"] = list(image.command)
    if image.port is not None:
        process["ExposedPorts"] = {f"{image.port}/tcp": {}}
    if image.labels:
        process["Labels"] = dict(image.labels)
    return {
        "created": CREATED,
        "architecture": image.arch,
        "os": "linux",
        "config": process,
        "rootfs": {"type": "layers", "diff_ids": [_unpacked_digest(blob) for blob in image.layers]},
    }


def _unpacked_digest(blob: bytes) -> str:
    """The digest of a layer before compression; random bytes were never compressed."""
    raw = gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _client(registry: Pushable) -> Registry:
    return registry if isinstance(registry, Registry) else Registry.of(registry)
