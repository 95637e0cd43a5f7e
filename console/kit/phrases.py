"""Joining words as the reader's language does."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext


def joined(words: Iterable[object]) -> str:
    """Join the parts of a list: `web, api`, in Chinese with its own comma; empty when there are none."""
    # Translators: joins the parts of a list, as in "web, api".
    return gettext(", ").join(str(word) for word in words)
