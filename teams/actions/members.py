"""Members of a team and their roles."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from console.kit.api.etags import check_version
from console.kit.errors import Invalid, NotFound, Refused
from teams import audit, grants
from teams.access import require, rights_on
from teams.models import Membership, Team, User
from teams.roles import rights_of


@transaction.atomic
def set_member_roles(
    *, team: Team, login: str, roles: Iterable[str], acting_user: User, expected_version: int | None = None
) -> tuple[User, bool]:
    """Give a person exactly these roles in the team; answers the person and whether they are a new member.

    Needs `manage_members`. Raises Invalid("unknown_user"), Invalid("cannot_grant") for a role (given or taken) with a
    right the acting user lacks, Refused("last_admin") when no admin would be left, Stale("etag_mismatch") when the team
    (its members included) changed since version `expected_version`.
    """
    row = _locked(team, acting_user, expected_version)
    user = User.objects.filter(enterprise=row.enterprise_id, is_active=True, login=login.lower()).first()
    if user is None:
        raise Invalid("unknown_user", login=login)
    wanted = set(roles)
    held = _roles(row, user)
    if wanted == held:
        return user, False
    check_grant(row, acting_user, wanted ^ held)
    _refuse_last_admin(row, user, held, wanted)
    grants.set_roles(row, user, wanted, granted_by=acting_user)
    row.save(update_fields=[])
    _record("member.roles_changed" if held else "member.added", row, user, by=acting_user, held=held, wanted=wanted)
    return user, not held


@transaction.atomic
def remove_member(*, team: Team, login: str, acting_user: User, expected_version: int | None = None) -> None:
    """Take all roles in the team from a person.

    Needs `manage_members`; refuses like `set_member_roles`, and raises NotFound for who is no member.
    """
    row = _locked(team, acting_user, expected_version)
    user = User.objects.filter(enterprise=row.enterprise_id, login=login.lower()).first()
    held = _roles(row, user) if user else set()
    if user is None or not held:
        raise NotFound()
    check_grant(row, acting_user, held)
    _refuse_last_admin(row, user, held, set())
    grants.set_roles(row, user, (), granted_by=acting_user)
    row.save(update_fields=[])
    _record("member.removed", row, user, by=acting_user, held=held, wanted=set())


def check_grant(team: Team, acting_user: User, roles: Iterable[str]) -> None:
    """Refuse (Invalid `cannot_grant`) to give or take a role that holds a right the acting user lacks on the team."""
    own = rights_on(acting_user, team)
    for role in sorted(roles):
        if not rights_of([role]) <= own:
            raise Invalid("cannot_grant", role=role)


def _locked(team: Team, acting_user: User, expected_version: int | None) -> Team:
    """Lock the team before its rights are asked, so that two admins cannot remove each other at once."""
    row = Team.objects.select_for_update(no_key=True).filter(pk=team.pk).first()
    if row is None:
        raise NotFound()
    require(acting_user, "manage_members", row)
    check_version(row, expected_version)
    return row


def _roles(team: Team, user: User) -> set[str]:
    return set(Membership.objects.filter(team=team, user=user).values_list("role", flat=True))


def _refuse_last_admin(team: Team, user: User, held: set[str], wanted: set[str]) -> None:
    if "admin" not in held - wanted:
        return
    others = Membership.objects.filter(team=team, role="admin", user__is_active=True).exclude(user=user)
    if not others.exists():
        raise Refused("last_admin")


def _record(action: str, team: Team, user: User, *, by: User, held: set[str], wanted: set[str]) -> None:
    audit.record(
        action,
        acting_user=by,
        team=team,
        object_type="user",
        object_id=user.pk,
        object_label=user.login,
        before={"roles": sorted(held)},
        after={"roles": sorted(wanted)},
    )
