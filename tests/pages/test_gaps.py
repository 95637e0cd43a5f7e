"""Sentences follow one another as the reader's language has it: with a blank in English, with none in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.template import Context, Template
from django.utils import translation

from console.kit import messages
from console.kit.phrases import sentences_joined

ENDS = r"""(?:[.!?:](?:"|')(?: context "[^"]*")? %\}|[.!?:]\{% endblocktranslate %\})"""
BLANK = re.compile(ENDS + r"(?:</[a-z]+>|\{% (?:endif|else|if [^%]*) %\})* (?=\{%|\{\{|<)")
"""A text that ends as a sentence does, a blank, and more on the same line."""


def test_sentences_are_joined_as_the_language_does() -> None:
    joined = Template("{% load kit %}{% gap %}")
    for language, first, second, blank in (("en", "One.", "Two.", " "), ("zh-hans", "一。", "二。", "")):
        with translation.override(language):
            assert sentences_joined(first, "", second) == f"{first}{blank}{second}"
            assert joined.render(Context()) == blank
            said = messages.said("nothing_changed", {})
            assert said == blank.join([messages.title("nothing_changed", {}), messages.detail("nothing_changed", {})])


def test_no_template_puts_a_blank_of_its_own_between_sentences() -> None:
    assert BLANK.search('{% translate "One." %} {% translate "Two." %}'), "it finds one"
    assert not BLANK.search('{% translate "One." %}{% gap %}{% translate "Two." %}')
    found = [
        f"{path.name}: {match[0]}"
        for path in sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))
        for match in BLANK.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
