"""All objects of one application, in the order in which they are sent."""

from __future__ import annotations

import copy
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clusters.manifests import labels, names
from clusters.manifests.config import Files, files, pull_credential, secret_variables
from clusters.manifests.network import ingress, policy, services
from clusters.manifests.scope import Manifest, Request
from clusters.manifests.storage import claims
from clusters.manifests.workload import workload
from clusters.spec.application import levels
from clusters.spec.shape import Component
from console.kit.canonical import canonical, digest
from console.kit.errors import Rejected

__all__ = [
    "MAX_OBJECT",
    "Bundle",
    "Manifest",
    "Rendered",
    "Request",
    "manifest_hash",
    "record",
    "render",
    "restored",
]

MAX_OBJECT = 1024 * 1024
"""Bytes of one object, as JSON."""

_ORDER = ("PersistentVolumeClaim", "ConfigMap", "Secret", "Service", "NetworkPolicy", "Ingress")


@dataclass(frozen=True)
class Rendered:
    """One object: its identity, the component it belongs to (None: the whole application), manifest and hash."""

    api_version: str
    kind: str
    name: str
    component: str | None
    manifest: Manifest
    hash: str

    @property
    def id(self) -> str:
        """`Kind/name`, unique within a namespace among the kinds we send."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Bundle:
    """The objects of an application: `base` first, then the workloads level by level."""

    base: tuple[Rendered, ...]
    levels: tuple[tuple[Rendered, ...], ...]

    def all(self) -> Iterator[Rendered]:
        """Every object, in the order of sending."""
        yield from self.base
        for level in self.levels:
            yield from level

    def inventory(self) -> list[dict[str, str]]:
        """What a revision's row says of its objects, in the open."""
        return [{"kind": item.kind, "name": item.name, "hash": item.hash} for item in self.all()]

    def workload(self, key: str) -> Rendered:
        """The workload of a component. Raises KeyError."""
        for level in self.levels:
            for item in level:
                if item.component == key:
                    return item
        raise KeyError(key)

    def stored(self) -> list[dict[str, Any]]:
        """What a revision seals, so that a rollback sends the same bytes again: level (-1 = base), hash, manifest."""
        base = [{"level": -1, "hash": item.hash, "manifest": item.manifest} for item in self.base]
        rest = [
            {"level": depth, "hash": item.hash, "manifest": item.manifest}
            for depth, level in enumerate(self.levels)
            for item in level
        ]
        return base + rest

    def stopped(self, salt: bytes) -> Bundle:
        """The same objects with no pods: what a stopped application keeps."""
        quiet = []
        for level in self.levels:
            made = []
            for item in level:
                manifest = copy.deepcopy(item.manifest)
                manifest["spec"]["replicas"] = 0
                made.append(_rendered(manifest, salt))
            quiet.append(tuple(made))
        return Bundle(self.base, tuple(quiet))


def render(request: Request) -> Bundle:
    """Render everything an application consists of.

    Raises Rejected `object_too_big`, Invalid (`value_missing`) for a secret without a value, and ValueError for an
    image without a digest.
    """
    base: list[Manifest] = []
    own_files: dict[str, Files] = {}
    env_secrets: dict[str, str] = {}
    pulls: dict[str, str] = {}
    for component in request.components:
        key = component["key"]
        own_files[key] = files(request, component)
        secret, pull = secret_variables(request, component), pull_credential(request, component)
        if secret is not None:
            env_secrets[key] = secret["metadata"]["name"]
        if pull is not None:
            pulls[key] = pull["metadata"]["name"]
        base += _base(request, component, own_files[key], [secret, pull])
    base.sort(key=lambda manifest: _ORDER.index(manifest["kind"]))
    workloads = [
        [workload(request, request.known[key], own_files[key], env_secrets, pulls.get(key)) for key in level]
        for level in levels(request.components)
    ]
    return Bundle(
        base=tuple(_rendered(manifest, request.salt) for manifest in base),
        levels=tuple(tuple(_rendered(manifest, request.salt) for manifest in level) for level in workloads),
    )


def _base(request: Request, component: Component, own: Files, secrets: Sequence[Manifest | None]) -> list[Manifest]:
    found = [own.config_map, own.secret, *secrets, policy(request, component), ingress(request, component)]
    return [
        *claims(request, component),
        *(manifest for manifest in found if manifest is not None),
        *services(request, component),
    ]


def restored(stored: Iterable[dict[str, Any]]) -> Bundle:
    """Give back the bundle a revision has sealed: the recorded bytes, not a new rendering."""
    entries = list(stored)
    deepest = max((int(entry["level"]) for entry in entries), default=-1)

    def at(depth: int) -> tuple[Rendered, ...]:
        chosen = (entry for entry in entries if entry["level"] == depth)
        return tuple(_identified(entry["manifest"], entry["hash"]) for entry in chosen)

    return Bundle(at(-1), tuple(at(depth) for depth in range(deepest + 1)))


def manifest_hash(manifest: Manifest, salt: bytes) -> str:
    """Hash a manifest. A Secret's data enters as keyed hashes only, so that its hash helps nobody to guess."""
    if manifest["kind"] != "Secret":
        return digest(manifest)
    data = {
        name: hmac.new(salt, value.encode(), hashlib.sha256).hexdigest() for name, value in manifest["data"].items()
    }
    return digest({**manifest, "data": data})


def record(
    *,
    app: str,
    application_id: str,
    part_of: str,
    namespace: str,
    operation: str,
    epoch: int,
    revision: int,
    version: str | None,
    inventory: Iterable[dict[str, Any]],
) -> Manifest:
    """The ConfigMap `waybill-{app}`: who delivers, what, and the inventory with uids; no secrets."""
    data = {
        "operation": operation,
        "epoch": str(epoch),
        "revision": str(revision),
        "version": version or "",
        "inventory": canonical(list(inventory)).decode(),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": names.record(app),
            "namespace": namespace,
            "labels": labels.common(app, application_id, part_of),
        },
        "data": data,
    }


def _rendered(manifest: Manifest, salt: bytes) -> Rendered:
    size = len(canonical(manifest))
    if size > MAX_OBJECT:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        raise Rejected("object_too_big", object=name, bytes=size)
    return _identified(manifest, manifest_hash(manifest, salt))


def _identified(manifest: Manifest, known_hash: str) -> Rendered:
    metadata = manifest["metadata"]
    return Rendered(
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        name=metadata["name"],
        component=metadata["labels"].get(labels.NAME),
        manifest=manifest,
        hash=known_hash,
    )
