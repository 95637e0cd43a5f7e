"""The log of operations: appended lines, each a code with parameters."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from operations import states
from operations.models.operation import Operation


class OperationEvent(models.Model):
    """One line. Written under the row lock of its operation, so that within one operation ids grow as they appear."""

    id = models.BigAutoField(primary_key=True)
    operation = models.ForeignKey(Operation, models.PROTECT, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, default="info", choices=[(s, s) for s in states.LEVELS])
    component = models.CharField(max_length=60, null=True, blank=True)
    code = models.CharField(max_length=60)
    params = models.JSONField(default=dict)

    class Meta:
        db_table = "operation_event"
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(level__in=states.LEVELS), name="operation_event_level")]
        indexes = [models.Index(fields=["operation", "id"], name="operation_event_page")]

    def __str__(self) -> str:
        return self.code
