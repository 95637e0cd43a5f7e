"""The enterprise: the wall inside which names are unique and people see each other."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from console.kit.models import MutableQuerySet, MutableRow
from console.kit.text import NAME_MAX, SLUG_MAX, SLUG_PATTERN

SLUG_RULE = Q(slug__regex=SLUG_PATTERN)
"""The database's half of the slug rule (length is the column's)."""


class Enterprise(MutableRow):
    """One organisation. Everything belongs to exactly one; nothing crosses."""

    slug = models.CharField(max_length=SLUG_MAX, unique=True)
    name = models.CharField(max_length=NAME_MAX)

    objects = MutableQuerySet["Enterprise"].as_manager()

    class Meta:
        db_table = "enterprise"
        constraints = [models.CheckConstraint(condition=SLUG_RULE, name="enterprise_slug_form")]

    def __str__(self) -> str:
        return self.slug
