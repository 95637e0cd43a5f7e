"""Environments: a team on one cluster, in one namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from clusters.models.cluster import Cluster
from console.kit.models import MutableQuerySet, MutableRow
from teams import access
from teams.models import Enterprise, Team

if TYPE_CHECKING:
    from teams.models import User


class EnvironmentQuerySet(MutableQuerySet["Environment"]):
    """Sets of environments."""

    def present(self) -> EnvironmentQuerySet:
        """Give those that were not removed."""
        return self.filter(removed_at=None)

    def permitted(self, user: User, right: str = "view_team") -> EnvironmentQuerySet:
        """Give the environments of the teams in which the user holds `right`."""
        return self.present().filter(team__in=access.teams_with(user, right))


class Environment(MutableRow):
    """The address of applications: a team's namespace on a cluster, its stage, and the rule for what it accepts."""

    class Stage(models.TextChoices):
        """What the environment is for."""

        TEST = "test", pgettext_lazy("stage", "Test")
        PRODUCTION = "production", pgettext_lazy("stage", "Production")

    class Accepts(models.TextChoices):
        """What may be installed: anything, or Release versions from the market and nothing made by hand."""

        ANY = "any", pgettext_lazy("accepts", "Any version")
        RELEASE = "release", pgettext_lazy("accepts", "Release versions only")

    class State(models.TextChoices):
        """How far the environment is made on its cluster."""

        PREPARING = "preparing", pgettext_lazy("environment", "Preparing")
        READY = "ready", pgettext_lazy("environment", "Ready")
        FAILED = "failed", pgettext_lazy("environment", "Failed")
        REMOVING = "removing", pgettext_lazy("environment", "Removing")
        REMOVED = "removed", pgettext_lazy("environment", "Removed")

    enterprise = models.ForeignKey(Enterprise, models.PROTECT)
    team = models.ForeignKey(Team, models.PROTECT)
    cluster = models.ForeignKey(Cluster, models.PROTECT)
    slug = models.CharField(max_length=30)
    name = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63)
    stage = models.CharField(max_length=10, choices=Stage.choices)
    accepts = models.CharField(max_length=10, choices=Accepts.choices)
    position = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREPARING)
    pod_security = models.CharField(max_length=12, default="restricted")
    quota = models.JSONField(null=True, blank=True)
    quota_used = models.JSONField(null=True, blank=True)
    pull_secret_hash = models.CharField(max_length=64, null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        db_table = "environment"
        ordering = ["position", "slug"]
        constraints = [
            models.UniqueConstraint("enterprise", "slug", name="environment_slug", condition=Q(removed_at=None)),
            models.UniqueConstraint("cluster", "namespace", name="environment_namespace", condition=Q(removed_at=None)),
            models.CheckConstraint(condition=Q(stage__in=["test", "production"]), name="environment_stage"),
            models.CheckConstraint(condition=Q(accepts__in=["any", "release"]), name="environment_accepts"),
            models.CheckConstraint(
                condition=Q(state__in=["preparing", "ready", "failed", "removing", "removed"]),
                name="environment_state",
            ),
            models.CheckConstraint(condition=Q(pod_security__in=["restricted", "baseline"]), name="environment_pods"),
        ]
        indexes = [
            models.Index(
                fields=["enterprise", "position", "slug"], condition=Q(removed_at=None), name="environment_order"
            )
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def deliver_right(self) -> str:
        """The right that installing, upgrading and rolling back here needs."""
        return "deliver_production" if self.stage == self.Stage.PRODUCTION else "deliver_test"

    @property
    def lock_key(self) -> str:
        """The lock of operations that change the environment itself."""
        return f"environment:{self.pk}"

    def key_name(self, generation: int) -> str:
        """Give the name of the ServiceAccount that is this environment's key of that generation."""
        return f"{self.slug}-{generation}"
