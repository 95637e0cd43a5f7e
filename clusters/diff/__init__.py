"""Differences: between documents, for people; and between a manifest and the live object.

- `components.component_changes(...)`: per component and property, old → new, and why.
- `fields.differences(manifest, live)`: leaves that differ, quantities compared as quantities.
- `managers.by_hand(manifest, live, ours)`, `managers.additions(...)`: what a hand changed or added, by field manager.
- `managers.same_object(one, other)`: equality of two answers of a server, but for their bookkeeping.
- `immutable.immutable_changes(manifest, live)`: fields the server would refuse to change, by their paths.
"""

from __future__ import annotations

from clusters.diff.components import ComponentChange, FieldChange, component_changes
from clusters.diff.fields import Difference, differences, without_server_fields
from clusters.diff.immutable import immutable_changes
from clusters.diff.managers import HandEdit, additions, by_hand, same_object

__all__ = [
    "ComponentChange",
    "Difference",
    "FieldChange",
    "HandEdit",
    "additions",
    "by_hand",
    "component_changes",
    "differences",
    "immutable_changes",
    "same_object",
    "without_server_fields",
]
