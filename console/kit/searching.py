"""Indexes for lists that are searched by a part of a text, wherever it stands and in whatever case."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models.functions import Upper


def part_index(name: str, *texts: Any) -> GinIndex:
    """Give the index by which `icontains` finds rows: the three-letter parts of each of these texts, in upper case as
    Django compares them."""
    return GinIndex(*(OpClass(Upper(text), name="gin_trgm_ops") for text in texts), name=name)
