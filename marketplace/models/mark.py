"""Mark events: who said when that a version is Release, or no longer, why, and where it was verified."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from clusters.models import Revision
from console.kit.models import Row
from marketplace.models.version import Version
from teams.models import User


class MarkEvent(Row):
    """One act on the mark. Kept for ever: the database takes inserts only."""

    version = models.ForeignKey(Version, models.PROTECT, related_name="mark_events")
    mark = models.CharField(max_length=10, choices=Version.Mark.choices)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField(null=True, blank=True)
    verified_on = models.ForeignKey(Revision, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "mark_event"
        ordering = ["-at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(mark__in=["test", "release"]), name="mark_event_mark")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.mark}"
