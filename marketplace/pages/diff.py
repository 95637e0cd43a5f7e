"""What changes, as people read it: per component and property, from → to, and whose doing it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from clusters.pages.changes import label, value_text

ORDER = {"change": 0, "add": 1, "remove": 2}


def diff_shown(document: Mapping[str, Any], new: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give a preview's components for the table: those that change, how many of each kind, and those that do not.

    `new` are the components by key, for the images of those that are added.
    """
    parts = [_part(component, new or {}) for component in document["components"] if component["action"] != "keep"]
    counts = Counter(part["action"] for part in parts)
    addresses = {change["address"] for part in parts for change in part["changes"]}
    return {
        "parts": sorted(parts, key=lambda part: ORDER[part["action"]]),
        "counts": {name: counts.get(name, 0) for name in ORDER},
        "keep": [component["key"] for component in document["components"] if component["action"] == "keep"],
        "addresses": addresses,
    }


def _part(component: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    key = component["key"]
    # What stays as it is and could be nothing else says nothing: a kept secret, above all.
    told = [change for change in component["changes"] if change["from"] != change["to"] or "template" in change]
    changes = [_change(key, change) for change in told]
    if component["action"] == "add" and key in new:
        image = new[key]["image"]
        text = f"{image.get('path') or image.get('source')}@{image.get('digest', '')}"
        changes = [_change(key, {"field": "image", "from": None, "to": text, "because": "version"})]
    return {"key": key, "action": component["action"], "changes": changes}


def _change(key: str, change: Mapping[str, Any]) -> dict[str, Any]:
    name = change["field"]
    shown = {
        "address": f"{key}.{name}",
        "label": label(name),
        "because": change["because"],
        "old": value_text(name, change["from"]),
        "new": value_text(name, change["to"]),
        "whole_old": change["from"] if name == "image" else "",
        "whole_new": change["to"] if name == "image" else "",
    }
    if "template" in change:
        shown["template"] = value_text(name, change["template"])
        shown["apart"] = change["template"] != change["to"]
    return shown
