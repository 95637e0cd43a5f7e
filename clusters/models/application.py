"""Applications: what runs in one environment, and what was last seen of it."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from clusters.models.environment import Environment
from console.kit import secrets
from console.kit.models import MutableQuerySet, MutableRow, where
from teams import access

if TYPE_CHECKING:
    from clusters.models.component import Component
    from clusters.models.revision import Revision
    from teams.models import User


class ApplicationQuerySet(MutableQuerySet["Application"]):
    """Sets of applications."""

    def present(self) -> ApplicationQuerySet:
        """Give those that were not removed."""
        return self.filter(removed_at=None, environment__removed_at=None)

    def permitted(self, user: User, right: str = "view_team") -> ApplicationQuerySet:
        """Give the applications in environments of the teams in which the user holds `right`."""
        return self.present().filter(environment__team__in=access.teams_with(user, right))


class Application(MutableRow):
    """A group of components in one environment; made here by hand, or delivered from the market."""

    class Origin(models.TextChoices):
        """Where its components come from."""

        MADE = "made", pgettext_lazy("application", "Made here")
        MARKET = "market", pgettext_lazy("application", "From the market")

    class Desired(models.TextChoices):
        """Whether it shall run."""

        RUNNING = "running", pgettext_lazy("application", "Running")
        STOPPED = "stopped", pgettext_lazy("application", "Stopped")

    environment = models.ForeignKey(Environment, models.PROTECT)
    slug = models.CharField(max_length=30)
    name = models.CharField(max_length=64)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    desired = models.CharField(max_length=10, choices=Desired.choices, default=Desired.RUNNING)
    salt = models.TextField(editable=False)
    current_revision = models.ForeignKey(
        "clusters.Revision", models.PROTECT, null=True, blank=True, related_name="current_of"
    )
    removed_at = models.DateTimeField(null=True, blank=True)

    sealed_columns = ("salt",)

    objects = ApplicationQuerySet.as_manager()

    components: models.QuerySet[Component]
    revisions: models.QuerySet[Revision]

    class Meta:
        db_table = "application"
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint("environment", "slug", name="application_slug", condition=Q(removed_at=None)),
            models.CheckConstraint(condition=Q(origin__in=["made", "market"]), name="application_origin"),
            models.CheckConstraint(condition=Q(desired__in=["running", "stopped"]), name="application_desired"),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: object, **kwargs: object) -> None:
        """Save; a new application gets its salt (16 random bytes, sealed)."""
        self.give_salt()
        super().save(*args, **kwargs)

    def give_salt(self) -> None:
        """Make the salt, once; the row need not be saved yet."""
        if not self.salt:
            self.salt = secrets.seal(base64.b64encode(os.urandom(16)).decode(), where(self, "salt"))

    def open_salt(self) -> bytes:
        """Open the 16 bytes that fingerprints and content-named objects are made with."""
        return base64.b64decode(secrets.unseal(self.salt, where(self, "salt")))

    @property
    def lock_key(self) -> str:
        """The lock of operations that change this application: one at a time."""
        return f"application:{self.pk}"

    @property
    def field_manager(self) -> str:
        """The name its objects are applied under: two applications that shared one would erase each other's fields."""
        return f"waybill:{self.pk}"


class ApplicationStatus(models.Model):
    """What the observing duty last saw; written by it alone."""

    class State(models.TextChoices):
        """The state of the whole application."""

        IDLE = "idle", pgettext_lazy("status", "Idle")
        STARTING = "starting", pgettext_lazy("status", "Starting")
        RUNNING = "running", pgettext_lazy("status", "Running")
        DEGRADED = "degraded", pgettext_lazy("status", "Partly abnormal")
        FAILED = "failed", pgettext_lazy("status", "Abnormal")
        STOPPING = "stopping", pgettext_lazy("status", "Stopping")
        STOPPED = "stopped", pgettext_lazy("status", "Stopped")

    application = models.OneToOneField(Application, models.CASCADE, primary_key=True, related_name="status")
    state = models.CharField(max_length=10, choices=State.choices, default=State.IDLE)
    cause_code = models.CharField(max_length=60, null=True, blank=True)
    cause_params = models.JSONField(default=dict, blank=True)
    components = models.JSONField(default=list, blank=True)
    access = models.JSONField(default=list, blank=True)
    volumes = models.JSONField(default=list, blank=True)
    events = models.JSONField(default=list, blank=True)
    digests_match = models.BooleanField(null=True, blank=True)
    observed_at = models.DateTimeField()

    class Meta:
        db_table = "application_status"

    def __str__(self) -> str:
        return f"{self.application_id} {self.state}"
