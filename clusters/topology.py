"""The topology of an application as a drawing: boxes in columns, wires along `depends_on`. Pure.

Users of a component stand left of it. Coordinates are those of an SVG viewBox; nothing is measured in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 184, 56
GAP_X, GAP_Y = 99, 21
EDGE = 1
NARROWEST = 1144
"""A drawing of few components is not blown up to the width of the page."""


@dataclass(frozen=True)
class Node:
    """One box; x and y are its upper left corner."""

    key: str
    x: int
    y: int

    @property
    def icon(self) -> tuple[int, int]:
        """Where its sign stands."""
        return self.x + 14, self.y + 20

    @property
    def text(self) -> tuple[int, int, int]:
        """Where its two lines begin: x, and the base lines."""
        return self.x + 42, self.y + 24, self.y + 42


@dataclass(frozen=True)
class Wire:
    """One dependency: its path, the head of its arrow, and where a label would stand."""

    path: str
    head: str


@dataclass(frozen=True)
class Drawing:
    """The whole."""

    width: int
    height: int
    nodes: list[Node]
    wires: list[Wire]


def draw(needs: Mapping[str, Sequence[str]]) -> Drawing:
    """Lay out components (key → what it depends on, without cycles); unknown dependencies are left out."""
    columns = _columns(needs)
    tallest = max((len(column) for column in columns), default=0)
    height = tallest * HEIGHT + max(tallest - 1, 0) * GAP_Y + 2 * EDGE
    nodes: dict[str, Node] = {}
    for at, column in enumerate(columns):
        free = height - 2 * EDGE - (len(column) * HEIGHT + (len(column) - 1) * GAP_Y)
        for row, key in enumerate(column):
            y = EDGE + free // 2 + row * (HEIGHT + GAP_Y)
            nodes[key] = Node(key, EDGE + at * (WIDTH + GAP_X), y)
    wires = [_wire(nodes[key], nodes[other]) for key in needs for other in needs[key] if other in nodes]
    width = max(len(columns) * WIDTH + max(len(columns) - 1, 0) * GAP_X, 1) + 2 * EDGE
    return Drawing(max(width, NARROWEST), height, list(nodes.values()), wires)


def _columns(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Put each component one column right of the last one that depends on it."""
    depth = dict.fromkeys(needs, 0)
    for _ in needs:
        for key, others in needs.items():
            for other in others:
                if other in depth:
                    depth[other] = max(depth[other], min(depth[key] + 1, len(needs) - 1))
    used = sorted(set(depth.values()))
    return [[key for key in needs if depth[key] == level] for level in used]


def _wire(start: Node, end: Node) -> Wire:
    x1, y1 = start.x + WIDTH, start.y + HEIGHT // 2
    x2, y2 = end.x - 6, end.y + HEIGHT // 2
    head = f"M{x2 - 1} {y2 - 4} {x2 + 6} {y2} {x2 - 1} {y2 + 4}z"
    if y1 == y2:
        return Wire(f"M{x1} {y1}H{x2}", head)
    middle = x2 - GAP_X // 2
    turn = 8 if y2 > y1 else -8
    path = (
        f"M{x1} {y1}H{middle - 8}Q{middle} {y1} {middle} {y1 + turn}V{y2 - turn}Q{middle} {y2} {middle + 8} {y2}H{x2}"
    )
    return Wire(path, head)
