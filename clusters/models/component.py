"""Components: the draft of an application made by hand. It runs after a deploy."""

from __future__ import annotations

from typing import Any

from django.db import models

from clusters.models.application import Application
from console.kit import secrets
from console.kit.models import MutableQuerySet, MutableRow, where


class Component(MutableRow):
    """One component of the draft; its secret values and pull credential lie sealed beside the definition."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="components")
    key = models.CharField(max_length=20)
    name = models.CharField(max_length=64)
    definition = models.JSONField()
    sealed = models.TextField(null=True, blank=True)
    position = models.PositiveIntegerField(default=0)

    objects = MutableQuerySet["Component"].as_manager()

    class Meta:
        db_table = "component"
        ordering = ["position", "key"]
        constraints = [models.UniqueConstraint("application", "key", name="component_key")]

    def __str__(self) -> str:
        return self.key

    def seal_secrets(self, values: dict[str, Any] | None) -> None:
        """Keep `{"variables": {NAME: value}, "pull": {"user": …, "password": …}}` sealed; the caller saves."""
        self.sealed = secrets.seal(values, where(self, "sealed")) if values else None

    def secrets(self) -> dict[str, Any]:
        """Open the secret values; empty when there are none."""
        opened: dict[str, Any] = secrets.unseal(self.sealed, where(self, "sealed")) if self.sealed else {}
        return opened
