"""What people might type, or paste, into any field: texts that are too long, that mislead, that no row can hold."""

from __future__ import annotations

import json
import unicodedata
from html.parser import HTMLParser

from django.db import connection

MARK = "Zqmark"
"""Begins every text, so that whatever became of it is found again."""
OVER_LONG = "over-long"
UNWRITABLE = {"NUL", "a lone surrogate"}

TEXTS = {
    "other scripts": f"{MARK}名称 ñandú Ωmega",
    "right to left": f"{MARK} שלום عربى",
    "reordered": f"{MARK}\u202ecod.exe",
    "isolated": f"{MARK}\u2066a\u2069b",
    "a control character": f"{MARK}\x07b",
    "an escape": f"{MARK}\x1b[31mred",
    "NUL": f"{MARK}\x00b",
    "a lone surrogate": f"{MARK}\ud800b",
    "look-alikes": f"{MARK}аdmin раураl",
    "a line break": f"{MARK}\nb",
    "two lines of Windows": f"{MARK}\r\nb",
    "a line separator": f"{MARK}\u2028b",
    "no width": f"{MARK}\u200bb",
    "a combining mark": f"{MARK}e\u0301",
    "blanks around": f"  {MARK}a  ",
    "a joined sign": f"{MARK}👩\u200d💻",
    "full width": f"{MARK}ＡＤＭＩＮ",
    "invisible tags": f"{MARK}\U000e0041\U000e0042",
    "private use": f"{MARK}\ue000b",
    "beyond the first plane": f"{MARK}𠮷𝒜",
    "markup": f"{MARK}<b>&amp;\"'",
    "places of a template": f"{MARK}{{{{7*7}}}}%(name)s%s${{HOME}}$(id)",
    "quotes of SQL": f"{MARK}'; DROP TABLE team; --%_\\",
    "a way up": f"{MARK}/../../etc/passwd",
}


def kept(text: str) -> set[str]:
    """Give the forms in which a text may be kept: as it is, composed, without blanks around, breaks as one sign."""
    plain = text.replace("\r\n", "\n")
    found = {text, text.strip(), plain, unicodedata.normalize("NFC", text).strip()}
    return found | {form.lower() for form in found}


def some_of(place: int, count: int) -> list[str]:
    """Give the names of `count` texts, others for each place, so that all are tried in many places."""
    names = list(TEXTS)
    return [names[(place * count + step) % len(names)] for step in range(count)]


def lines_with(text: str) -> set[tuple[str, str]]:
    """Give every row of the database that holds `text`, by its table."""
    tables = sorted(set(connection.introspection.table_names()) - {"django_session"})
    parts = [
        f"SELECT '{table}', to_jsonb(t)::text FROM \"{table}\" t WHERE position(%s in to_jsonb(t)::text) > 0"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [_written(text)] * len(parts))
        return set(cursor.fetchall())


def whole_and_half(text: str) -> tuple[bool, list[str]]:
    """Tell whether a row holds a text, which begins with the mark, and the tables of rows that hold only some of it.

    A field that takes a word a line keeps the lines as a list.
    """
    words = [_written(line.strip()) for line in text.replace("\r\n", "\n").split("\n")]
    forms = [*(_written(form) for form in kept(text)), '", "'.join(words)]
    lines = lines_with(MARK)
    whole = {line for line in lines if any(form in line[1] for form in forms)}
    return bool(whole), sorted({table for table, _ in lines - whole})


def _written(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


class Fields(HTMLParser):
    """The names of the fields that the forms of a page have, by what they are sent with."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.posted: set[str] = set()
        self.asked: set[str] = set()
        self._method: set[str] = self.asked
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a field."""
        found = dict(attrs)
        if tag == "form":
            self._method = self.posted if (found.get("method") or "").lower() == "post" else self.asked
        elif tag in {"input", "textarea", "select", "button"} and (name := found.get("name") or "csrfmiddlewaretoken"):
            self._method.add(name)

    def handle_endtag(self, tag: str) -> None:
        """Forget what names no field of a form's own."""
        self._method.discard("csrfmiddlewaretoken")
