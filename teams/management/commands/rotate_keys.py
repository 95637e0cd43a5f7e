"""`manage.py rotate_keys`: seal every secret anew with the first key of WAYBILL_KEYS, while the console runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from console.kit import sealing
from console.kit.secrets import SecretLost, read_keys
from teams import audit
from teams.models import Enterprise


class Command(BaseCommand):
    """Put the new key first in WAYBILL_KEYS, restart, run this; then the old key may go from the list."""

    help = "Seal every secret anew with the first key of WAYBILL_KEYS. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through every sealed column; tells how many values were sealed anew in each."""
        writes = next(iter(read_keys(settings.WAYBILL_KEYS)))
        counts = {}
        for model, column in sealing.columns():
            name = f"{model._meta.db_table}.{column}"
            try:
                counts[name] = sealing.rotate(model, column)
            except SecretLost as error:
                raise CommandError(
                    f"{name}: {error}. Put its key back into WAYBILL_KEYS and run this again."
                ) from error
            self.stdout.write(f"{name}: {counts[name]}")
        with transaction.atomic():
            for enterprise in Enterprise.objects.all():
                audit.record(
                    "keys.rotated",
                    acting_user=None,
                    enterprise=enterprise,
                    object_type="key",
                    object_id=writes,
                    object_label=writes,
                    after=counts,
                )
