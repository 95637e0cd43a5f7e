"""Changes of components in people's words."""

from __future__ import annotations

from typing import Any

from django import template

from clusters.pages.changes import label, value_text

register = template.Library()


@register.filter
def property_word(field: str) -> str:
    """Name a property of a component."""
    return label(field)


@register.filter
def value_word(value: Any, field: str) -> str:
    """Give the value of a property."""
    return value_text(field, value)
