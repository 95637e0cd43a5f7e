"""What only all components together can tell: order, connection info, and where names collide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clusters.spec.reading import Problems, token
from clusters.spec.shape import MAX_COMPONENTS, Component
from clusters.spec.text import names_in

OBJECT_SUFFIXES = ("outside", "pods")
"""What the names of a component's further Services end in; no other component's key may make the same name."""


@dataclass(frozen=True)
class Injected:
    """One variable a component gets from one it depends on: a plain `value`, or the provider's secret variable."""

    name: str
    provider: str
    value: str | None = None
    secret: str | None = None


def by_key(components: Iterable[Component]) -> dict[str, Component]:
    """Give the components by their key."""
    return {component["key"]: component for component in components}


def service_name(app: str, key: str) -> str:
    """Give the name under which a component is reached inside its environment."""
    return f"{app}-{key}"


def injected(component: Component, known: Mapping[str, Component], app: str) -> list[Injected]:
    """Give the connection info of a component, in the order of `depends_on`.

    For each inside port of a provider `{ALIAS}_HOST` and `{ALIAS}_PORT`, then each variable it offers. Providers that
    are not there give nothing.
    """
    found: list[Injected] = []
    for key in component["depends_on"]:
        provider = known.get(key)
        if provider is None:
            continue
        for port in provider["ports"]:
            if port["inside"]:
                found.append(Injected(f"{port['alias']}_HOST", key, value=service_name(app, key)))
                found.append(Injected(f"{port['alias']}_PORT", key, value=str(port["number"])))
        for variable in provider["variables"]:
            if variable.get("offered"):
                secret = variable["name"] if variable.get("secret") else None
                found.append(Injected(variable["name"], key, value=variable.get("value"), secret=secret))
    return found


def levels(components: Sequence[Component]) -> list[list[str]]:
    """Give the keys level by level: each level depends on former ones only. Needs components without cycles."""
    known = by_key(components)
    depth: dict[str, int] = {}

    def place(key: str) -> int:
        if key not in depth:
            depth[key] = 1 + max((place(other) for other in known[key]["depends_on"] if other in known), default=-1)
        return depth[key]

    for key in known:
        place(key)
    return [[key for key in known if depth[key] == level] for level in range(max(depth.values(), default=-1) + 1)]


def check_references(components: Sequence[Component]) -> None:
    """Check what a draft must always hold: bounds, keys, known dependencies, no cycle.

    Raises Invalid `invalid`; places are `/components/{key}/…`.
    """
    problems = Problems()
    _check_keys(components, problems)
    _check_dependencies(components, problems)
    problems.raise_any()


def check_application(components: Sequence[Component]) -> None:
    """Check everything that must hold before an application may run or be published: `check_references`, and that
    no variable is given twice, and that files refer to known variables only.

    Raises Invalid `invalid`; places are `/components/{key}/…`.
    """
    problems = Problems()
    if not components:
        problems.add("/components", "required")
    _check_keys(components, problems)
    _check_dependencies(components, problems)
    known = by_key(components)
    for component in components:
        _check_variables(component, known, problems)
    problems.raise_any()


def _check_keys(components: Sequence[Component], problems: Problems) -> None:
    if len(components) > MAX_COMPONENTS:
        problems.add("/components", "too_many_items", limit=MAX_COMPONENTS)
    keys = [component["key"] for component in components]
    derived = {f"{key}-{suffix}" for key in keys for suffix in OBJECT_SUFFIXES}
    for index, key in enumerate(keys):
        if key in keys[:index] or key in derived:
            problems.add(f"/components/{token(key)}/key", "duplicate", value=key)


def _check_dependencies(components: Sequence[Component], problems: Problems) -> None:
    known = by_key(components)
    for component in components:
        for index, key in enumerate(component["depends_on"]):
            if key not in known:
                place = f"/components/{component['key']}/depends_on/{index}"
                problems.add(place, "unknown_component", component=key)
    for path in _cycles(known):
        problems.add(f"/components/{path[0]}/depends_on", "dependency_cycle", path=path)


def _cycles(known: Mapping[str, Component]) -> list[list[str]]:
    """Give every cycle a depth-first walk meets, as the keys along it, the first one again at the end."""
    done: set[str] = set()
    found: list[list[str]] = []

    def walk(key: str, path: list[str]) -> None:
        if key in path:
            found.append([*path[path.index(key) :], key])
            return
        if key in done or key not in known:
            return
        for other in known[key]["depends_on"]:
            walk(other, [*path, key])
        done.add(key)

    for key in known:
        walk(key, [])
    return found


def _check_variables(component: Component, known: Mapping[str, Component], problems: Problems) -> None:
    key = component["key"]
    givers: dict[str, list[str]] = {}
    for item in injected(component, known, app=""):
        givers.setdefault(item.name, []).append(item.provider)
    for variable in component["variables"]:
        givers.setdefault(variable["name"], []).append(key)
    for name, who in givers.items():
        if len(who) > 1:
            problems.add(f"/components/{key}/variables", "variable_conflict", name=name, components=who)
    for index, file in enumerate(component["files"]):
        for name in names_in(file["content"]):
            if name not in givers:
                place = f"/components/{key}/files/{index}/content"
                problems.add(place, "file_variable_unknown", name=name, path=file["path"])
