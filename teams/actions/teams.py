"""Making and renaming teams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from django.db import transaction

from console.kit.api.etags import check_version
from console.kit.errors import FieldError, Invalid, Refused
from console.kit.text import check_name, check_slug, slug_from_name
from teams import audit, grants
from teams.access import require
from teams.actions.members import check_grant
from teams.actions.users import lock_enterprise
from teams.models import Team, User


class Member(TypedDict):
    """A member of a new team: login and team roles."""

    login: str
    roles: list[str]


@transaction.atomic
def create_team(*, name: str, slug: str | None = None, members: Sequence[Member] = (), acting_user: User) -> Team:
    """Create a team with its members; an empty slug is made from the name.

    Needs `manage_teams`. Raises Invalid (name, slug, an unknown or repeated login), Refused("slug_taken") and
    Refused("name_taken").
    """
    require(acting_user, "manage_teams")
    enterprise = acting_user.enterprise
    lock_enterprise(enterprise)
    name = check_name(name)
    live = Team.objects.live().filter(enterprise=enterprise)
    if slug:
        check_slug(slug)
        if live.filter(slug=slug).exists():
            raise Refused("slug_taken", slug=slug, errors=[FieldError("/slug", "slug_taken", {"slug": slug})])
    else:
        slug = slug_from_name(name, lambda text: live.filter(slug=text).exists(), otherwise="team")
    refuse_name_taken(name, live.filter(name=name).exists())
    team = Team.objects.create(enterprise=enterprise, slug=slug, name=name)
    grants.make_groups(team)
    added = _add(team, members, acting_user)
    audit.record(
        "team.created",
        acting_user=acting_user,
        team=team,
        object_type="team",
        object_id=team.pk,
        object_label=slug,
        after={"slug": slug, "name": name, "members": added},
    )
    return team


@transaction.atomic
def rename_team(*, team: Team, name: str, acting_user: User, expected_version: int | None = None) -> Team:
    """Give a team another display name; its slug stays.

    Needs `manage_teams`. Raises NotFound, Invalid (name), Refused("name_taken") and Stale("etag_mismatch").
    """
    require(acting_user, "manage_teams", team)
    lock_enterprise(acting_user.enterprise)
    row = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    check_version(row, expected_version)
    name = check_name(name)
    if name == row.name:
        return row
    others = Team.objects.live().filter(enterprise=row.enterprise_id, name=name)
    refuse_name_taken(name, others.exclude(pk=row.pk).exists())
    before, row.name = row.name, name
    row.save(update_fields=["name"])
    audit.record(
        "team.renamed",
        acting_user=acting_user,
        team=row,
        object_type="team",
        object_id=row.pk,
        object_label=row.slug,
        before={"name": before},
        after={"name": name},
    )
    return row


def refuse_name_taken(name: str, taken: bool) -> None:
    """Raise Refused("name_taken") at `/name` when `taken`."""
    if taken:
        raise Refused("name_taken", name=name, errors=[FieldError("/name", "name_taken", {"name": name})])


def _add(team: Team, members: Sequence[Member], acting_user: User) -> dict[str, list[str]]:
    """Add the first members; all of them or none, with every fault named."""
    logins = [member["login"].lower() for member in members]
    found = User.objects.filter(enterprise=team.enterprise_id, is_active=True, login__in=logins)
    people = {user.login: user for user in found}
    wrong = []
    for index, login in enumerate(logins):
        if login not in people:
            wrong.append(FieldError(f"/members/{index}/login", "unknown_user", {"login": login}))
        elif login in logins[:index]:
            wrong.append(FieldError(f"/members/{index}/login", "duplicate", {"value": login}))
    if wrong:
        raise Invalid("invalid", errors=wrong)
    for login, member in zip(logins, members, strict=True):
        check_grant(team, acting_user, set(member["roles"]))
        grants.set_roles(team, people[login], member["roles"], granted_by=acting_user)
    return {login: sorted(set(member["roles"])) for login, member in zip(logins, members, strict=True)}
