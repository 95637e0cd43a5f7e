"""Saving rows whose names are unique: the database decides, and its refusal becomes one that a person understands."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, models, transaction

from console.kit.errors import Refused


def save_unique(row: models.Model, refusals: Mapping[str, Refused]) -> None:
    """Save the row in a savepoint; a unique constraint named in `refusals` that is broken raises its refusal."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        name = str(getattr(getattr(error.__cause__, "diag", None), "constraint_name", None))
        if name not in refusals:
            raise
        raise refusals[name] from error
