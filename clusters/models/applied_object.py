"""The inventory: what an application put on its cluster, recorded before the first request for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from clusters.models.application import Application
from clusters.models.environment import Environment
from clusters.models.revision import Revision
from console.kit.models import MutableQuerySet, MutableRow


class AppliedObject(MutableRow):
    """One object on a cluster. Deletes come from these rows only; `kept` ones are volume claims that outlived it."""

    class State(models.TextChoices):
        """How sure we are of it."""

        INTENDED = "intended"
        APPLIED = "applied"
        REMOVING = "removing"
        KEPT = "kept"

    application = models.ForeignKey(Application, models.PROTECT, related_name="applied_objects")
    environment = models.ForeignKey(Environment, models.PROTECT)
    api_version = models.CharField(max_length=80)
    kind = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=64, null=True, blank=True)
    generation = models.BigIntegerField(null=True, blank=True)
    resource_version = models.CharField(max_length=64, null=True, blank=True)
    hash = models.CharField(max_length=64)
    revision = models.ForeignKey(Revision, models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENDED)

    objects = MutableQuerySet["AppliedObject"].as_manager()

    class Meta:
        db_table = "applied_object"
        constraints = [
            models.UniqueConstraint("environment", "api_version", "kind", "name", name="applied_object_name"),
            models.CheckConstraint(
                condition=Q(state__in=["intended", "applied", "removing", "kept"]), name="applied_object_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"
