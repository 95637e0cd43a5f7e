"""The image registry that every cluster can pull from: one current one per enterprise."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from console.kit import secrets
from console.kit.models import MutableQuerySet, MutableRow, where
from operations.models import Operation
from teams.models import Enterprise, User


class ImageRegistryQuerySet(MutableQuerySet["ImageRegistry"]):
    """Sets of registries."""

    def current(self, enterprise: Enterprise) -> ImageRegistry | None:
        """Give the enterprise's registry in use, or None while none is set."""
        return self.filter(enterprise=enterprise, state=ImageRegistry.State.CURRENT).first()


class ImageRegistry(MutableRow):
    """One registry under one address and prefix. Another address or prefix is a new row; another password an update."""

    class State(models.TextChoices):
        """Whether new versions go there; former ones still serve the versions they hold."""

        CURRENT = "current"
        FORMER = "former"

    enterprise = models.ForeignKey(Enterprise, models.PROTECT)
    address = models.CharField(max_length=253)
    prefix = models.CharField(max_length=200, blank=True, default="")
    user = models.CharField(max_length=200)
    pull_user = models.CharField(max_length=200, null=True, blank=True)
    sealed = models.TextField()
    ca_pem = models.TextField(null=True, blank=True)
    plain_http = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.CURRENT)
    test = models.ForeignKey(Operation, models.PROTECT, null=True, blank=True, related_name="+")
    saved_untested = models.BooleanField(default=False)
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    objects = ImageRegistryQuerySet.as_manager()

    class Meta:
        db_table = "image_registry"
        constraints = [
            models.UniqueConstraint("enterprise", name="image_registry_current", condition=Q(state="current")),
            models.CheckConstraint(condition=Q(state__in=["current", "former"]), name="image_registry_state"),
        ]

    def __str__(self) -> str:
        return self.location

    @property
    def location(self) -> str:
        """Where images lie: `address/prefix`."""
        return f"{self.address}/{self.prefix}" if self.prefix else self.address

    def seal_passwords(self, password: str, pull_password: str | None) -> None:
        """Keep both passwords sealed to this row; the caller saves."""
        self.sealed = secrets.seal({"password": password, "pull_password": pull_password}, where(self, "sealed"))

    def passwords(self) -> dict[str, str | None]:
        """Open `{"password": …, "pull_password": …}`."""
        opened: dict[str, str | None] = secrets.unseal(self.sealed, where(self, "sealed"))
        return opened

    def pull_account(self) -> tuple[str, str]:
        """Give the user and password that clusters pull with: the pull account, else the push account."""
        opened = self.passwords()
        if self.pull_user:
            return self.pull_user, opened["pull_password"] or ""
        return self.user, opened["password"] or ""
