"""The two sentences of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from django.utils.functional import Promise


class Sentence(NamedTuple):
    """What happened and what still holds; what to do next."""

    title: Promise | str
    detail: Promise | str
