"""The team, its members, and the object rights that guardian keeps for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from guardian.models import GroupObjectPermissionBase

from console.kit.models import MutableQuerySet, MutableRow, Row
from console.kit.searching import part_index
from console.kit.text import NAME_MAX, SLUG_MAX
from teams.models.enterprise import SLUG_RULE, Enterprise
from teams.models.user import User
from teams.roles import TEAM_RIGHTS, TEAM_ROLES

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

LIVE = Q(removed_at__isnull=True)


class TeamQuerySet(MutableQuerySet["Team"]):
    """Sets of teams."""

    def live(self) -> TeamQuerySet:
        """Keep the teams that were not removed."""
        return self.filter(LIVE)

    def permitted(self, user: User | AnonymousUser, right: str = "view_team") -> TeamQuerySet:
        """Keep the live teams on which `user` holds the team right `right`.

        The filter is one join over the flat membership table. An enterprise admin holds every right on every team of
        the enterprise. Raises KeyError for what is not a team right.
        """
        roles = TEAM_RIGHTS[right]
        if not isinstance(user, User) or not user.is_active:
            return self.none()
        mine = self.live().filter(enterprise=user.enterprise_id)
        if user.is_enterprise_admin:
            return mine
        return mine.filter(pk__in=Membership.objects.filter(user=user, role__in=roles).values("team"))


class Team(MutableRow):
    """People who share rights; the owner of environments and of templates."""

    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="teams")
    slug = models.CharField(max_length=SLUG_MAX)
    name = models.CharField(max_length=NAME_MAX)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        db_table = "team"
        default_permissions = ()
        permissions = [(right, right.replace("_", " ")) for right in TEAM_RIGHTS]
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "slug"], condition=LIVE, name="team_slug_once"),
            models.UniqueConstraint(fields=["enterprise", "name"], condition=LIVE, name="team_name_once"),
            models.CheckConstraint(condition=SLUG_RULE, name="team_slug_form"),
        ]
        indexes = [part_index("team_part", "slug", "name")]

    def __str__(self) -> str:
        return self.slug


class Membership(Row):
    """One role of one person in one team: the flat table by which every list is filtered.

    Written only together with guardian's groups (`teams.grants`), so that both always say the same.
    """

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["team", "user", "role"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=TEAM_ROLES), name="membership_role_known"),
        ]
        indexes = [models.Index(fields=["user", "role", "team"], name="membership_user_role_team")]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.team_id}"


class TeamGroupPermission(GroupObjectPermissionBase):
    """A right of one group on one team: guardian's table with direct keys, since its generic one is slow at scale."""

    content_object = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="group_permissions")

    class Meta(GroupObjectPermissionBase.Meta):
        db_table = "team_group_permission"
