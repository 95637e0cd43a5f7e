"""The draft of an application made by hand, beside what was deployed: what of it does not run yet. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from clusters.routing import Located, routes_of
from clusters.spec.application import by_key
from clusters.spec.shape import Component, Image


def as_drafted(component: Component, values: Mapping[str, Mapping[str, Any]]) -> Component:
    """Give what a draft could have said of a deployed component: no digests, no fingerprints of generated secrets."""
    copied = copy.deepcopy(component)
    image = copied["image"]
    copied["image"] = Image(reference=image.get("reference", ""), user=image.get("user"))
    if "from" in image:
        copied["image"]["from"] = image["from"]
    if "credential" in image:
        copied["image"]["credential"] = image["credential"]
    for port in copied["ports"]:
        port.pop("route", None)
    for variable in copied["variables"]:
        address = f"{copied['key']}.variables.{variable['name']}"
        if values.get(address, {}).get("origin") == "generated":
            variable.pop("fingerprint", None)
    return copied


def undeployed(
    draft: Sequence[Component],
    deployed: Sequence[Component],
    values: Mapping[str, Mapping[str, Any]],
    routes: Sequence[Located] = (),
) -> list[str]:
    """Give the keys of components that deploying the draft would add, change or remove, in order.

    `values` are those of the deployed revision, `routes` the HTTP routes the draft would get: its cluster may have
    another domain or class by now. What a tag names now is not looked at: nobody can tell without asking.
    """
    before = {key: as_drafted(component, values) for key, component in by_key(deployed).items()}
    after = by_key(draft)
    changed = [key for key, component in after.items() if before.get(key) != component]
    standing = routes_of(deployed)
    moved = {own.component for own in routes if own not in standing}
    changed += [key for key in after if key in moved and key not in changed]
    return changed + [key for key in before if key not in after]
