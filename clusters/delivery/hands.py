"""Edits by other hands: what a conflict names, with the value on the cluster and the one we would write."""

from __future__ import annotations

import re
from typing import Any

from clusters.delivery.run import Run
from clusters.delivery.sending import Sending, is_unmoved
from clusters.diff import HandEdit, by_hand
from clusters.kube.errors import FieldConflict
from console.kit.errors import Rejected

ADMISSION = "admission"
"""The manager that stands for what a webhook changed on the way in."""

SHOWN = 200
"""Characters of a value that are shown."""

_KEYED = re.compile(r"\[((?:[A-Za-z]+=(?:\"[^\"]*\"|[^,\]]+),?)+)\]")
_PAIR = re.compile(r"([A-Za-z]+)=(\"[^\"]*\"|[^,\]]+)")
_ABSENT = object()


def error_of(edit: HandEdit) -> Rejected:
    """Give the error a run without consent fails with."""
    return Rejected(
        "field_conflict",
        object=edit.object,
        field=edit.field,
        manager=edit.manager,
        ours=edit.ours,
        theirs=edit.live,
    )


def conflict_edits(sending: Sending, conflict: FieldConflict) -> list[HandEdit]:
    """Give every cause of a conflict with both values, read from the live object and from our manifest."""
    secret = sending.item.kind == "Secret"
    found = []
    for cause in conflict.causes:
        live = None if secret else shown(value_at(sending.live, cause.field))
        ours = None if secret else shown(value_at(sending.item.manifest, cause.field))
        found.append(HandEdit(sending.id, cause.field, cause.manager, live, ours))
    return found


def silent_edits(run: Run, sending: Sending) -> list[HandEdit]:
    """Give the edits that an apply would take back without a conflict: a field of ours that a hand removed, say.

    Told by what we sent before: a field that is no longer as sent then, and that would be written now.
    """
    live, former = sending.live, run.former(sending.id)
    if sending.action != "change" or live is None or former is None or is_unmoved(run.rows.get(sending.id), live):
        return []
    edited = {edit.field for edit in by_hand(former, live, run.manager) if edit.manager != ADMISSION}
    hide = sending.item.kind == "Secret"
    return [
        HandEdit(
            edit.object,
            edit.field,
            edit.manager,
            None if hide else shown(edit.live),
            None if hide else shown(edit.ours),
        )
        for edit in by_hand(sending.item.manifest, live, run.manager)
        if edit.field in edited
    ]


def shown(value: Any) -> Any:
    """Give a value as people may see it: scalars as they are, cut; for a structure only that there is one."""
    if isinstance(value, str):
        return value[:SHOWN]
    if value is None or isinstance(value, (bool, int)):
        return value
    return "…"


def value_at(document: Any, path: str) -> Any:
    """Read the value at a field path as a server writes it (`.spec.containers[name="app"].image`); None when absent.

    Keys are not quoted in such a path and may hold dots, so the longest key that is there is taken first.
    """
    found = _walk(document, path)
    return None if found is _ABSENT else found


def _walk(document: Any, path: str) -> Any:
    if not path:
        return document
    if path.startswith("["):
        keyed = _KEYED.match(path)
        if keyed is None or not isinstance(document, list):
            return _ABSENT
        item = _item(document, dict(_PAIR.findall(keyed[1])))
        return _ABSENT if item is _ABSENT else _walk(item, path[keyed.end() :])
    if not isinstance(document, dict) or not path.startswith("."):
        return _ABSENT
    rest = path[1:]
    for key in sorted(document, key=len, reverse=True):
        if rest == key or rest.startswith((f"{key}.", f"{key}[")):
            found = _walk(document[key], rest[len(key) :])
            if found is not _ABSENT:
                return found
    return _ABSENT


def _item(items: list[Any], keys: dict[str, str]) -> Any:
    for item in items:
        if isinstance(item, dict) and all(_text(item.get(key)) == value for key, value in keys.items()):
            return item
    return _ABSENT


def _text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
