"""The bodies that this door reads."""

from __future__ import annotations

from rest_framework import serializers

from console.kit.api import Body, SecretField
from console.kit.text import EMAIL_MAX, LOGIN_MAX, NAME_MAX, SLUG_MAX
from teams.roles import ENTERPRISE_ROLES, TEAM_ROLES

_MEMBERS_MAX = 200


class TokenBody(Body):
    """A new access token."""

    name = serializers.CharField(max_length=NAME_MAX)
    expires_at = serializers.DateTimeField()


class PasswordBody(Body):
    """A new password of one's own."""

    current = SecretField()
    new = SecretField(max_length=128)


class UserBody(Body):
    """A new user."""

    login = serializers.CharField(max_length=LOGIN_MAX)
    name = serializers.CharField(max_length=NAME_MAX)
    email = serializers.EmailField(required=False, allow_null=True, max_length=EMAIL_MAX)
    enterprise_roles = serializers.ListField(child=serializers.ChoiceField(choices=ENTERPRISE_ROLES), required=False)


class UserChangeBody(Body):
    """What may change about a user."""

    name = serializers.CharField(max_length=NAME_MAX)
    email = serializers.EmailField(allow_null=True, max_length=EMAIL_MAX)
    enterprise_roles = serializers.ListField(child=serializers.ChoiceField(choices=ENTERPRISE_ROLES))
    is_active = serializers.BooleanField()


class RolesBody(Body):
    """The roles of a member."""

    roles = serializers.ListField(child=serializers.ChoiceField(choices=TEAM_ROLES), allow_empty=False)


class MemberBody(RolesBody):
    """A member of a new team."""

    login = serializers.CharField(max_length=LOGIN_MAX)


class TeamBody(Body):
    """A new team; without a slug, one is made from the name."""

    slug = serializers.CharField(max_length=SLUG_MAX, required=False)
    name = serializers.CharField(max_length=NAME_MAX)
    members = serializers.ListField(child=MemberBody(), required=False, max_length=_MEMBERS_MAX)


class TeamChangeBody(Body):
    """What may change about a team."""

    name = serializers.CharField(max_length=NAME_MAX)
