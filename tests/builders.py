"""Making rows for tests: plain functions, each with what it needs and defaults for the rest."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.utils import timezone

from teams import grants
from teams.models import Enterprise, Team, Token, User
from teams.secret import new_token

_numbers = count(1)


def make_enterprise(slug: str | None = None, **columns: Any) -> Enterprise:
    """Make an enterprise."""
    slug = slug or f"enterprise-{next(_numbers)}"
    return Enterprise.objects.create(**{"slug": slug, "name": slug.title(), **columns})


def make_user(enterprise: Enterprise, login: str | None = None, *, password: str | None = None, **columns: Any) -> User:
    """Make a user; without a password nobody can sign in as them, and no time is spent on hashing."""
    login = login or f"user{next(_numbers)}"
    user = User(**{"enterprise": enterprise, "login": login, "name": login.title(), **columns})
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save()
    return user


@transaction.atomic
def make_team(enterprise: Enterprise, slug: str | None = None, **columns: Any) -> Team:
    """Make a team with its groups."""
    slug = slug or f"team-{next(_numbers)}"
    team = Team.objects.create(**{"enterprise": enterprise, "slug": slug, "name": slug.title(), **columns})
    grants.make_groups(team)
    return team


@transaction.atomic
def add_member(team: Team, user: User, *roles: str, granted_by: User | None = None) -> User:
    """Give a user exactly these roles in a team."""
    grants.set_roles(team, user, roles, granted_by=granted_by or user)
    return user


def make_token(user: User, *, days: int = 30, **columns: Any) -> tuple[Token, str]:
    """Make an access token; gives its row and its text."""
    made = new_token()
    end = timezone.now() + timedelta(days=days)
    name = f"token {next(_numbers)}"
    row = {"user": user, "name": name, "prefix": made.prefix, "hash": made.hash, "expires_at": end, **columns}
    return Token.objects.create(**row), made.text
