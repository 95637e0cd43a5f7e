"""Figures: samples of one run, side by side, and the pages they are written to."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


@dataclass
class Sample:
    """Measured values of one thing, in one unit."""

    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def at(self, percent: float) -> float:
        """The value that this part of them does not pass."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def row(self, digits: int = 1) -> list[str]:
        """Least, median, p95 and greatest, as text."""
        shown = (min(self.values), self.median, self.at(95), max(self.values))
        return [f"{value:.{digits}f}" for value in shown]


@dataclass(frozen=True)
class Bar:
    """What was promised: a figure that may not pass `limit`."""

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def held(self) -> bool:
        """Whether it does not."""
        return self.value <= self.limit

    def row(self) -> list[str]:
        """The row of a table."""
        shown = f"{self.value:.3g} {self.unit}".strip()
        return [self.name, shown, f"≤ {self.limit:g} {self.unit}".strip(), "held" if self.held else "**missed**"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def in_turn(rounds: int, takes: dict[str, Callable[[], float]], *, warm: int = 1) -> dict[str, Sample]:
    """Run each once per round, in turn, so that a busy minute of the machine falls on all; give the seconds of each.

    The first `warm` rounds are not counted.
    """
    samples = {name: Sample() for name in takes}
    for number in range(warm + rounds):
        for name, take in takes.items():
            seconds = take()
            if number >= warm:
                samples[name].values.append(seconds)
    return samples


def ratio(ours: Sample, peer: Sample) -> Sample:
    """Ours over the peer's, round by round."""
    return Sample([mine / other for mine, other in zip(ours.values, peer.values, strict=True)])


def write(section: str, title: str, text: str, bars: Sequence[Bar]) -> None:
    """Put a section of `docs/performance.md` in the place of the one a former run wrote, with its date and machine."""
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    told = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, Python "
    told += platform.python_version()
    held = table(["what", "measured", "bar", ""], [bar.row() for bar in bars])
    block = f"{begin}\n## {title}\n\nMeasured {told}.\n\n{held}\n\n{text}\n{end}\n"
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end) + r"\n", re.DOTALL)
    page = pattern.sub(lambda _: block, page) if begin in page else f"{page.rstrip()}\n\n{block}"
    PAGE.write_text(page, encoding="utf-8")
    print(json.dumps({bar.name: round(bar.value, 4) for bar in bars}, ensure_ascii=False, indent=1))
    for bar in bars:
        print(f"{'held  ' if bar.held else 'MISSED'} {bar.name}: {bar.value:.3g} (bar {bar.limit:g})")
