"""Leaf by leaf: where a live object differs from the manifest sent. Paths are written as the apiserver does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clusters import quantities

Path = tuple[Any, ...]
"""Steps into an object: a text for a field, a frozenset of (key, value) pairs for an item of a keyed list, and
("=", value) for an item of a set."""

LIST_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "containers.ports": ("containerPort", "protocol"),
    "spec.ports": ("port", "protocol"),
}
"""The lists whose items the apiserver merges by key. All others are compared as wholes."""

_QUANTITIES = ("requests", "limits", "hard", "default", "defaultRequest")
_SERVER_FIELDS = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp")

ABSENT = None


@dataclass(frozen=True)
class Difference:
    """One leaf that is not as sent; `live` is None where it is gone."""

    field: str
    live: Any
    ours: Any
    path: Path


def differences(manifest: dict[str, Any], live: dict[str, Any]) -> list[Difference]:
    """Give every leaf of the manifest that the live object does not carry as sent.

    What the live object has beside the manifest is not looked at; quantities are compared as amounts.
    """
    ours = without_server_fields(manifest)
    return [
        Difference(path_text(path), found, value, path)
        for path, value, found in _walk(ours, live, ())
        if not _same(path, value, found)
    ]


def without_server_fields(manifest: dict[str, Any]) -> dict[str, Any]:
    """Give a copy without what only the server writes: `status` and the moving parts of `metadata`."""
    copied = {name: value for name, value in manifest.items() if name != "status"}
    metadata = copied.get("metadata")
    if isinstance(metadata, dict):
        copied["metadata"] = {name: value for name, value in metadata.items() if name not in _SERVER_FIELDS}
    return copied


def list_keys(path: Path) -> tuple[str, ...]:
    """Give the key fields of the list at a path; empty for a list that is compared as a whole."""
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return ()
    last = names[-1]
    if last == "ports":
        return LIST_KEYS["containers.ports" if "containers" in names else "spec.ports"] if names[0] == "spec" else ()
    return LIST_KEYS.get(last, ())


def identity(item: Any, keys: tuple[str, ...]) -> frozenset[tuple[str, Any]] | None:
    """Give what an item of a keyed list is known by; a missing `protocol` is TCP, as the server says."""
    if not isinstance(item, dict):
        return None
    pairs = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return None if None in pairs.values() else frozenset(pairs.items())


def value_at(value: Any, path: Path) -> Any:
    """Go along a path; None where it ends early."""
    for depth, step in enumerate(path):
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(step, frozenset):
            keys = tuple(key for key, _ in step)
            items = value if isinstance(value, list) else []
            value = next((item for item in items if identity(item, keys) == step), None)
        elif isinstance(step, tuple):
            value = step[1] if isinstance(value, list) and step[1] in value else None
        if value is None:
            return None
        del depth
    return value


def path_text(path: Path) -> str:
    """Write a path as the apiserver does in a conflict: `.spec.template.spec.containers[name="app"].image`."""
    text = ""
    for step in path:
        if isinstance(step, str):
            text += f".{step}"
        elif isinstance(step, frozenset):
            pairs = (f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in sorted(step))
            text += f"[{','.join(pairs)}]"
        else:
            text += f'[="{step[1]}"]' if isinstance(step[1], str) else f"[={step[1]}]"
    return text


def _walk(ours: Any, live: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(ours, dict) and ours:
        for name, value in ours.items():
            inner = live.get(name) if isinstance(live, dict) else ABSENT
            yield from _walk(value, inner, (*path, name))
        return
    keys = list_keys(path) if isinstance(ours, list) else ()
    if keys and all(identity(item, keys) for item in ours):
        items = {identity(item, keys): item for item in live} if isinstance(live, list) else {}
        for item in ours:
            known_by = identity(item, keys)
            yield from _walk(item, items.get(known_by), (*path, known_by))
        return
    yield path, ours, live


def _same(path: Path, ours: Any, live: Any) -> bool:
    if ours in ({}, []) and live in ({}, [], None):
        return True
    if live is ABSENT and ours in (0, ""):
        # What has no value of its own is left out by the server: a delay of 0, an empty text, False.
        return True
    parents = [step for step in path if isinstance(step, str)][-2:-1]
    if isinstance(ours, str) and isinstance(live, str) and parents and parents[0] in _QUANTITIES:
        return quantities.same(ours, live)
    if isinstance(ours, list) and isinstance(live, list):
        # Items the server fills in with defaults are as sent when they carry all that was sent.
        return len(ours) == len(live) and all(_carries(one, other) for one, other in zip(ours, live, strict=True))
    return bool(ours == live)


def _carries(ours: Any, live: Any) -> bool:
    if isinstance(ours, dict):
        return isinstance(live, dict) and all(
            _carries(value, live.get(name)) or (isinstance(value, str) and quantities.same(value, str(live.get(name))))
            for name, value in ours.items()
        )
    if isinstance(ours, list):
        return isinstance(live, list) and len(ours) == len(live) and all(map(_carries, ours, live))
    return bool(ours == live)
