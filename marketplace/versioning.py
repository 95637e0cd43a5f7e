"""Version numbers: what one is, which of two is newer, which comes next. Pure.

Up to three numbers and an optional `-alpha.N`, `-beta.N`, `-rc.N`. `1`, `1.0` and `1.0.0` are the same number; a
pre-release comes before its final.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from console.kit.errors import FieldError, Invalid

NUMBER = re.compile(
    r"(0|[1-9]\d{0,5})(?:\.(0|[1-9]\d{0,5}))?(?:\.(0|[1-9]\d{0,5}))?(?:-(alpha|beta|rc)\.(0|[1-9]\d{0,3}))?", re.ASCII
)
LONGEST = 40
FIRST = "1.0"


@dataclass(frozen=True, order=True)
class Number:
    """A version number, ordered as people mean it."""

    sort_key: str
    text: str

    def __str__(self) -> str:
        return self.text


def read(text: str, *, pointer: str = "/number") -> Number:
    """Read a version number. Raises Invalid `invalid` with not_a_number at `pointer`."""
    match = NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        raise Invalid("invalid", errors=[FieldError(pointer, "not_a_number")])
    parts = ".".join(f"{int(part or 0):06d}" for part in match.group(1, 2, 3))
    tail = f"-{match[4]}.{int(match[5]):04d}" if match[4] else "~"
    return Number(parts + tail, text)


def following(taken: Iterable[str]) -> str:
    """Suggest the number after the newest of those taken: one more in its last place, or its own next pre-release."""
    numbers = [read(text) for text in taken]
    if not numbers:
        return FIRST
    text = max(numbers).text
    known = {number.sort_key for number in numbers}
    while read(text).sort_key in known:
        text = _raised(text)
    return text


def next_free(wanted: str, taken: Iterable[str]) -> str:
    """Suggest what to take instead of `wanted`, which is taken: the first free number after it."""
    known = {read(text).sort_key for text in taken}
    text = wanted
    while read(text).sort_key in known:
        text = _raised(text)
    return text


def _raised(text: str) -> str:
    base, dash, pre = text.partition("-")
    if dash:
        kind, _, count = pre.partition(".")
        return f"{base}-{kind}.{int(count) + 1}" if int(count) < 9999 else base
    parts = [int(part) for part in base.split(".")]
    if len(parts) == 1:
        parts.append(0)
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] < 999999:
            parts[place] += 1
            return ".".join(map(str, parts))
        parts[place] = 0
    raise OverflowError("there is no number after the last one")
