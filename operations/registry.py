"""Who does which kind: runners and duties, registered by the apps above in their AppConfig."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from operations.engine.runner import Runner
from teams.access import Person


@dataclass(frozen=True)
class DutyKind:
    """What recurs: how often (seconds), for how long at most (seconds), and the function that does it."""

    kind: str
    every: float
    run: Callable[[uuid.UUID | None], None]
    deadline: float
    standing: bool


@dataclass(frozen=True)
class PlaceNames:
    """The slugs of environments and clusters by row id: this app lies below the one that knows them."""

    environments: dict[uuid.UUID, str] = field(default_factory=dict)
    clusters: dict[uuid.UUID, str] = field(default_factory=dict)


class Places(Protocol):
    """What the app above answers about environments and clusters."""

    def names(self, environments: Iterable[uuid.UUID], clusters: Iterable[uuid.UUID]) -> PlaceNames:
        """Give the slugs of these rows, with one query per table."""

    def environment(self, user: Person, slug: str) -> uuid.UUID | None:
        """Give the row id of the environment of that slug, if `user` may see it."""


_runners: dict[str, Runner] = {}
_duties: dict[str, DutyKind] = {}
_places: list[Places] = []


def register(runner: Runner) -> None:
    """Make `runner` the one for its kind; raises ValueError for a kind that has one of another class."""
    known = _runners.get(runner.kind)
    if known is not None and type(known) is not type(runner):
        raise ValueError(f"kind {runner.kind!r} has a runner")
    _runners[runner.kind] = runner


def runner(kind: str) -> Runner:
    """Give the runner of a kind; raises KeyError for an unknown one."""
    return _runners[kind]


def find(kind: str) -> Runner | None:
    """Give the runner of a kind, or None: a batch has none, nor has a kind of another version of the console."""
    return _runners.get(kind)


def kinds() -> tuple[str, ...]:
    """Give every registered kind, sorted."""
    return tuple(sorted(_runners))


def register_duty(
    kind: str,
    every: float,
    run: Callable[[uuid.UUID | None], None],
    *,
    deadline: float = 30,
    standing: bool = False,
) -> None:
    """Make `run(subject_id)` the duty `kind`, due `every` seconds for each of its rows.

    A run that takes longer than `deadline` seconds loses its lease, so that another worker may start the next; it must
    bear that. A `standing` duty has one row without a subject, which the workers themselves make.
    """
    _duties[kind] = DutyKind(kind, every, run, deadline, standing)


def duty(kind: str) -> DutyKind:
    """Give a registered duty; raises KeyError for an unknown one."""
    return _duties[kind]


def duties() -> tuple[DutyKind, ...]:
    """Give every registered duty."""
    return tuple(_duties.values())


def register_places(places: Places) -> None:
    """Let `places` answer about environments and clusters."""
    _places[:] = [places]


def place_names(environments: Iterable[uuid.UUID], clusters: Iterable[uuid.UUID]) -> PlaceNames:
    """Give the slugs of environments and clusters."""
    return _places[0].names(environments, clusters) if _places else PlaceNames()


def environment_id(user: Person, slug: str) -> uuid.UUID | None:
    """Give the row id of the environment `slug`, if the person may see it."""
    return _places[0].environment(user, slug) if _places else None
