"""Every column that holds a sealed secret, and sealing them anew when the key changes.

A model's column named `sealed` counts by itself; other columns are named by the model in `sealed_columns`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from console.kit import secrets
from console.kit.models import where

Column = tuple[type[models.Model], str]


def columns() -> Iterator[Column]:
    """Give every sealed column of every model."""
    for model in apps.get_models():
        names = {field.attname for field in model._meta.concrete_fields}
        for column in sorted({"sealed", *getattr(model, "sealed_columns", ())} & names):
            yield model, column


@dataclass
class Found:
    """What a column holds: how many values open, and of those that do not, how many by the id of their key."""

    opens: int = 0
    lost: Counter[str] = field(default_factory=Counter)


def examine(model: type[models.Model], column: str) -> Found:
    """Try to open every value of this column; nothing is changed, and nothing opened is kept."""
    rows: models.QuerySet[Any] = models.QuerySet(model)
    found = Found()
    for row in rows.exclude(**{column: None}).exclude(**{column: ""}).only("pk", column).iterator(200):
        text = getattr(row, column)
        try:
            secrets.unseal(text, where(row, column))
            found.opens += 1
        except secrets.SecretLost:
            found.lost[secrets.key_of(text)] += 1
    return found


def rotate(model: type[models.Model], column: str, *, batch: int = 200) -> int:
    """Seal anew whatever in this column was not written with the first configured key; answers how many rows.

    Each row moves in a transaction of its own, under its lock, while the console runs. The meaning of no row changes,
    so neither does its version. Raises SecretLost for a value whose key is no longer configured; rows before it stay
    rotated.
    """
    writes = next(iter(secrets.read_keys(settings.WAYBILL_KEYS)))
    # Not the model's own manager: its `update` would raise row_version.
    rows: models.QuerySet[Any] = models.QuerySet(model)
    old = rows.exclude(**{column: None}).exclude(**{f"{column}__startswith": f"wb1.{writes}."})
    done = 0
    last = None
    while True:
        page = old.order_by("pk") if last is None else old.order_by("pk").filter(pk__gt=last)
        keys = list(page.values_list("pk", flat=True)[:batch])
        if not keys:
            return done
        for key in keys:
            done += _rotate_row(rows, key, column)
        last = keys[-1]


def _rotate_row(rows: models.QuerySet[Any], key: Any, column: str) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Tells the triggers that guard finished rows that only the sealing changes, for this transaction.
            cursor.execute("SET LOCAL waybill.rotating = 'on'")
        row = rows.select_for_update(no_key=True).filter(pk=key).only("pk", column).first()
        text = getattr(row, column, None)
        if row is None or not text:
            return 0
        place = where(row, column)
        return rows.filter(pk=key).update(**{column: secrets.seal(secrets.unseal(text, place), place)})
