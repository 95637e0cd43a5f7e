"""Duties: what recurs, as rows claimed by the same loop."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from console.kit.models import Row


class Duty(Row):
    """One recurring piece of work, for one subject or (without one) for the whole console."""

    kind = models.CharField(max_length=40)
    subject_id = models.UUIDField(null=True, blank=True)
    next_at = models.DateTimeField(default=timezone.now)
    lease_owner = models.CharField(max_length=100, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_code = models.CharField(max_length=60, null=True, blank=True)
    last_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "duty"
        verbose_name_plural = "duties"
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], nulls_distinct=False, name="duty_subject"),
            models.CheckConstraint(
                condition=Q(lease_until=None, lease_owner=None)
                | Q(lease_until__isnull=False, lease_owner__isnull=False),
                name="duty_lease",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], name="duty_next")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id or ''}".strip()
