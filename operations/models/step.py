"""Steps: what an operation does in order, each with what it meant to do and what it saw."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from console.kit.models import MutableQuerySet, MutableRow
from operations import states
from operations.models.operation import Operation


class Step(MutableRow):
    """One step. `intent` is written before it acts, `observed` after; a new owner of the lease reads both."""

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="steps")
    seq = models.PositiveIntegerField()
    key = models.CharField(max_length=300)
    state = models.CharField(max_length=10, default="pending", choices=[(s, s) for s in states.STEP_STATES])
    epoch = models.BigIntegerField(default=0)
    intent = models.JSONField(default=dict)
    observed = models.JSONField(default=dict)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    unit = models.CharField(max_length=20, default="")
    message_code = models.CharField(max_length=60, null=True, blank=True)
    message_params = models.JSONField(default=dict)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = MutableQuerySet["Step"].as_manager()

    class Meta:
        db_table = "step"
        ordering = ["operation", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "key"], name="step_key"),
            models.UniqueConstraint(fields=["operation", "seq"], name="step_seq"),
            models.CheckConstraint(condition=Q(state__in=states.STEP_STATES), name="step_state"),
            models.CheckConstraint(condition=Q(done__gte=0, total__gte=0, epoch__gte=0), name="step_progress"),
        ]

    def __str__(self) -> str:
        return self.key
