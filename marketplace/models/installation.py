"""Installations: a template living in an application, and the deliveries that brought its versions there."""

from __future__ import annotations

from django.db import models

from clusters.models import Application, Revision
from console.kit.models import MutableQuerySet, MutableRow, Row
from marketplace.models.template import Template
from marketplace.models.version import Version


class Installation(MutableRow):
    """Which template an application holds, and the version of its current revision (None until one was deployed)."""

    application = models.OneToOneField(Application, models.CASCADE, related_name="installation")
    template = models.ForeignKey(Template, models.PROTECT, related_name="installations")
    version = models.ForeignKey(Version, models.PROTECT, null=True, blank=True, related_name="installations")

    objects = MutableQuerySet["Installation"].as_manager()

    class Meta:
        db_table = "installation"

    def __str__(self) -> str:
        return f"{self.application_id} holds {self.template_id}"


class Delivery(Row):
    """The evidence of one delivered revision: its version, and what the gate saw at acceptance and at start."""

    revision = models.OneToOneField(Revision, models.PROTECT, related_name="delivery")
    version = models.ForeignKey(Version, models.PROTECT, related_name="deliveries")
    gate = models.JSONField(default=dict)

    class Meta:
        db_table = "delivery"

    def __str__(self) -> str:
        return f"{self.version_id} for {self.revision_id}"
