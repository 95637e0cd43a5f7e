"""An enterprise with one team, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from teams import grants
from teams.models import Enterprise, Team, User


@dataclass(frozen=True)
class Shop:
    """An enterprise, a team and its people; `user` is its developer."""

    enterprise: Enterprise
    team: Team
    user: User
    boss: User
    viewer: User
    stranger: User


def make_shop(slug: str = "acme") -> Shop:
    """Make one: an enterprise admin, a developer and a viewer of the team, and somebody without a team."""
    enterprise = Enterprise.objects.create(slug=slug, name=slug.title())
    team = Team.objects.create(enterprise=enterprise, slug="shop", name="Shop")
    grants.make_groups(team)

    def person(login: str, roles: tuple[str, ...] = (), enterprise_roles: tuple[str, ...] = ()) -> User:
        user: User = User.objects.create(
            enterprise=enterprise,
            login=f"{slug}.{login}",
            name=login.title(),
            enterprise_roles=list(enterprise_roles),
        )
        if roles:
            grants.set_roles(team, user, roles, granted_by=user)
        return user

    boss = person("boss", enterprise_roles=("admin",))
    return Shop(
        enterprise, team, person("dev", ("developer",)), boss, person("viewer", ("viewer",)), person("stranger")
    )
