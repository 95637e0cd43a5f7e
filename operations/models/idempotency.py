"""Idempotency keys: a request that is sent twice is done once."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length

from console.kit.models import Row
from operations.models.operation import Operation

models.CharField.register_lookup(Length)


class IdempotencyKey(Row):
    """A key a person sent with a request, and the answer it got. Written in the transaction of the work it started."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    operation = models.ForeignKey(Operation, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.PositiveSmallIntegerField(default=0)
    location = models.CharField(max_length=500, default="")

    class Meta:
        db_table = "idempotency_key"
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_user"),
            models.CheckConstraint(condition=Q(key__length__gte=1), name="idempotency_key_length"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key
