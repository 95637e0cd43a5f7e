"""`manage.py end_operations`: after a restore, let nothing go on that was under way at the time of the backup."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import F
from django.db.models.functions import Least, Now

from operations.models import Operation


class Command(BaseCommand):
    """Moves the deadline of every unfinished operation to now: workers end them first, as failed; no step is begun."""

    help = "End every unfinished operation as failed (deadline_passed). For a restored database, before workers start."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many there are."""
        due = {"deadline": Least(F("deadline"), Now()), "not_before": Least(F("not_before"), Now())}
        count = Operation.objects.active().update(**due)
        self.stdout.write(f"{count} operations end as soon as a worker runs.")
