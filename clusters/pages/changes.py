"""What changes, in people's words: the names of a component's properties, and their values."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from console.kit.phrases import joined

DIGEST_SHOWN = 12
ROUTE = {
    "host": gettext_lazy("Host of the route to %(name)s"),
    "path": gettext_lazy("Path of the route to %(name)s"),
    "ingress_class": gettext_lazy("Ingress class of the route to %(name)s"),
}


def value_text(name: str, value: Any) -> str:
    """Give a property's value for people: an image by name and the first letters of its digest, a list as its words."""
    if value is None:
        return pgettext("value", "none")
    if name == "image":
        path, _at, digest = str(value).partition("@")
        shown = path.rpartition("/")[2]
        return f"{shown} @{digest.rpartition(':')[2][:DIGEST_SHOWN]}" if digest else shown
    if value == []:
        return pgettext("value", "none")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return joined(value)
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
