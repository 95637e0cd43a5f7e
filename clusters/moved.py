"""What moved between a plan that somebody saw and what would be done now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from clusters.planning import QUOTA_WORDS
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
    for place in [place for place, line in lines.items() if is_unasked(place.partition(".")[2], *line)]:
        then.pop(place, None)
        del lines[place]
    found = [place for place, line in lines.items() if place not in then or not _equal(then[place], line)]
    found += [place for place in then if place not in lines]
    return [*found, *(name for name, ground in _GROUNDS.items() if ground(seen) != ground(now))][:MOST]


def is_unasked(field: str, old: object, new: object) -> bool:
    """Whether a line only says that nobody asked yet which image the same reference names by now."""
    return field == "image" and str(old).partition("@")[0] == str(new)


def _limits(document: Mapping[str, Any]) -> dict[str, Any]:
    limits = {resource: document["quota"].get(resource, {}).get("hard") for resource in QUOTA_WORDS.values()}
    return {resource: parse(str(hard)) for resource, hard in limits.items() if hard is not None}


_GROUNDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "revision": lambda document: (document["from"] or {}).get("revision"),
    "version": lambda document: (document["to"] or {}).get("version"),
    "mark": lambda document: (document["to"] or {}).get("mark"),
    "accepts": lambda document: document["gate"]["accepts"],
    "quota": _limits,
    "routes": lambda document: document.get("routes", []),
}

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


def _equal(then: Line, now: Line) -> bool:
    """Whether two lines say the same. One made of rows alone knows a reference, one that asked its digest too."""
    return all(
        old == new
        or (("@" in str(old)) != ("@" in str(new)) and str(old).partition("@")[0] == str(new).partition("@")[0])
        for old, new in zip(then, now, strict=True)
    )
