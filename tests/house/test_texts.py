"""Both catalogues hold every text, translated, with the same placeholders; every error has both of its sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from console.dev import texts
from console.kit import messages
from console.kit.codes import CODES


def test_both_catalogues_are_complete_and_in_step() -> None:
    assert texts.faults() == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_error_says_what_happened_and_what_to_do(language: str) -> None:
    told = []
    with translation.override(language):
        for code, row in CODES.items():
            params = dict.fromkeys(row.params, "7")
            for part, words in (("title", messages.title(code, params)), ("detail", messages.detail(code, params))):
                if not str(words).strip() or "%(" in str(words):
                    told.append(f"{code}: {part}: {words!r}")
                if language == "zh-hans" and not re.search(r"[\u4e00-\u9fff]", str(words)):
                    told.append(f"{code}: {part} is not translated: {words!r}")
    assert told == []


def test_texts_are_found_in_python_and_in_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text('from x import _\nsaid = _("From Python: %(n)s") % {"n": 1}\n')
    page = (
        '  <p>\n{% load i18n %}{% translate "From a tag" %}\n<b>{% blocktranslate trimmed count n=n %}\n   one thing\n'
    )
    page += "{% plural %}{{ n }} things{% endblocktranslate %}</b>{{ x|default:_('From a filter') }}\n"
    (tmp_path / "two.html").write_text(page)
    monkeypatch.setattr(texts, "ROOT", tmp_path)
    monkeypatch.setattr(texts, "sources", lambda: iter([tmp_path / "one.py", tmp_path / "two.html"]))
    found = {message.id for message in texts.collect() if message.id}
    assert found == {"From Python: %(n)s", "From a tag", "From a filter", ("one thing", "%(n)s things")}
