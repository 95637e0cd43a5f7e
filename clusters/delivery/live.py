"""Looking at an application's objects: one labelled LIST per kind, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from clusters.kube.kinds import KINDS
from clusters.kube.protocol import Kube, Manifest
from clusters.manifests import labels
from operations.engine.work import Work

OWN_KINDS = (
    "Deployment",
    "StatefulSet",
    "Service",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "NetworkPolicy",
    "Ingress",
)
"""The kinds an application may consist of; what is asked for by label."""

CLAIM = "PersistentVolumeClaim"
WORKLOADS = ("Deployment", "StatefulSet")


def object_id(manifest: Manifest) -> str:
    """Give `Kind/name`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def uid_of(manifest: Manifest) -> str:
    """Give the uid of a live object."""
    return str(manifest["metadata"]["uid"])


def version_of(manifest: Manifest) -> str:
    """Give the resourceVersion of a live object."""
    return str(manifest["metadata"].get("resourceVersion", ""))


def generation_of(manifest: Manifest) -> int | None:
    """Give the generation of a live object; None for kinds that have none."""
    found = manifest["metadata"].get("generation")
    return None if found is None else int(found)


def component_of(manifest: Manifest) -> str | None:
    """Give the component an object belongs to; None for what belongs to the whole application."""
    found: dict[str, str] = manifest["metadata"].get("labels") or {}
    return found.get(labels.NAME)


def is_terminating(manifest: Manifest) -> bool:
    """Whether the object is being deleted."""
    return bool(manifest["metadata"].get("deletionTimestamp"))


@dataclass
class Live:
    """An application's live objects by `Kind/name`."""

    objects: dict[str, Manifest] = field(default_factory=dict)

    def get(self, object_id: str) -> Manifest | None:
        """Give one object, None when the look did not find it."""
        return self.objects.get(object_id)

    def of_kind(self, *kinds: str) -> Iterator[Manifest]:
        """Give the objects of some kinds."""
        return (manifest for manifest in self.objects.values() if manifest["kind"] in kinds)

    def put(self, manifest: Manifest) -> None:
        """Take note of an object as it was answered."""
        self.objects[object_id(manifest)] = manifest

    def drop(self, object_id: str) -> None:
        """Take note that an object is gone."""
        self.objects.pop(object_id, None)


def look(work: Work, kube: Kube, namespace: str, application_id: str, kinds: tuple[str, ...] = OWN_KINDS) -> Live:
    """List every object that carries the application's label, all kinds at once."""
    selector = labels.of_application(application_id)

    def ask(kind: str) -> list[Manifest]:
        return kube.list(kind, namespace, selector=selector).items

    found = Live()
    for items in work.parallel(ask, kinds, width=min(len(kinds), kube.window)):
        for manifest in items:
            found.put(manifest)
    return found


def is_ours(manifest: Manifest, application_id: str) -> bool:
    """Whether an object carries the application's label; one without it is never touched."""
    found: dict[str, str] = manifest["metadata"].get("labels") or {}
    return found.get(labels.APPLICATION) == application_id


def applied_by(manifest: Manifest, manager: str) -> bool:
    """Whether a field manager has applied this object; a look-alike with the right labels was made by somebody else."""
    fields = manifest["metadata"].get("managedFields") or []
    return any(entry.get("manager") == manager and entry.get("operation") == "Apply" for entry in fields)


def owner_of(manifest: Manifest) -> str:
    """Say whose an object is, as far as its labels and managers tell; for people."""
    metadata: dict[str, Any] = manifest["metadata"]
    found: dict[str, str] = metadata.get("labels") or {}
    if found.get(labels.MANAGED_BY):
        return f"{found[labels.MANAGED_BY]}: {found.get(labels.INSTANCE, '')}".rstrip(": ")
    managers = [entry.get("manager", "") for entry in metadata.get("managedFields") or []]
    return next((name for name in managers if name), "")


def api_version(kind: str) -> str:
    """Give the API version a kind is sent with."""
    return KINDS[kind].api_version
