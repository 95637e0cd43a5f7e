"""Joining words as the reader's language does."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext, pgettext


def joined(words: Iterable[object]) -> str:
    """Join the parts of a list: `web, api`, in Chinese with its own comma; empty when there are none."""
    # Translators: joins the parts of a list, as in "web, api".
    return gettext(", ").join(str(word) for word in words)


def sentences_joined(*sentences: object) -> str:
    """Put sentences one after the other: with a blank between them in English, with none in Chinese."""
    return gap().join(str(sentence) for sentence in sentences if sentence)


def gap() -> str:
    """Give what stands between two sentences, or after a colon."""
    # Translators: two sentences in a row; Chinese needs no blank after its full stop.
    return pgettext("two sentences", "%(first)s %(second)s") % {"first": "", "second": ""}
