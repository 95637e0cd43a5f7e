"""Names: slugs, keys, logins and display names, and the rules they keep."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from console.kit.errors import FieldError, Invalid

SLUG_MIN: Final = 2
SLUG_MAX: Final = 30
KEY_MAX: Final = 20
NAME_MAX: Final = 64
LOGIN_MAX: Final = 30
EMAIL_MAX: Final = 254

SLUG_PATTERN: Final = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
LOGIN_PATTERN: Final = r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$"

RESERVED: Final = frozenset({"new", "edit", "api", "auth", "events", "static", "default", "settings", "search"})
RESERVED_PREFIXES: Final = ("waybill", "kube-")

# Marks that make text read in another order than it is stored (UAX 9): in a name they can only mislead.
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Separators of lines and paragraphs, and invisible fillers, draw nothing or break the line.
_INVISIBLE: Final = frozenset("\u2028\u2029\ufeff\u00ad\u115f\u1160\u3164\uffa0\u180e\u200b\u2060")


def check_slug(text: str, *, pointer: str = "/slug", longest: int = SLUG_MAX, least: int = SLUG_MIN) -> str:
    """Give `text` back when it is a slug.

    Raises Invalid("invalid") pointing at `pointer` with `too_long`, `too_short`, `not_a_slug` or `reserved`.
    """
    if len(text) > longest:
        raise _wrong(pointer, "too_long", limit=longest)
    if not re.fullmatch(SLUG_PATTERN[1:-1], text):
        raise _wrong(pointer, "not_a_slug")
    if len(text) < least:
        raise _wrong(pointer, "too_short", least=least)
    if is_reserved(text):
        raise _wrong(pointer, "reserved", word=text)
    return text


def check_key(text: str, *, pointer: str = "/key") -> str:
    """Give `text` back when it is a component key (1 to 20 characters of a slug); raises like `check_slug`."""
    return check_slug(text, pointer=pointer, longest=KEY_MAX, least=1)


def check_login(text: str, *, pointer: str = "/login") -> str:
    """Give the login as it is kept, in lower case.

    Raises Invalid with `required`, `too_long`, `malformed`, `reserved`.
    """
    login = text.strip().lower()
    if len(login) > LOGIN_MAX:
        raise _wrong(pointer, "too_long", limit=LOGIN_MAX)
    if not login:
        raise _wrong(pointer, "required")
    if not re.fullmatch(LOGIN_PATTERN[1:-1], login):
        raise _wrong(pointer, "malformed", example="han.mei")
    if login in RESERVED:  # it stands in addresses beside these words
        raise _wrong(pointer, "reserved", word=login)
    return login


def check_name(text: str, *, pointer: str = "/name", longest: int = NAME_MAX) -> str:
    """Give a display name as it is kept: NFC, trimmed, 1 to `longest` characters.

    Raises Invalid with `required`, `too_long`, or `not_allowed` for control, bidi-override and invisible characters.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise _wrong(pointer, "required")
    if len(name) > longest:
        raise _wrong(pointer, "too_long", limit=longest)
    if not is_plain(name):
        raise _wrong(pointer, "not_allowed")
    return name


def is_plain(text: str) -> bool:
    """Whether `text` holds no control, bidi-override, invisible, private or unassigned character, and no surrogate."""
    return not any(
        char in _BIDI or char in _INVISIBLE or unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in text
    )


def is_reserved(slug: str) -> bool:
    """Whether the word is kept for the console's own addresses and objects."""
    return slug in RESERVED or slug.startswith(RESERVED_PREFIXES)


def slug_from_name(name: str, taken: Callable[[str], bool], *, longest: int = SLUG_MAX, otherwise: str = "app") -> str:
    """Make a slug from a display name: ASCII kept, Han by pinyin, cut at `longest`, `-2`, `-3`… while `taken` says so.

    `otherwise` stands in when the name holds nothing that a slug can keep.
    """
    base = _base(name, longest) or otherwise
    if not base[0].isalpha():
        base = _cut(f"{otherwise}-{base}", longest)
    if is_reserved(base) or len(base) < SLUG_MIN:
        base = _cut(f"{otherwise}-{base}", longest)
    slug, number = base, 2
    while taken(slug):
        ending = f"-{number}"
        slug = _cut(base, longest - len(ending)) + ending
        number += 1
    return slug


def _base(name: str, longest: int) -> str:
    # A dictionary of a quarter of a second, which most processes never open.
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(unicodedata.normalize("NFKC", name), style=Style.NORMAL, errors=_keep)  # type: ignore[arg-type]  # a list is taken too, and documented
    words = re.findall(r"[a-z0-9]+", "-".join(syllables).lower())
    return _cut("-".join(words), longest)


def _keep(text: str) -> list[str]:
    # What is not Han: accents off (é → e), everything else that is not ASCII dropped by the caller's pattern.
    plain = unicodedata.normalize("NFKD", text)
    return ["".join(char for char in plain if not unicodedata.combining(char))]


def _cut(text: str, longest: int) -> str:
    return text[:longest].strip("-")


def _wrong(pointer: str, code: str, **params: object) -> Invalid:
    return Invalid("invalid", errors=[FieldError(pointer, code, params)])
