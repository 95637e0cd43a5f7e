"""Access tokens: how a program signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from console.kit.models import MutableQuerySet, MutableRow
from teams.models.user import User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class TokenQuerySet(MutableQuerySet["Token"]):
    """Sets of tokens."""

    def permitted(self, user: User | AnonymousUser) -> TokenQuerySet:
        """Keep the tokens `user` may see: the own ones that were not revoked."""
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        return self.filter(user=user, revoked_at=None)


class Token(MutableRow):
    """An opaque token. The row holds the SHA-256 of its 32 random bytes and its first 8 characters, never the token."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=64)
    prefix = models.CharField(max_length=8)
    hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        db_table = "token"
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], condition=Q(revoked_at=None), name="token_name_once"),
            models.UniqueConstraint(fields=["user", "prefix"], name="token_prefix_once"),
        ]

    def __str__(self) -> str:
        return self.prefix

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()
