"""The texts of the console: collect them from the sources, bring the catalogues in step, tell what is missing.

`python -m console.dev.texts` rewrites the catalogues; `... --check` only tells. Babel does both, so no gettext has to
be installed. English is the sources' own language: its catalogue repeats them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from console.dev.house import ROOT

LANGUAGES = ("en", "zh_Hans")
_APPS = ("console", "teams", "operations", "clusters", "marketplace")
_HEADER = "# The texts of Waybill. Written by `make messages`; the translations by people."
_ONE: dict[str, tuple[int, ...] | tuple[tuple[int, str], ...] | None] = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
}  # fmt: skip
_KEYWORDS = {
    **_ONE,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip


def sources() -> Iterator[Path]:
    """Give every file that may hold a text people read."""
    for app in _APPS:
        yield from sorted(ROOT.glob(f"{app}/**/*.py"))
    yield from sorted(ROOT.glob("templates/**/*.html"))
    yield from sorted(ROOT.glob("templates/**/*.txt"))


def _python(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    from django.utils.translation.template import templatize

    # Within brackets a line's indentation means nothing, as in a template.
    return f"(\n{templatize(text, origin=str(path))}\n)"


def collect() -> Catalog:
    """Give a catalogue of every text in the sources, with the files it stands in and nothing that changes by itself."""
    found = Catalog(charset="utf-8", fuzzy=False)
    for path in sources():
        stream = io.BytesIO(_python(path).encode())
        try:
            texts = list(extract("python", stream, _KEYWORDS, ["Translators:"], {"encoding": "utf-8"}))
        except SyntaxError as error:
            raise SyntaxError(f"{path.relative_to(ROOT)}: {error}") from error
        for _, text, comments, context in texts:
            place = [(str(path.relative_to(ROOT)), 0)]
            found.add(text, locations=place, auto_comments=comments, context=context)
    return found


def catalogue(language: str) -> Path:
    """Give the path of a language's catalogue."""
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def load(language: str) -> Catalog:
    """Read a language's catalogue; an empty one when there is none yet."""
    path = catalogue(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def brought_in_step(language: str, found: Catalog) -> bytes:
    """Give a language's catalogue with exactly the texts of the sources, keeping the translations it has."""
    known = load(language)
    fresh = Catalog(
        locale=language, charset="utf-8", fuzzy=False, header_comment=_HEADER, project="Waybill", version="1"
    )
    for message in sorted((each for each in found if each.id), key=_order):
        former = known.get(message.id, message.context)
        words = former.string if former is not None and not former.fuzzy else _empty(message)
        if language == "en" and not _translated(words):
            words = message.id
        fresh.add(
            message.id,
            words,
            locations=sorted({(name, 0) for name, _ in message.locations}),
            flags=message.flags,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    output = io.BytesIO()
    write_po(output, fresh, width=120, include_lineno=False, omit_header=True)
    head = f'{_HEADER}\nmsgid ""\nmsgstr ""\n"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n'
    head += '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
    return f'{head}"Plural-Forms: {fresh.plural_forms}\\n"\n\n'.encode() + output.getvalue()


def _order(message: Message) -> tuple[str, str]:
    return str(message.id), message.context or ""


def _empty(message: Message) -> str | tuple[str, ...]:
    return ("", "") if isinstance(message.id, (tuple, list)) else ""


def _translated(words: object) -> bool:
    return all(words) if isinstance(words, (tuple, list)) else bool(words)


def faults() -> list[str]:
    """Tell every text that is out of step, untranslated, or translated with other placeholders; [] when all is well."""
    found = collect()
    told = []
    for language in LANGUAGES:
        path = catalogue(language)
        if not path.exists() or path.read_bytes() != brought_in_step(language, found):
            told.append(f"{language}: the catalogue is not in step with the sources (make messages)")
        for message in load(language):
            if not message.id:
                continue
            if message.fuzzy or not _translated(message.string):
                told.append(f"{language}: not translated: {message.id!r}")
            told.extend(f"{language}: {error}: {message.id!r}" for error in message.check())
    return told


def main() -> int:
    """Check or rewrite the catalogues; gives the exit status."""
    if "--check" in sys.argv[1:]:
        told = faults()
        print("\n".join(told) if told else "both catalogues are complete")
        return 1 if told else 0
    found = collect()
    for language in LANGUAGES:
        path = catalogue(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(brought_in_step(language, found))
        empty = sum(1 for message in load(language) if message.id and not _translated(message.string))
        print(f"{path.relative_to(ROOT)}: {len(found) - (1 if '' in found else 0)} texts, {empty} to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
