"""Templates: an application made installable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import pgettext_lazy

from console.kit.models import MutableQuerySet, MutableRow
from teams import access
from teams.models import Enterprise, Team

if TYPE_CHECKING:
    from marketplace.models.version import Version
    from teams.models import User


class TemplateQuerySet(MutableQuerySet["Template"]):
    """Sets of templates."""

    def present(self) -> TemplateQuerySet:
        """Give those that were not removed."""
        return self.filter(removed_at=None)

    def permitted(self, user: User) -> TemplateQuerySet:
        """Give what the user may see: enterprise scope for everybody, team scope for members, all for market admins."""
        mine = self.present().filter(enterprise_id=user.enterprise_id)
        if access.holds(user, "manage_market"):
            return mine
        return mine.filter(Q(scope=Template.Scope.ENTERPRISE) | Q(team__in=access.teams_with(user, "view_team")))

    def shown(self) -> TemplateQuerySet:
        """Give those with at least one published version: the others do not stand in the market yet."""
        from_versions = self.model._meta.get_field("versions").related_model
        published = from_versions._default_manager.filter(template=OuterRef("pk"), state="published")
        return self.filter(Exists(published))


class Template(MutableRow):
    """A named thing of the local market, owned by the team that published it first."""

    class Scope(models.TextChoices):
        """Who sees it."""

        TEAM = "team", pgettext_lazy("scope", "Team")
        ENTERPRISE = "enterprise", pgettext_lazy("scope", "Enterprise")

    enterprise = models.ForeignKey(Enterprise, models.PROTECT)
    team = models.ForeignKey(Team, models.PROTECT)
    slug = models.CharField(max_length=30)
    name = models.CharField(max_length=64)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.ENTERPRISE)
    intro = models.CharField(max_length=400, blank=True, default="")
    tags = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = TemplateQuerySet.as_manager()

    versions: models.QuerySet[Version]

    class Meta:
        db_table = "template"
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint("enterprise", "slug", name="template_slug", condition=Q(removed_at=None)),
            models.UniqueConstraint("enterprise", "name", name="template_name", condition=Q(removed_at=None)),
            models.CheckConstraint(condition=Q(scope__in=["team", "enterprise"]), name="template_scope"),
        ]

    def __str__(self) -> str:
        return self.slug
