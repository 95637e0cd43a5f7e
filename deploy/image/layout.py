"""An image as a folder that every tool reads: the OCI image layout, and pushing it to a registry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.image.files import Layer
from deploy.local.images import CONFIG, CREATED, LAYER, machine_arch
from deploy.local.plan import PlatformError
from deploy.local.registry import INDEX, MANIFEST, Registry, encode, sha256

NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Process:
    """How a container of the image starts, unless it is told otherwise."""

    command: Sequence[str]
    folder: str = "/"
    user: str = "10001:10001"
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()


def write(out: Path, name: str, process: Process, layers: Sequence[Layer]) -> str:
    """Add an image of this machine's processor to a layout, under a name; gives its digest.

    An image of that name that is there already is replaced; its blobs stay until the folder is removed.
    """
    blobs = out / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for layer in layers:
        target = blobs / layer.digest.removeprefix("sha256:")
        if layer.path != target:
            target.write_bytes(layer.path.read_bytes())
    configuration = _keep(blobs, encode(_configuration(process, layers)))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, **configuration},
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size} for layer in layers],
    }
    kept = _keep(blobs, encode(manifest))
    platform = {"os": "linux", "architecture": machine_arch()}
    entry = {"mediaType": MANIFEST, **kept, "platform": platform, "annotations": {NAME: name}}
    others = [each for each in images(out) if each["annotations"][NAME] != name]
    listed = sorted([*others, entry], key=lambda each: str(each["annotations"][NAME]))
    (out / "index.json").write_bytes(encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}))
    (out / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return str(kept["digest"])


def images(out: Path) -> list[dict[str, Any]]:
    """The images of a layout, as its index tells them; none where there is no layout."""
    index = out / "index.json"
    listed: list[dict[str, Any]] = json.loads(index.read_text())["manifests"] if index.exists() else []
    return listed


def push(out: Path, name: str, registry: Registry, repository: str, tag: str) -> str:
    """Push an image of a layout; gives its reference by digest. PlatformError when there is none, or it is refused."""
    entry = next((each for each in images(out) if each["annotations"][NAME] == name), None)
    if entry is None:
        raise PlatformError(f"{out} holds no image {name}")
    blobs = out / "blobs/sha256"
    manifest: dict[str, Any] = json.loads((blobs / entry["digest"].removeprefix("sha256:")).read_text())
    for part in (*manifest["layers"], manifest["config"]):
        if not registry.has(repository, part["digest"]):
            registry.push_blob(repository, (blobs / part["digest"].removeprefix("sha256:")).read_bytes())
    digest = registry.push_manifest(repository, tag, manifest, MANIFEST)
    return f"{registry.address}/{repository}@{digest}"


def _keep(blobs: Path, content: bytes) -> dict[str, Any]:
    digest = sha256(content)
    (blobs / digest.removeprefix("sha256:")).write_bytes(content)
    return {"digest": digest, "size": len(content)}


def _configuration(process: Process, layers: Sequence[Layer]) -> dict[str, Any]:
    environment = {"PATH": "/usr/local/bin:/bin", **process.environment}
    return {
        "created": CREATED,
        "architecture": machine_arch(),
        "os": "linux",
        "config": {
            "User": process.user,
            "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
            "WorkingDir": process.folder,
            "Cmd": list(process.command),
            "ExposedPorts": {f"{port}/tcp": {} for port in process.ports},
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
