"""Who owns which field of a live object, read from `managedFields`: what was changed or added by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clusters.diff.fields import Path, differences, path_text, value_at

CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet", "k8s-endpointslice-controller")
"""Managers that are the cluster itself."""

OURS = ("waybill-epoch:", "waybill-scale:")
"""Managers of ours beside the application's own."""

_NOBODY = ""
_BOOKS = ("managedFields", "resourceVersion")


@dataclass(frozen=True)
class HandEdit:
    """One field a hand has changed: the manager's name (empty: it was removed), what lives, what we send."""

    object: str
    field: str
    manager: str
    live: Any
    ours: Any

    @property
    def item(self) -> str:
        """How a consent names it: `Kind/name:.path`."""
        return f"{self.object}:{self.field}"


def by_hand(manifest: dict[str, Any], live: dict[str, Any], ours: str) -> list[HandEdit]:
    """Give the fields we send that a hand has changed or removed; applying again overwrites them.

    `ours` is the application's field manager. A field that differs although we alone own it was changed on the way in,
    by a webhook: its manager is told as `admission`.
    """
    owners = _owners(live)
    return [
        HandEdit(_name(manifest), found.field, _who(found.path, owners, ours, found.live), found.live, found.ours)
        for found in differences(manifest, live)
    ]


def additions(manifest: dict[str, Any], live: dict[str, Any], ours: str) -> list[HandEdit]:
    """Give the fields a hand has put beside ours; applying again leaves them, so a rollback does not take them back."""
    found: list[HandEdit] = []
    for manager, paths in _owners(live).items():
        if manager == ours or manager.startswith(OURS) or manager in CONTROLLERS:
            continue
        for path in sorted(paths, key=path_text):
            value = value_at(live, path)
            if value is not None and value_at(manifest, path) is None:
                found.append(HandEdit(_name(manifest), path_text(path), manager, value, None))
    return found


def same_object(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two answers of a server show the same object: equal in all that somebody means.

    What servers and controllers keep books with (`status`, `managedFields`, `resourceVersion`) moves by itself, also
    between two looks at an object that nobody touches.
    """
    return _bare(one) == _bare(other)


def owned_paths(fields: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """Give the leaves of a `fieldsV1` set as paths. `f:` are fields, `k:` items by key, `v:` items of a set."""
    inner = {step: content for step, content in fields.items() if step != "."}
    if not inner and path:
        yield path
    for step, content in inner.items():
        yield from owned_paths(content, (*path, _step(step)))


def _step(text: str) -> Any:
    kind, _, rest = text.partition(":")
    if kind == "k":
        return frozenset(json.loads(rest).items())
    if kind == "v":
        return ("=", json.loads(rest))
    return rest


def _owners(live: dict[str, Any]) -> dict[str, set[Path]]:
    owners: dict[str, set[Path]] = {}
    for entry in live.get("metadata", {}).get("managedFields", []):
        if entry.get("subresource") == "status":
            continue
        owners.setdefault(entry.get("manager", _NOBODY), set()).update(owned_paths(entry.get("fieldsV1", {})))
    return owners


def _who(path: Path, owners: dict[str, set[Path]], ours: str, live: Any) -> str:
    others = [name for name, paths in owners.items() if name != ours and _covers(paths, path)]
    if others:
        return others[0]
    return _NOBODY if live is None else "admission"


def _covers(paths: set[Path], path: Path) -> bool:
    """A leaf is owned by who owns it, something above it (an atomic value), or something in it."""
    return any(path[: len(owned)] == owned or owned[: len(path)] == path for owned in paths)


def _bare(value: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: inner for name, inner in value.get("metadata", {}).items() if name not in _BOOKS}
    return {name: inner for name, inner in value.items() if name != "status"} | {"metadata": metadata}


def _name(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"
