"""A one-layer image of its own, pushed to find out whether a registry takes images and a cluster can pull them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile

from marketplace.registry.client import Registry
from marketplace.registry.manifests import OCI_MANIFEST, Manifest, digest_of
from marketplace.registry.reference import under
from marketplace.registry.wire import Stream

NAME = "waybill-probe"
TAG = "probe"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def repository(prefix: str) -> str:
    """Where the probe lies."""
    return under(prefix, NAME)


def push(registry: Registry, prefix: str) -> str:
    """Push a probe that no node can have yet, and give its digest.

    Raises Rejected registry_refused_push, registry_full, registry_refused_login; Unreachable.
    """
    layer, unpacked = _layer()
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/probe"], "User": "65532:65532"},
            "rootfs": {"type": "layers", "diff_ids": [unpacked]},
        }
    )
    name = repository(prefix)
    for blob in (layer, config):
        _push_blob(registry, name, blob)
    raw = _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": _CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": _LAYER, "digest": digest_of(layer), "size": len(layer)}],
        }
    )
    manifest = Manifest(digest_of(raw), OCI_MANIFEST, raw)
    registry.put_manifest(name, TAG, manifest, image=name)
    return manifest.digest


def _push_blob(registry: Registry, name: str, blob: bytes) -> None:
    digest = digest_of(blob)
    body = Stream(len(blob), lambda sink: sink(memoryview(blob)))
    registry.upload(registry.open_upload(name), name, digest, body, image=name)


def _layer() -> tuple[bytes, str]:
    """One small file of random bytes: (the compressed layer, the digest of what it unpacks to)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        content = os.urandom(32)
        entry = tarfile.TarInfo("probe.txt")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0), "sha256:" + hashlib.sha256(raw.getvalue()).hexdigest()


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
