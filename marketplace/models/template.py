"""Templates: an application made installable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from console.kit.models import MutableQuerySet, MutableRow
from console.kit.searching import part_index
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
        return self.filter(newest_version__isnull=False)


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
    # Both follow the versions: the database keeps them, with every change of a version's state or mark.
    newest_version = models.ForeignKey(
        "marketplace.Version", models.DO_NOTHING, null=True, editable=False, db_index=False, related_name="+"
    )
    newest_released = models.ForeignKey(
        "marketplace.Version", models.DO_NOTHING, null=True, editable=False, db_index=False, related_name="+"
    )

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
        indexes = [
            GinIndex(fields=["tags"], name="template_tags"),
            part_index("template_part", "name", "slug", "intro"),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; what follows the versions is left to the database, which may know better by now."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            own = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            kwargs["update_fields"] = own - {"newest_version", "newest_released"}
        super().save(*args, **kwargs)
