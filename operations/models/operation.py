"""Operations: every long piece of work is one row, which is its truth, its queue and its lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.utils import timezone

from console.kit.among import among
from console.kit.models import MutableQuerySet, MutableRow
from console.kit.searching import part_index
from operations import states
from operations.models.fields import IdentityField
from teams import access
from teams.models import User

if TYPE_CHECKING:
    from teams.access import Person


class OperationQuerySet(MutableQuerySet["Operation"]):
    """Sets of operations."""

    def active(self) -> OperationQuerySet:
        """Give those that have not ended."""
        return self.filter(state__in=states.ACTIVE)

    def listed(self) -> OperationQuerySet:
        """Give those that lists for people show: neither the parts of a batch nor plans, which change nothing."""
        return self.filter(parent=None).exclude(kind="plan").exclude(is_batch=True, input__kind="plan")

    def permitted(self, user: Person, right: str = "view_team") -> OperationQuerySet:
        """Give the operations a person may see.

        Those of the teams in which the person holds `right`; those without a team that the person started; and for an
        enterprise admin every one of the enterprise. Someone who left a team no longer sees what was started there.
        """
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        if user.is_enterprise_admin:
            return self.filter(enterprise_id=user.enterprise_id)
        return self.filter(
            Q(among("team", access.teams_with(user, right))) | Q(team=None, initiator=user),
            enterprise_id=user.enterprise_id,
        )


class Operation(MutableRow):
    """One piece of work. `epoch` grows with each claim; every write of a runner is conditional on it."""

    number = IdentityField()
    enterprise = models.ForeignKey("teams.Enterprise", models.PROTECT, related_name="+")
    team = models.ForeignKey("teams.Team", models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40)
    is_batch = models.BooleanField(default=False)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField(null=True, blank=True)
    subject = models.JSONField()
    environment_id = models.UUIDField(null=True, blank=True)
    cluster_id = models.UUIDField(null=True, blank=True)
    lock_key = models.CharField(max_length=200, null=True, blank=True)

    state = models.CharField(max_length=10, default="queued", choices=[(s, s) for s in states.STATES])
    waiting_for = models.JSONField(null=True, blank=True)
    changed = models.CharField(max_length=10, default="nothing", choices=[(s, s) for s in states.CHANGED])

    epoch = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=100, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    deadline = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    input = models.JSONField(default=dict)
    sealed = models.TextField(null=True, blank=True)
    plan = models.JSONField(null=True, blank=True)
    plan_hash = models.CharField(max_length=64, null=True, blank=True)

    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    unit = models.CharField(max_length=20, default="steps")
    outcome_code = models.CharField(max_length=60, null=True, blank=True)
    outcome_params = models.JSONField(default=dict)

    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="retries")
    initiator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    token = models.ForeignKey("teams.Token", models.PROTECT, null=True, blank=True, related_name="+")
    request_id = models.CharField(max_length=64)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    looked_up: Any = None
    """What the kind has read along to show this row; see `Runner.look_up`."""

    class Meta:
        db_table = "operation"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["lock_key"], condition=Q(state__in=states.ACTIVE), name="operation_lock_key"
            ),
            models.CheckConstraint(condition=Q(state__in=states.STATES), name="operation_state"),
            models.CheckConstraint(condition=Q(changed__in=states.CHANGED), name="operation_changed"),
            models.CheckConstraint(
                condition=Q(state__in=states.TERMINAL, finished_at__isnull=False)
                | Q(state__in=states.ACTIVE, finished_at=None),
                name="operation_finished",
            ),
            # A row at rest holds no lease: neither one that ended nor one that nobody has claimed.
            models.CheckConstraint(
                condition=Q(lease_until=None, lease_owner=None)
                | Q(lease_until__isnull=False, lease_owner__isnull=False, state__in=["running", "waiting"]),
                name="operation_lease",
            ),
            models.CheckConstraint(condition=Q(state="waiting") | Q(waiting_for=None), name="operation_waiting"),
            models.CheckConstraint(
                condition=Q(is_batch=False) | Q(lease_until=None, lock_key=None, parent=None), name="operation_batch"
            ),
            models.CheckConstraint(condition=Q(done__gte=0, total__gte=0, epoch__gte=0), name="operation_progress"),
        ]
        indexes = [
            models.Index(fields=["number"], condition=Q(state__in=states.ACTIVE), name="operation_active"),
            models.Index(
                fields=["team", "lease_until"], condition=Q(lease_until__isnull=False), name="operation_leased"
            ),
            models.Index(fields=["cluster_id"], condition=Q(lease_until__isnull=False), name="operation_cluster"),
            models.Index(fields=["enterprise", "-number"], name="operation_newest"),
            models.Index(fields=["team", "-number"], name="operation_of_team"),
            models.Index(fields=["initiator", "-number"], name="operation_of_person"),
            models.Index(fields=["environment_id", "-number"], name="operation_of_place"),
            models.Index(fields=["enterprise", "state", "number"], name="operation_in_state"),
            models.Index(fields=["enterprise", "kind", "number"], name="operation_of_kind"),
            # What ended lately, for the overview.
            models.Index(fields=["finished_at"], name="operation_ended"),
            part_index("operation_part", KT("subject__name")),
            models.Index(fields=["subject_id", "-number"], name="operation_of_subject"),
            models.Index(fields=["finished_at"], condition=Q(sealed__isnull=False), name="operation_sealed"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The public name, as in addresses: `op-4821`."""
        return f"op-{self.number}"

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.state in states.ACTIVE

    @property
    def percent(self) -> int:
        """How far it is, in whole percent."""
        if self.state == "succeeded":
            return 100
        return min(100, 100 * self.done // self.total) if self.total else 0

    @property
    def deadline_seconds(self) -> int:
        """How long it was given, in seconds."""
        return round((self.deadline - self.created_at).total_seconds())

    def subject_href(self) -> str:
        """Give the API path of what it is about."""
        subject: dict[str, Any] = self.subject
        return str(subject["href"])
