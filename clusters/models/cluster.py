"""Clusters: one connected Kubernetes API each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from console.kit import secrets
from console.kit.models import MutableQuerySet, MutableRow, where
from teams import access
from teams.models import Enterprise

if TYPE_CHECKING:
    from teams.models import User


class ClusterQuerySet(MutableQuerySet["Cluster"]):
    """Sets of clusters."""

    def connected(self) -> ClusterQuerySet:
        """Give those that were not removed."""
        return self.filter(removed_at=None)

    def permitted(self, user: User, right: str = "manage_clusters") -> ClusterQuerySet:
        """Give the connected clusters of the user's enterprise, for holders of `right`; nothing for others."""
        mine = self.connected().filter(enterprise_id=user.enterprise_id)
        return mine if access.holds(user, right) else mine.none()


class Cluster(MutableRow):
    """One connected cluster: where it is, how the console signs in, and how it was last seen."""

    class Credential(models.TextChoices):
        """How the console signs in."""

        TOKEN = "token", pgettext_lazy("credential", "Token")
        CLIENT_CERTIFICATE = "client_certificate", pgettext_lazy("credential", "Client certificate")

    class Health(models.TextChoices):
        """How the cluster answered lately."""

        UNKNOWN = "unknown", pgettext_lazy("cluster", "Unknown")
        ONLINE = "online", pgettext_lazy("cluster", "Online")
        UNREACHABLE = "unreachable", pgettext_lazy("cluster", "Unreachable")
        OFFLINE = "offline", pgettext_lazy("cluster", "Offline")

    enterprise = models.ForeignKey(Enterprise, models.PROTECT)
    slug = models.CharField(max_length=30)
    name = models.CharField(max_length=64)
    endpoint = models.CharField(max_length=300)
    ca_pem = models.TextField(blank=True, default="")
    credential_kind = models.CharField(max_length=20, choices=Credential.choices)
    sealed = models.TextField()
    credential_expires_at = models.DateTimeField(null=True, blank=True)
    uid = models.CharField(max_length=64)
    version = models.CharField(max_length=40, blank=True, default="")
    node_address = models.CharField(max_length=253, null=True, blank=True)
    ingress_class = models.CharField(max_length=63, null=True, blank=True)
    ingress_domain = models.CharField(max_length=253, null=True, blank=True)
    health = models.CharField(max_length=12, choices=Health.choices, default=Health.UNKNOWN)
    health_code = models.CharField(max_length=60, null=True, blank=True)
    health_params = models.JSONField(default=dict, blank=True)
    misses = models.PositiveIntegerField(default=0)
    probed_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    capacity = models.JSONField(default=dict, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = ClusterQuerySet.as_manager()

    class Meta:
        db_table = "cluster"
        constraints = [
            models.UniqueConstraint("enterprise", "slug", name="cluster_slug", condition=Q(removed_at=None)),
            models.UniqueConstraint("enterprise", "name", name="cluster_name", condition=Q(removed_at=None)),
            models.UniqueConstraint("enterprise", "uid", name="cluster_uid", condition=Q(removed_at=None)),
            models.CheckConstraint(
                condition=Q(credential_kind__in=["token", "client_certificate"]), name="cluster_credential_kind"
            ),
            models.CheckConstraint(
                condition=Q(health__in=["unknown", "online", "unreachable", "offline"]), name="cluster_health"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def seal_credential(self, credential: dict[str, str]) -> None:
        """Keep `{"token": …}` or `{"certificate": …, "key": …}` sealed to this row; the caller saves."""
        self.sealed = secrets.seal(credential, where(self, "sealed"))

    def credential(self) -> dict[str, str]:
        """Open the credential. Raises SecretLost when its key is not configured."""
        opened: dict[str, Any] = secrets.unseal(self.sealed, where(self, "sealed"))
        return opened

    @property
    def is_away(self) -> bool:
        """Whether the cluster is known not to answer at present."""
        return self.health in (self.Health.UNREACHABLE, self.Health.OFFLINE)
