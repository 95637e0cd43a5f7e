"""What changes, as people read it: per component and property, from → to, and whose doing it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

ORDER = {"change": 0, "add": 1, "remove": 2}
DIGEST_SHOWN = 12
ROUTE = {
    "host": gettext_lazy("Host of the route to %(name)s"),
    "path": gettext_lazy("Path of the route to %(name)s"),
    "ingress_class": gettext_lazy("Ingress class of the route to %(name)s"),
}


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
        "old": _text(name, change["from"]),
        "new": _text(name, change["to"]),
        "whole_old": change["from"] if name == "image" else "",
        "whole_new": change["to"] if name == "image" else "",
    }
    if "template" in change:
        shown["template"] = _text(name, change["template"])
        shown["apart"] = change["template"] != change["to"]
    return shown


def _text(name: str, value: Any) -> str:
    if value is None:
        return pgettext("value", "none")
    if name == "image":
        path, _at, digest = str(value).partition("@")
        letters = digest.rpartition(":")[2]
        return f"{path.rpartition('/')[2]} @{letters[:DIGEST_SHOWN]}"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, str):
        return value.replace("secret ", f"{_('secret')} ", 1) if value.startswith("secret") else value
    return json.dumps(value, ensure_ascii=False)


def label(name: str) -> str:
    """Name a property for people; a variable is called by its own name."""
    known = {
        "image": _("Image"),
        "kind": _("Kind"),
        "name": _("Name"),
        "command": _("Command"),
        "args": _("Arguments"),
        "replicas": _("Replicas"),
        "run_as": _("User"),
        "depends_on": _("Depends on"),
        "start_timeout": _("Start timeout"),
        "resources.requests.cpu": _("CPU requested"),
        "resources.requests.memory": _("Memory requested"),
        "resources.limits.cpu": _("CPU limit"),
        "resources.limits.memory": _("Memory limit"),
    }
    if name in known:
        return known[name]
    head, _dot, rest = name.partition(".")
    if head == "variables":
        return rest
    port, _dot, part = rest.rpartition(".")
    if head == "ports" and part in ROUTE:
        return ROUTE[part] % {"name": port}
    words = {
        "files": _("File %(name)s"),
        "ports": _("Port %(name)s"),
        "volumes": _("Volume %(name)s"),
        "probes": _("Check %(name)s"),
        "offered": _("%(name)s is offered"),
    }
    return words[head] % {"name": rest} if head in words else name
