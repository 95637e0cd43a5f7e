"""The audit trail: what was done or refused, by whom. Rows are inserted and never changed (a trigger holds that)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from console.kit.among import among
from console.kit.models import Row
from console.kit.searching import part_index
from teams.models.enterprise import Enterprise
from teams.models.team import Team
from teams.models.token import Token
from teams.models.user import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

SIGN_IN_FAILED = "session.sign_in_failed"
RESULTS = ("done", "refused")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Sets of audit events."""

    def permitted(self, user: User | AnonymousUser) -> AuditEventQuerySet:
        """Keep the events `user` may read: the whole enterprise with `view_audit`, else the teams one is admin of."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        mine = self.filter(enterprise=user.enterprise_id)
        if "view_audit" in user.enterprise_rights:
            return mine
        return mine.filter(among("team", Team.objects.permitted(user, "manage_members")))


class AuditEvent(Row):
    """One thing done or refused. Secret fields stand in `before` and `after` as "(changed)"."""

    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=64)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    token = models.ForeignKey(Token, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=200)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    environment_id = models.UUIDField(null=True, blank=True)
    result = models.CharField(max_length=10, default="done")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(null=True, blank=True)
    request_id = models.CharField(max_length=64)
    ip = models.GenericIPAddressField(null=True, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        db_table = "audit_event"
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(result__in=RESULTS), name="audit_event_result_known")]
        indexes = [
            models.Index(fields=["enterprise", "id"], name="audit_enterprise"),
            models.Index(fields=["enterprise", "at", "id"], name="audit_time"),
            models.Index(fields=["enterprise", "action", "id"], name="audit_action"),
            part_index("audit_object_part", "object_label"),
            models.Index(fields=["team", "id"], name="audit_team"),
            models.Index(fields=["actor", "id"], name="audit_actor"),
            models.Index(fields=["object_id", "id"], name="audit_object"),
            # What sign-in throttling counts: failures of one login (its keyed hash), all recent failures.
            models.Index(fields=["object_id", "at"], condition=Q(action=SIGN_IN_FAILED), name="audit_failed_by_login"),
            models.Index(fields=["at"], condition=Q(action=SIGN_IN_FAILED), name="audit_failed_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"
