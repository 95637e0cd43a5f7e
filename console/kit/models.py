"""What every table has: a UUIDv7 key made here, and for rows that change a version that each update raises."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, TypeVar

import uuid_utils
from django.db import models
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

_Model_co = TypeVar("_Model_co", bound=models.Model, covariant=True)


def uuid7() -> uuid.UUID:
    """Make a UUIDv7 (RFC 9562): ordered by time, so that indexes grow at their end."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


class Row(models.Model):
    """A row with its own key and time of making."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class MutableQuerySet(models.QuerySet[_Model_co]):
    """A set whose `update` raises `row_version` too, so that no change passes an ETag unseen."""

    def update(self, **kwargs: Any) -> int:
        """Update the rows, their `row_version` and `updated_at`."""
        kwargs.setdefault("row_version", F("row_version") + 1)
        kwargs.setdefault("updated_at", Now())
        return super().update(**kwargs)


class MutableRow(Row):
    """A row that changes: `row_version` is its ETag."""

    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; an update raises `row_version` by one."""
        if not self._state.adding:
            self.row_version += 1
            self.updated_at = timezone.now()
            fields: Iterable[str] | None = kwargs.get("update_fields")
            if fields is not None:
                kwargs["update_fields"] = {*fields, "row_version", "updated_at"}
        super().save(*args, **kwargs)


def where(row: models.Model, column: str) -> str:
    """Give the address a sealed column is bound to: `table.column:row id`."""
    return f"{row._meta.db_table}.{column}:{row.pk}"
