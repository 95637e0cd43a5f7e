"""Fences: the number of each environment's key."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from console.kit.models import Row

FIRST_GENERATION = 1
"""The number of an environment's key as long as nobody's lease ran out in it (and it has no fence row)."""


class Fence(Row):
    """The generation of an environment's key, raised by the very statement that takes an operation over."""

    environment_id = models.UUIDField(unique=True)
    generation = models.PositiveBigIntegerField(default=FIRST_GENERATION)

    class Meta:
        db_table = "fence"
        constraints = [models.CheckConstraint(condition=Q(generation__gte=FIRST_GENERATION), name="fence_generation")]

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.generation}"
