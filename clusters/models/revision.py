"""Revisions: what an application was told to be, one per attempt, for ever."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from clusters.models.application import Application
from console.kit import secrets
from console.kit.models import MutableQuerySet, MutableRow, where
from operations.models import Operation


class Revision(MutableRow):
    """One attempt: document, values, rendered manifests and the operation that carries it out.

    Once `objects` is set, which is before the first write to the cluster, only `state` may change: the database holds
    that.
    """

    class Kind(models.TextChoices):
        """What the attempt is."""

        DEPLOY = "deploy", pgettext_lazy("revision", "Deployed")
        INSTALL = "install", pgettext_lazy("revision", "Installed")
        UPGRADE = "upgrade", pgettext_lazy("revision", "Upgraded")
        ROLLBACK = "rollback", pgettext_lazy("revision", "Rolled back")
        UNINSTALL = "uninstall", pgettext_lazy("revision", "Uninstalled")

    class State(models.TextChoices):
        """What became of it."""

        PENDING = "pending", pgettext_lazy("revision", "Pending")
        DEPLOYED = "deployed", pgettext_lazy("revision", "Deployed")
        SUPERSEDED = "superseded", pgettext_lazy("revision", "Superseded")
        FAILED = "failed", pgettext_lazy("revision", "Failed")

    application = models.ForeignKey(Application, models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    document = models.JSONField()
    document_hash = models.CharField(max_length=64)
    values = models.JSONField(default=dict, blank=True)
    source = models.JSONField(null=True, blank=True)
    based_on = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    rolls_back_to = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    operation = models.OneToOneField(Operation, models.PROTECT, related_name="revision")
    reason = models.TextField(null=True, blank=True)
    objects_applied = models.JSONField(null=True, blank=True, db_column="objects")
    sealed = models.TextField(null=True, blank=True)

    objects = MutableQuerySet["Revision"].as_manager()

    class Meta:
        db_table = "revision"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint("application", "number", name="revision_number"),
            models.UniqueConstraint("application", name="revision_one_deployed", condition=Q(state="deployed")),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "deployed", "superseded", "failed"]), name="revision_state"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["deploy", "install", "upgrade", "rollback", "uninstall"]), name="revision_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} revision {self.number}"

    def seal_content(self, content: dict[str, Any]) -> None:
        """Keep `{"values": {address: secret}, "pull": {component: …}, "manifests": […]}` sealed; the caller saves."""
        self.sealed = secrets.seal(content, where(self, "sealed"))

    def content(self) -> dict[str, Any]:
        """Open what is sealed on this revision; empty when nothing is."""
        opened: dict[str, Any] = secrets.unseal(self.sealed, where(self, "sealed")) if self.sealed else {}
        return opened
