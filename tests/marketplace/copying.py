"""Running one copy in a test, phase after phase, as the runner does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from console.kit.errors import WaybillError
from marketplace.registry.copy import Copier, Progress
from marketplace.registry.ends import Limits, Wanted
from marketplace.registry.layout import Layout
from marketplace.registry.wire import Place


def plain(address: str, user: str | None = None, password: str | None = None) -> Place:
    """A registry over plain HTTP."""
    return Place(address, address, user, password, plain_http=True)


def nothing() -> None:
    """Let everything pass."""


@dataclass
class Run:
    """One copy of an application."""

    target: Place
    images: list[Wanted]
    may_write: Callable[[], None] = nothing
    tick: Callable[[], None] = nothing
    limits: Limits = field(default_factory=Limits)
    progress: dict[str, Progress] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    """Which images the last look found under their tag."""

    def copier(self, images: list[Wanted] | None = None) -> Copier:
        """A fresh copier: one phase uses one up."""
        return Copier(
            self.target,
            self.images if images is None else images,
            limits=self.limits,
            may_write=self.may_write,
            tick=self.tick,
            user_agent="waybill test",
            among=self.images,
        )

    def look(self, number: str | None = None) -> dict[str, Layout | WaybillError | None]:
        """Look at both ends."""
        copier = self.copier()
        found = copier.look(number=number)
        self.named = copier.named
        return found

    def layouts(self, number: str | None = None) -> dict[str, Layout]:
        """What is to be copied; errors are raised."""
        found = {}
        for path, result in self.look(number).items():
            if isinstance(result, WaybillError):
                raise result
            if result is not None:
                found[path] = result
        return found

    def blobs(self, layouts: dict[str, Layout]) -> dict[str, Progress]:
        """Copy the blobs."""
        copier = self.copier()
        copier.copy(layouts)
        copier.measure_progress()
        self.progress = copier.progress
        return self.progress

    def whole(self, number: str = "1.0") -> dict[str, Progress]:
        """Look by the tag they are to have, and copy, put, tag, verify what is not there so; errors are raised."""
        layouts = self.layouts(number)
        if layouts:
            self.blobs(layouts)
            raise_first(progress.error for progress in self.progress.values())
            raise_first(self.copier().put(layouts).values())
        rest = [image for image in self.images if image.path not in self.named]
        if rest:
            raise_first(self.copier(rest).tag(number, layouts).values())
            raise_first(self.copier(rest).verify(number).values())
        return self.progress


def raise_first(errors: Iterable[WaybillError | None]) -> None:
    """Raise the first error there is."""
    for error in errors:
        if error is not None:
            raise error


def until_over(over: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until the time has come."""
    end = time.monotonic() + seconds
    while not over():
        assert time.monotonic() < end
        time.sleep(0.02)
