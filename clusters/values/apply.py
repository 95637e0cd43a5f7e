"""Values applied to components: what a revision's document holds; and the way back, for publishing."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from clusters.spec.shape import Component
from clusters.values.addresses import Value, Values


def apply(components: Sequence[Component], values: Values) -> list[Component]:
    """Give copies of the components with every value at its place; secrets appear as fingerprints.

    Addresses that are not in the document are passed over: `settle` has refused or dropped them before.
    """
    return [_applied(copy.deepcopy(component), values) for component in components]


def _applied(component: Component, values: Values) -> Component:
    key = component["key"]
    for variable in component["variables"]:
        found = values.get(f"{key}.variables.{variable['name']}")
        if found is not None and "secret" in found:
            variable["fingerprint"] = found["secret"]
        elif found is not None:
            variable["value"] = variable_text(found.get("value"))
    if (replicas := _at(values, f"{key}.replicas")) is not None:
        component["replicas"]["default"] = replicas
    resources = component["resources"]
    for side, amounts in (("requests", resources["requests"]), ("limits", resources["limits"])):
        amounts["cpu"] = _at(values, f"{key}.resources.{side}.cpu") or amounts["cpu"]
        amounts["memory"] = _at(values, f"{key}.resources.{side}.memory") or amounts["memory"]
    for port in component["ports"]:
        if (number := _at(values, f"{key}.ports.{port['name']}.node_port")) is not None:
            port["node_port"] = number
        for name in ("host", "path"):
            if (text := _at(values, f"{key}.ports.{port['name']}.{name}")) is not None:
                port[name] = text
    for volume in component["volumes"]:
        place = f"{key}.volumes.{volume['name']}"
        volume["size"] = _at(values, f"{place}.size") or volume["size"]
        volume["storage_class"] = _at(values, f"{place}.storage_class") or volume["storage_class"]
    return component


def portable(component: Component) -> Component:
    """Give a copy without what belongs to one environment: fingerprints, pinned ports, settled routes, pull
    references, accounts. A host or path that was typed stays: it is the default of whoever installs."""
    copied = copy.deepcopy(component)
    for variable in copied["variables"]:
        variable.pop("fingerprint", None)
    for port in copied["ports"]:
        port.pop("node_port", None)
        port.pop("route", None)
    for name in ("pull", "user", "credential", "from", "reference"):
        copied["image"].pop(name, None)  # type: ignore[misc]
    return copied


def variable_text(value: Any) -> str:
    """Write a value as a variable carries it: truth values as `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _at(values: Values, address: str) -> Any:
    found: Value = values.get(address, {})
    return found.get("value")
