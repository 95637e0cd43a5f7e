"""What changes for people: per component and property, from → to, and whose doing it is. Secrets are fingerprints."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

from clusters.spec import shape
from clusters.spec.application import by_key
from clusters.spec.image import image_text
from clusters.spec.shape import Component, Port, Variable
from clusters.values.addresses import Values

Because = Literal["version", "kept", "values", "reset"]
Action = Literal["add", "change", "remove", "keep"]

FieldChange = TypedDict(
    "FieldChange", {"field": str, "from": Any, "to": Any, "template": NotRequired[Any], "because": Because}
)


class ComponentChange(TypedDict):
    """What becomes of one component."""

    key: str
    action: Action
    changes: list[FieldChange]


def component_changes(
    old: Sequence[Component],
    new: Sequence[Component],
    *,
    template: Sequence[Component] | None = None,
    values: Values | None = None,
    kept: Collection[str] = (),
    reset: Collection[str] = (),
) -> list[ComponentChange]:
    """Compare the components of two revisions, values applied on both sides.

    `template` are the new version's components before values; `values` the new revision's, `kept` the addresses carried
    over, `reset` those given back to the template. A kept value is listed beside the template's where it differs, in
    components that change anyway: on its own it changes nothing. Order: the new document's, then what is removed.
    """
    before, after, own = by_key(old), by_key(new), by_key(template or [])
    why = _Why(values or {}, set(kept), set(reset))
    found: list[ComponentChange] = []
    for key, component in after.items():
        if key not in before:
            found.append(ComponentChange(key=key, action="add", changes=[]))
            continue
        changes = _changes(before[key], component, own.get(key), why)
        moved = any(change["from"] != change["to"] for change in changes)
        found.append(ComponentChange(key=key, action="change", changes=changes) if moved else _kept(key))
    found += [ComponentChange(key=key, action="remove", changes=[]) for key in before if key not in after]
    return found


def properties(component: Component) -> dict[str, Any]:
    """Give every property of a component by its field name, secrets and file contents as fingerprints."""
    flat: dict[str, Any] = {
        "image": image_text(component["image"]),
        "kind": component["kind"],
        "name": component["name"],
        "command": component["command"],
        "args": component["args"],
        "replicas": component["replicas"]["default"],
        "run_as": component["run_as"],
        "depends_on": component["depends_on"],
        "start_timeout": component["start_timeout"],
    }
    # By the names of the shape, since a database gives objects back in an order of its own.
    resources = component["resources"]
    for side, amounts in (("requests", resources["requests"]), ("limits", resources["limits"])):
        flat |= {f"resources.{side}.cpu": amounts["cpu"], f"resources.{side}.memory": amounts["memory"]}
    for port in component["ports"]:
        flat |= _port(port)
    for variable in component["variables"]:
        flat[f"variables.{variable['name']}"] = variable_shown(variable)
        flat[f"offered.{variable['name']}"] = bool(variable.get("offered"))
    for file in component["files"]:
        content = hashlib.sha256(file["content"].encode()).hexdigest()[:8]
        flat[f"files.{file['path']}"] = f"{content} {file['mode']}"
    for volume in component["volumes"]:
        flat |= _named(f"volumes.{volume['name']}", volume, shape.Volume.__annotations__)
    flat |= {f"probes.{name}": component["probes"][name] for name in shape.PROBES if name in component["probes"]}
    return flat


def _port(port: Port) -> dict[str, Any]:
    """A port's properties; where its route answers stands in place of what was asked for."""
    names = [name for name in shape.Port.__annotations__ if name != "route"]
    return _named(f"ports.{port['name']}", {**port, **port.get("route", {})}, [*names, "ingress_class"])


def _named(prefix: str, part: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {f"{prefix}.{name}": part[name] for name in names if name in part and name != "name"}


def variable_shown(variable: Variable) -> str:
    """Show a variable: its value, or of a secret `secret` and its fingerprint."""
    if variable.get("secret"):
        return f"secret {variable['fingerprint']}" if "fingerprint" in variable else "secret"
    return variable.get("value", "")


class _Why:
    def __init__(self, values: Values, kept: set[str], reset: set[str]) -> None:
        self.values, self.kept, self.reset = values, kept, reset

    def of(self, address: str) -> Because:
        if address in self.reset:
            return "reset"
        if address in self.kept:
            return "kept"
        return "values" if self.values.get(address, {}).get("origin") == "given" else "version"


def _changes(before: Component, after: Component, template: Component | None, why: _Why) -> list[FieldChange]:
    left, right = properties(before), properties(after)
    own = properties(template) if template is not None else {}
    changes: list[FieldChange] = []
    for name in [*right, *(name for name in left if name not in right)]:
        because = why.of(f"{after['key']}.{name}")
        kept_apart = because == "kept" and template is not None and own.get(name) != right.get(name)
        if left.get(name) == right.get(name) and not kept_apart:
            continue
        change = FieldChange({"field": name, "from": left.get(name), "to": right.get(name), "because": because})
        if because in {"kept", "values"} and name in own and not str(own[name]).startswith("secret"):
            change["template"] = own[name]
        changes.append(change)
    return changes


def _kept(key: str) -> ComponentChange:
    return ComponentChange(key=key, action="keep", changes=[])
