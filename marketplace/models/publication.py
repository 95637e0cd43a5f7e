"""Publications: making a version of an application, image by image."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from clusters.models import Application, Revision
from console.kit.models import MutableQuerySet, MutableRow
from marketplace.models.version import Version
from operations.models import Operation
from teams.models import User


class Publication(MutableRow):
    """One publication of an application: what is published, from which revision, and how far it is."""

    class State(models.TextChoices):
        """How far it is."""

        COPYING = "copying", pgettext_lazy("publication", "Copying")
        READY = "ready", pgettext_lazy("publication", "Ready to confirm")
        PUBLISHED = "published", pgettext_lazy("publication", "Published")
        FAILED = "failed", pgettext_lazy("publication", "Failed")
        ABANDONED = "abandoned", pgettext_lazy("publication", "Given up")

    application = models.ForeignKey(Application, models.PROTECT, related_name="publications")
    number = models.PositiveIntegerField()
    revision = models.ForeignKey(Revision, models.PROTECT, related_name="+")
    version = models.ForeignKey(Version, models.SET_NULL, null=True, blank=True, related_name="publications")
    template_slug = models.CharField(max_length=30)
    version_number = models.CharField(max_length=40)
    settings = models.JSONField(default=dict, blank=True)
    confirm_by_itself = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.COPYING)
    operation = models.ForeignKey(Operation, models.PROTECT, related_name="+")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")

    objects = MutableQuerySet["Publication"].as_manager()

    images: models.QuerySet[PublicationImage]

    class Meta:
        db_table = "publication"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint("application", "number", name="publication_number"),
            models.CheckConstraint(
                condition=Q(state__in=["copying", "ready", "published", "failed", "abandoned"]),
                name="publication_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} publication {self.number}"

    @property
    def lock_key(self) -> str:
        """The lock of the operation that copies for this publication."""
        return f"publication:{self.pk}"


class PublicationImage(MutableRow):
    """One image of a publication, with its bytes: in all, sent, and there already."""

    class State(models.TextChoices):
        """How far this image is."""

        PENDING = "pending", pgettext_lazy("image", "Pending")
        COPYING = "copying", pgettext_lazy("image", "Copying")
        DONE = "done", pgettext_lazy("image", "Done")
        FAILED = "failed", pgettext_lazy("image", "Failed")

    publication = models.ForeignKey(Publication, models.CASCADE, related_name="images")
    source = models.CharField(max_length=500)
    digest = models.CharField(max_length=80)
    path = models.CharField(max_length=255)
    components = ArrayField(models.CharField(max_length=20), default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    bytes_total = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    bytes_there = models.BigIntegerField(default=0)
    code = models.CharField(max_length=60, null=True, blank=True)
    params = models.JSONField(default=dict, blank=True)

    objects = MutableQuerySet["PublicationImage"].as_manager()

    class Meta:
        db_table = "publication_image"
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint("publication", "path", "digest", name="publication_image_path"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "copying", "done", "failed"]), name="publication_image_state"
            ),
        ]

    def __str__(self) -> str:
        return self.path
