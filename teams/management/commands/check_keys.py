"""`manage.py check_keys`: do the configured keys open every secret? After a restore, and before a key goes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from console.kit import sealing
from console.kit.secrets import read_keys


class Command(BaseCommand):
    """Opens every sealed value once; prints counts and ids of keys, never a value. Changes nothing."""

    help = "Tell whether WAYBILL_KEYS opens every sealed secret. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Tell of each column how many values open; ends with 1 and the ids of the keys that do not open theirs."""
        wrong: dict[str, int] = {}
        for model, column in sealing.columns():
            name = f"{model._meta.db_table}.{column}"
            found = sealing.examine(model, column)
            lost = "".join(f", {n} of key {key} do not" for key, n in sorted(found.lost.items()))
            self.stdout.write(f"{name}: {found.opens} open{lost}")
            for key, n in found.lost.items():
                wrong[key] = wrong.get(key, 0) + n
        if not wrong:
            return
        known = read_keys(settings.WAYBILL_KEYS)
        faults = [
            f"{n} of key {key}, which is {'another one' if key in known else 'not in WAYBILL_KEYS'}"
            for key, n in sorted(wrong.items())
        ]
        raise CommandError(
            f"{sum(wrong.values())} secrets do not open: {'; '.join(faults)}. "
            "Put the keys of the time of the backup into WAYBILL_KEYS."
        )
