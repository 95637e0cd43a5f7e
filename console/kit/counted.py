"""Sorting a list by numbers that were counted apart, once for all rows and not once for each."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from django.db.models import Func, IntegerField, TextField, Value
from django.db.models.functions import Cast


class Counted(Func):
    """The number that `counts` has for a row's key; zero where it has none."""

    template = "COALESCE((%(expressions)s)::int, 0)"
    arg_joiner = "::jsonb ->> "

    def __init__(self, counts: Mapping[uuid.UUID, int]) -> None:
        known = json.dumps({str(key): number for key, number in counts.items()})
        super().__init__(Value(known, output_field=TextField()), Cast("pk", TextField()), output_field=IntegerField())
