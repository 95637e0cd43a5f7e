"""The guides of each person are whole in both languages and call everything what the pages call it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.dev import texts
from tests.house.files import ROOT

DOCS = ROOT / "docs"
PAIRED = [DOCS / "user-guide.md", *sorted(path for path in DOCS.glob("guide/*.md") if "zh-hans" not in path.name)]
PEOPLE = ("admin", "team-admin", "developer", "tester", "delivery", "market-admin", "api-client")
OTHERS = {"中文", "English", "TLS"}
"""Names that stand on pages without being translated."""


def _twin(guide: Path) -> Path:
    return guide.with_suffix(".zh-hans.md")


def _said(language: str) -> list[str]:
    """Give every text of a catalogue, in the words of its language."""
    found: list[str] = []
    for message in texts.load(language):
        if message.id:
            said = (message.string or message.id) if language != "en" else message.id
            found += [said] if isinstance(said, str) else [part for part in said if part]
    return found


def _plain(text: str) -> str:
    """Take out places and what joins lines, so that a text can be found in another one."""
    return re.sub(r"\s+", " ", re.sub(r"%\(\w+\)[0-9]*[a-z]", "…", text.replace("%%", "%"))).strip()


def _language(guide: Path) -> str:
    return "zh_Hans" if "zh-hans" in guide.name else "en"


def _both() -> list[Path]:
    return [each for guide in PAIRED for each in (guide, _twin(guide))]


def test_there_is_a_guide_for_each_person_in_both_languages_and_the_opening_leads_to_it() -> None:
    for name, opening in ((".md", "user-guide.md"), (".zh-hans.md", "user-guide.zh-hans.md")):
        text = (DOCS / opening).read_text(encoding="utf-8")
        for person in PEOPLE:
            assert (DOCS / f"guide/{person}{name}").is_file()
            assert f"(guide/{person}{name})" in text


@pytest.mark.parametrize("guide", PAIRED, ids=lambda path: path.stem)
def test_both_languages_of_a_guide_have_the_same_shape(guide: Path) -> None:
    shapes = []
    for each in (guide, _twin(guide)):
        text = each.read_text(encoding="utf-8")
        # Chapters, steps, rows of tables, points: what a reader would miss if it were left out.
        shapes.append(re.findall(r"^(#+ |\d+\. |\||- |```)", text, re.MULTILINE))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("guide", _both(), ids=lambda path: path.name)
def test_what_a_guide_prints_bold_stands_on_a_page(guide: Path) -> None:
    known = {_plain(text) for text in _said(_language(guide))}
    starts = {text.partition("…")[0].strip() for text in known if "…" in text}
    bold = {_plain(label) for label in re.findall(r"\*\*(.+?)\*\*", guide.read_text(encoding="utf-8"), re.DOTALL)}
    assert bold - known - starts - OTHERS == set()


@pytest.mark.parametrize("guide", _both(), ids=lambda path: path.name)
def test_what_a_guide_quotes_is_said_by_the_console(guide: Path) -> None:
    sentences = [_plain(text) for text in _said(_language(guide))]
    quoted = re.findall(r"^\| “(.+?)”[^|]*\|", guide.read_text(encoding="utf-8"), re.MULTILINE)
    told = []
    for words in quoted:
        parts = [re.escape(part.strip()) for part in re.split("…+", words)]
        wanted = re.compile(".{0,60}?".join(parts))
        if not any(wanted.search(sentence) for sentence in sentences):
            told.append(words)
    assert told == []
