"""Versions: one published, immutable spec of a template."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from console.kit.models import MutableQuerySet, MutableRow
from marketplace.models.image_registry import ImageRegistry
from marketplace.models.template import Template
from teams.models import User


class VersionQuerySet(MutableQuerySet["Version"]):
    """Sets of versions."""

    def published(self) -> VersionQuerySet:
        """Give those that can be installed as far as their own state goes."""
        return self.filter(state=Version.State.PUBLISHED)


class Version(MutableRow):
    """A number of a template: document, images by digest, parameters. Published, only mark, alias, notes, state and
    registry may change, and the database holds that; a row is deleted only while it is still being copied."""

    class State(models.TextChoices):
        """How far it is published."""

        COPYING = "copying", pgettext_lazy("version", "Copying")
        PUBLISHED = "published", pgettext_lazy("version", "Published")
        WITHDRAWN = "withdrawn", pgettext_lazy("version", "Withdrawn")

    class Mark(models.TextChoices):
        """What testers say of it."""

        TEST = "test", pgettext_lazy("mark", "Test")
        RELEASE = "release", pgettext_lazy("mark", "Release")

    template = models.ForeignKey(Template, models.PROTECT, related_name="versions")
    number = models.CharField(max_length=40)
    sort_key = models.CharField(max_length=40, db_collation="C")
    alias = models.CharField(max_length=64, null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.COPYING)
    mark = models.CharField(max_length=10, choices=Mark.choices, default=Mark.TEST)
    document = models.JSONField(null=True, blank=True)
    content_hash = models.CharField(max_length=64, null=True, blank=True)
    registry = models.ForeignKey(ImageRegistry, models.PROTECT)
    bytes = models.BigIntegerField(default=0)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        db_table = "version"
        ordering = ["-sort_key"]
        constraints = [
            models.UniqueConstraint("template", "number", name="version_number"),
            models.UniqueConstraint("template", "sort_key", name="version_sort_key"),
            models.CheckConstraint(condition=Q(state__in=["copying", "published", "withdrawn"]), name="version_state"),
            models.CheckConstraint(condition=Q(mark__in=["test", "release"]), name="version_mark"),
            models.CheckConstraint(
                condition=Q(state="copying") | (Q(document__isnull=False) & Q(content_hash__isnull=False)),
                name="version_published_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["template", "sort_key"],
                condition=Q(state="published", mark="release"),
                name="version_releases",
            )
        ]

    def __str__(self) -> str:
        return f"{self.template_id} {self.number}"
