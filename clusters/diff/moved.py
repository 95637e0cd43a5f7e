"""What moved between a plan that somebody saw and what would be done now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusters.quantities import parse

MOST = 20
"""So many places are named; a plan that moved as a whole is read anew anyway."""


def moved(seen: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two documents of a plan, at most MOST; empty where all they show is the same.

    First the lines of their tables, by component and field (`web.image`; the component alone where it comes or goes):
    those of `now` in its order, then those that are gone. Then by a word what else a plan stands on: `revision`,
    `version`, `mark`, `accepts`, `quota`, `routes`.
    """
    then, lines = _lines(seen), _lines(now)
    for place in [place for place, line in lines.items() if _is_unknown(place, line)]:
        then.pop(place, None)
        del lines[place]
    found = [place for place, line in lines.items() if place not in then or not _equal(then[place], line)]
    found += [place for place in then if place not in lines]
    stands = {name: (_ground(seen, name), _ground(now, name)) for name in _GROUNDS}
    return [*found, *(name for name, (old, new) in stands.items() if old != new)][:MOST]


LIMITS = ("limits.cpu", "limits.memory", "requests.storage", "pods")
_GROUNDS = ("revision", "version", "mark", "accepts", "quota", "routes")


def _ground(document: Mapping[str, Any], name: str) -> Any:
    if name == "revision":
        return (document["from"] or {}).get("revision")
    if name in {"version", "mark"}:
        return (document["to"] or {}).get(name)
    if name == "accepts":
        return document["gate"]["accepts"]
    if name == "quota":
        limits = {resource: document["quota"].get(resource, {}).get("hard") for resource in LIMITS}
        return {resource: parse(str(hard)) for resource, hard in limits.items() if hard is not None}
    return document.get("routes", [])


Line = tuple[Any, Any]
"""From and to; for a component that comes or goes the word for it, twice."""


def _lines(document: Mapping[str, Any]) -> dict[str, Line]:
    """Give what the table of changes says, by place."""
    found: dict[str, Line] = {}
    for component in document["components"]:
        if component["action"] == "keep":
            continue
        if not component["changes"]:
            found[component["key"]] = (component["action"], component["action"])
        for change in component["changes"]:
            found[f"{component['key']}.{change['field']}"] = (change["from"], change["to"])
    return found


def _is_unknown(place: str, line: Line) -> bool:
    """Whether a line only says that nobody asked yet which image a reference names by now."""
    old, new = line
    return place.endswith(".image") and "@" not in str(new) and str(old).partition("@")[0] == str(new)


def _equal(then: Line, now: Line) -> bool:
    """Whether two lines say the same. One made of rows alone knows a reference, one that asked its digest too."""
    return all(
        old == new
        or (("@" in str(old)) != ("@" in str(new)) and str(old).partition("@")[0] == str(new).partition("@")[0])
        for old, new in zip(then, now, strict=True)
    )
