"""The user: who signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from console.kit.models import MutableQuerySet, MutableRow
from console.kit.searching import part_index
from console.kit.text import LOGIN_MAX, LOGIN_PATTERN, NAME_MAX
from teams.models.enterprise import Enterprise
from teams.roles import ADMIN, ENTERPRISE_ROLES, TEAM_RIGHTS, enterprise_rights_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

LANGUAGES = ("", "en", "zh-hans")
THEMES = ("auto", "light", "dark")


class UserQuerySet(MutableQuerySet["User"]):
    """Sets of users."""

    def permitted(self, user: User | AnonymousUser) -> UserQuerySet:
        """Keep the people `user` may know of.

        An enterprise admin, and whoever may add members to a team, knows everyone in the enterprise; others know
        themselves and the people of their teams.
        """
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        mine = self.filter(enterprise=user.enterprise_id)
        granting = user.memberships.filter(role__in=TEAM_RIGHTS["manage_members"], team__removed_at=None)
        if user.is_enterprise_admin or granting.exists():
            return mine
        teams = user.memberships.filter(team__removed_at=None).values("team")
        shared = User.objects.filter(memberships__team__in=teams).values("pk")
        return mine.filter(Q(pk=user.pk) | Q(pk__in=shared))

    def enterprise_admins(self, enterprise: Enterprise) -> UserQuerySet:
        """Keep the active admins of the enterprise."""
        return self.filter(enterprise=enterprise, is_active=True, enterprise_roles__contains=[ADMIN])


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Finds users; logins are compared without case, since they are kept in lower case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Give the user of that login, raising `User.DoesNotExist`."""
        user: User = self.get(login=(username or "").lower())
        return user


class User(MutableRow, AbstractBaseUser, PermissionsMixin):
    """A person of one enterprise. The login never changes; the name may."""

    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="users")
    login = models.CharField(max_length=LOGIN_MAX, unique=True)
    name = models.CharField(max_length=NAME_MAX)
    email = models.EmailField(null=True, blank=True)
    enterprise_roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="", blank=True)
    time_zone = models.CharField(max_length=64, default="", blank=True)
    theme = models.CharField(max_length=10, default="auto")

    objects = UserManager()

    USERNAME_FIELD = "login"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        db_table = "user"
        constraints = [
            models.UniqueConstraint(Lower("login"), name="user_login_once"),
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(condition=Q(login__regex=LOGIN_PATTERN), name="user_login_form"),
            models.CheckConstraint(
                condition=Q(enterprise_roles__contained_by=list(ENTERPRISE_ROLES)), name="user_enterprise_roles_known"
            ),
            # No road past the table of roles: guardian and Django let a superuser do everything.
            models.CheckConstraint(condition=Q(is_superuser=False), name="user_never_superuser"),
            models.CheckConstraint(condition=Q(language__in=LANGUAGES), name="user_language_known"),
            models.CheckConstraint(condition=Q(theme__in=THEMES), name="user_theme_known"),
        ]
        indexes = [
            models.Index(fields=["enterprise", "login"], name="user_enterprise_login"),
            part_index("user_part", "login", "name", "email"),
        ]

    def __str__(self) -> str:
        return self.login

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; signing in does not make what others read about this person stale, so it keeps `row_version`."""
        if set(kwargs.get("update_fields") or ()) == {"last_login"}:
            super(MutableRow, self).save(*args, **kwargs)
        else:
            super().save(*args, **kwargs)

    @property
    def is_enterprise_admin(self) -> bool:
        """Whether this person is an active admin of the enterprise."""
        return self.is_active and ADMIN in self.enterprise_roles

    @property
    def enterprise_rights(self) -> frozenset[str]:
        """The enterprise rights this person holds."""
        return enterprise_rights_of(self.enterprise_roles) if self.is_active else frozenset()

    def get_full_name(self) -> str:
        """Give the display name."""
        return self.name

    def get_short_name(self) -> str:
        """Give the display name."""
        return self.name
