"""Strict reading of untrusted JSON: every problem is collected with its place, none is passed over."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from console.kit.errors import FieldError, Invalid, Malformed

_MISSING = object()
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")

MAX_NAME = 64
MOST = 100
"""Problems noted of one input: what is wrong in a thousand places is not told in a thousand sentences."""


def token(part: str) -> str:
    """Write one part of a JSON pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")


class Problems:
    """What is wrong with one input, so far."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.unknown: list[FieldError] = []

    def add(self, pointer: str, code: str, **params: Any) -> None:
        """Note one problem; the first hundred are told."""
        if len(self.errors) < MOST:
            self.errors.append(FieldError(pointer, code, params))

    def add_unknown(self, pointer: str, name: str) -> None:
        """Note a field that nobody knows; the first hundred are told."""
        if len(self.unknown) < MOST:
            self.unknown.append(FieldError(pointer, "unknown_field", {"field": name}))

    def raise_any(self) -> None:
        """Raise what was noted: fields nobody knows as Malformed `unknown_field`, else Invalid `invalid`; or return."""
        if self.unknown:
            raise Malformed("unknown_field", errors=self.unknown, field=self.unknown[0].pointer.lstrip("/"))
        if self.errors:
            raise Invalid("invalid", errors=self.errors)


class Reader:
    """One place of an input. Reading a wrong value notes the problem and gives a harmless value of the right type."""

    def __init__(self, value: Any, pointer: str, problems: Problems) -> None:
        self.value = value
        self.pointer = pointer
        self.problems = problems

    @property
    def given(self) -> bool:
        """Whether something other than null stands here."""
        return self.value is not _MISSING and self.value is not None

    def wrong(self, code: str, **params: Any) -> None:
        """Note a problem with this place."""
        self.problems.add(self.pointer, code, **params)

    def fields(self, *names: str) -> bool:
        """Expect an object with no other fields than `names`; False, with the problem noted, if it is no object."""
        if not isinstance(self.value, dict):
            self._missing_or_wrong("object")
            return False
        for name in self.value:
            if name not in names:
                self.problems.add_unknown(f"{self.pointer}/{token(str(name))}", str(name))
        return True

    def at(self, name: str) -> Reader:
        """Go to one field; it may be absent."""
        inner = self.value.get(name, _MISSING) if isinstance(self.value, dict) else _MISSING
        return Reader(inner, f"{self.pointer}/{token(name)}", self.problems)

    def items(self, limit: int) -> Iterator[Reader]:
        """Go through a list of at most `limit` items; absent means empty."""
        if not self.given:
            return
        if not isinstance(self.value, list):
            self.wrong("wrong_type", expected="list")
            return
        if len(self.value) > limit:
            self.wrong("too_many_items", limit=limit)
        for index, item in enumerate(self.value[:limit]):
            yield Reader(item, f"{self.pointer}/{index}", self.problems)

    def text(
        self,
        *,
        default: str | None = None,
        most: int,
        least: int = 0,
        pattern: re.Pattern[str] | None = None,
        example: str = "",
    ) -> str:
        """Read a text of `least` to `most` characters; absent gives `default`, or `required` when there is none."""
        if not self.given and default is not None:
            return default
        if not isinstance(self.value, str):
            self._missing_or_wrong("text")
        elif len(self.value) > most:
            self.wrong("too_long", limit=most)
        elif not self.value and least:
            self.wrong("required")
        elif len(self.value) < least:
            self.wrong("too_short", least=least)
        elif "\0" in self.value or _has_surrogates(self.value) or (pattern and not pattern.fullmatch(self.value)):
            self.wrong("malformed", example=example)
        else:
            return self.value
        return default or ""

    def name(self, *, default: str) -> str:
        """Read a display name: 1 to 64 characters after NFC and trimming, without control and bidi characters."""
        text = unicodedata.normalize("NFC", self.text(default=default, most=MAX_NAME * 4)).strip()
        if not text:
            self.wrong("required")
        elif len(text) > MAX_NAME:
            self.wrong("too_long", limit=MAX_NAME)
        elif any(unicodedata.category(sign) == "Cc" or sign in _BIDI for sign in text):
            self.wrong("malformed", example=default)
        return text

    def number(self, *, default: int | None = None, least: int, most: int) -> int:
        """Read a whole number between two bounds; absent gives `default`, or `required` when there is none."""
        if not self.given and default is not None:
            return default
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self._missing_or_wrong("number")
        elif not least <= self.value <= most:
            self.wrong("value_out_of_range", least=least, most=most)
        else:
            return self.value
        return least if default is None else default

    def flag(self, *, default: bool) -> bool:
        """Read a truth value; absent gives `default`."""
        if not self.given:
            return default
        if not isinstance(self.value, bool):
            self.wrong("wrong_type", expected="boolean")
            return default
        return self.value

    def choice(self, choices: tuple[str, ...], *, default: str | None = None) -> str:
        """Read one of `choices`; absent gives `default`, or `required` when there is none."""
        if not self.given and default is not None:
            return default
        if not isinstance(self.value, str):
            self._missing_or_wrong("text")
        elif self.value not in choices:
            self.wrong("choice_unknown", choices=list(choices))
        else:
            return self.value
        return default or choices[0]

    def texts(self, *, limit: int, most: int) -> list[str]:
        """Read a list of at most `limit` texts of at most `most` characters each."""
        return [item.text(most=most) for item in self.items(limit)]

    def _missing_or_wrong(self, expected: str) -> None:
        if self.given:
            self.wrong("wrong_type", expected=expected)
        else:
            self.wrong("required")


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)
