"""Kubernetes quantities (`250m`, `512Mi`, `1.5`, `2e3`), exactly: no floats anywhere.

Quantities are compared and added as fractions; `canonical_text` writes them as a kube-apiserver does, so that a value
typed as `1000m` and one read back as `1` are the same text.
Source: k8s.io/apimachinery/pkg/api/resource, "Quantity".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_GRAMMAR = re.compile(
    r"(?P<number>[0-9]{1,18}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,2}))?"
)


class NotAQuantity(ValueError):
    """The text is no Kubernetes quantity of zero or more."""


def parse(text: str) -> Fraction:
    """Read a quantity of zero or more as an exact fraction.

    Raises NotAQuantity for everything else: signs, blanks, unknown suffixes, more than 18 digits.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise NotAQuantity(text)
    number = Fraction(match["number"] if not match["number"].endswith(".") else match["number"][:-1])
    if match["exponent"] is not None:
        return number * _ten_to(int(match["exponent"]))
    suffix = match["suffix"] or ""
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    return number * _ten_to(_DECIMAL[suffix])


def _ten_to(power: int) -> Fraction:
    return Fraction(10**power) if power >= 0 else Fraction(1, 10**-power)


def is_binary(text: str) -> bool:
    """Tell whether the text is written with a binary suffix (`Ki` … `Ei`)."""
    return text[-2:] in _BINARY


def write(value: Fraction, *, binary: bool = False) -> str:
    """Write a value with the largest suffix that needs no fraction; `binary` prefers `Ki` … `Ei` from 1024 on.

    What is finer than a billionth is rounded up, as the apiserver does.
    """
    if value == 0:
        return "0"
    if binary and value.denominator == 1 and value >= 1024:
        whole = value.numerator
        fitting = [suffix for suffix, bits in _BINARY.items() if whole % (1 << bits) == 0]
        return f"{whole >> _BINARY[fitting[-1]]}{fitting[-1]}" if fitting else str(whole)
    billionths = -((-value * 10**9) // 1)
    for suffix, power in reversed(_DECIMAL.items()):
        unit = 10 ** (power + 9)
        if billionths % unit == 0:
            return f"{billionths // unit}{suffix}"
    return f"{billionths}n"


def canonical_text(text: str) -> str:
    """Write a quantity as the apiserver gives it back: `1000m` → `1`, `1024Mi` → `1Gi`, `0.5` → `500m`.

    Raises NotAQuantity.
    """
    return write(parse(text), binary=is_binary(text))


def same(left: str, right: str) -> bool:
    """Tell whether two quantity texts mean the same amount; texts that are no quantities are compared as texts."""
    try:
        return parse(left) == parse(right)
    except NotAQuantity:
        return left == right


def total(amounts: Iterable[Fraction]) -> Fraction:
    """Add amounts; nothing is zero."""
    return sum(amounts, Fraction(0))
