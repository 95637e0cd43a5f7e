"""An enterprise with one team, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from teams.models import Enterprise, Team, User


@dataclass(frozen=True)
class Shop:
    """An enterprise, a team and its developer."""

    enterprise: Enterprise
    team: Team
    user: User


def make_shop(slug: str = "acme") -> Shop:
    """Make one."""
    enterprise = Enterprise.objects.create(slug=slug, name=slug.title())
    team = Team.objects.create(enterprise=enterprise, slug="shop", name="Shop")
    user = User.objects.create(enterprise=enterprise, login=f"{slug}.dev", name="Dev")
    return Shop(enterprise, team, user)
