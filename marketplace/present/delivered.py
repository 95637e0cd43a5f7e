"""The marks of versions that were delivered, for records that name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from clusters.hooks import Delivered
from marketplace.models import Version
from teams.models import Enterprise


def marks_of(enterprise: Enterprise, versions: Collection[Delivered]) -> Mapping[Delivered, str]:
    """Give (template, number) → the mark it has now, with one query; a version that is gone is left out."""
    templates = {template for template, _number in versions}
    numbers = {number for _template, number in versions}
    rows = Version.objects.published().filter(
        template__enterprise=enterprise, template__slug__in=templates, number__in=numbers
    )
    found = {(slug, number): mark for slug, number, mark in rows.values_list("template__slug", "number", "mark")}
    return {pair: found[pair] for pair in versions if pair in found}
