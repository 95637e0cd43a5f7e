"""Making, changing, disabling and enabling users, and their passwords."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from console.kit.api.etags import check_version
from console.kit.errors import FieldError, Invalid, NotFound, Refused
from console.kit.text import check_login, check_name
from teams import audit
from teams.access import require
from teams.models import Enterprise, User
from teams.models.user import LANGUAGES, THEMES
from teams.roles import ENTERPRISE_ROLES, enterprise_rights_of
from teams.secret import new_password


def create_user(
    *,
    login: str,
    name: str,
    email: str | None = None,
    enterprise_roles: Iterable[str] = (),
    acting_user: User,
) -> tuple[User, str]:
    """Create a user of the acting user's enterprise; answers the user and a password for one use, shown once.

    Needs `manage_users`. Raises Invalid (login, name), Refused("name_taken") for a login or e-mail address in use, and
    Invalid("cannot_grant") for an enterprise role that holds a right the acting user lacks.
    """
    require(acting_user, "manage_users")
    return insert_user(
        enterprise=acting_user.enterprise,
        login=login,
        name=name,
        email=email,
        enterprise_roles=enterprise_roles,
        acting_user=acting_user,
    )


@transaction.atomic
def insert_user(
    *,
    enterprise: Enterprise,
    login: str,
    name: str,
    email: str | None,
    enterprise_roles: Iterable[str],
    acting_user: User | None,
) -> tuple[User, str]:
    """Write a new user: what `create_user` and the command line (nobody acting) share."""
    roles = _granted(acting_user, (), enterprise_roles)
    login, name, email = check_login(login), check_name(name), email or None
    lock_enterprise(enterprise)
    _refuse_taken(login=login, email=email)
    password = new_password()
    user = User(enterprise=enterprise, login=login, name=name, email=email, enterprise_roles=roles)
    user.must_change_password = True
    user.set_password(password)
    user.save()
    audit.record(
        "user.created",
        acting_user=acting_user,
        enterprise=enterprise,
        object_type="user",
        object_id=user.pk,
        object_label=login,
        after={"login": login, "name": name, "email": email, "enterprise_roles": roles},
    )
    return user, password


@transaction.atomic
def change_user(
    *, user: User, changes: Mapping[str, Any], acting_user: User, expected_version: int | None = None
) -> User:
    """Change name, e-mail address, enterprise roles or whether a user is active; `changes` holds what is to change.

    Needs `manage_users`. Raises NotFound (another enterprise), Stale("etag_mismatch"), Invalid, Refused("name_taken")
    and Refused("last_admin") when the enterprise would be left without an active admin.
    """
    require(acting_user, "manage_users")
    if user.enterprise_id != acting_user.enterprise_id:
        raise NotFound()
    lock_enterprise(user.enterprise)
    row: User = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    check_version(row, expected_version)
    before = _state(row)
    if "name" in changes:
        row.name = check_name(changes["name"])
    if "email" in changes and (changes["email"] or None) != row.email:
        row.email = changes["email"] or None
        _refuse_taken(email=row.email, but=row)
    if "enterprise_roles" in changes:
        row.enterprise_roles = _granted(acting_user, row.enterprise_roles, changes["enterprise_roles"])
    if "is_active" in changes:
        row.is_active = changes["is_active"]
    if _state(row) != before:
        _refuse_last_admin(row)
        row.save()
        _record_change(row, before, acting_user)
    return row


@transaction.atomic
def reset_password(*, user: User, acting_user: User, expected_version: int | None = None) -> str:
    """Give a user a new password for one use, shown once; it ends their sessions.

    Needs `manage_users`. Raises NotFound for a user of another enterprise.
    """
    require(acting_user, "manage_users")
    row: User | None = (
        User.objects.select_for_update(no_key=True).filter(pk=user.pk, enterprise=acting_user.enterprise).first()
    )
    if row is None:
        raise NotFound()
    check_version(row, expected_version)
    password = new_password()
    row.set_password(password)
    row.must_change_password = True
    row.save()
    audit.record(
        "user.password_reset", acting_user=acting_user, object_type="user", object_id=row.pk, object_label=row.login
    )
    return password


@transaction.atomic
def change_own_password(*, new: str, acting_user: User) -> User:
    """Give oneself a new password, which ends all other sessions. The present one was checked by `check_own_password`.

    Raises Invalid with `password_too_weak` at `/new`.
    """
    row: User = User.objects.select_for_update(no_key=True).get(pk=acting_user.pk)
    try:
        validate_password(new, row)
    except ValidationError as error:
        weak = [FieldError("/new", "password_too_weak", {"reason": fault.code}) for fault in error.error_list]
        raise Invalid("invalid", errors=weak) from error
    if row.check_password(new):
        raise Invalid("invalid", errors=[FieldError("/new", "password_too_weak", {"reason": "password_unchanged"})])
    row.set_password(new)
    row.must_change_password = False
    row.save()
    audit.record(
        "user.changed",
        acting_user=acting_user,
        object_type="user",
        object_id=row.pk,
        object_label=row.login,
        before={"password": audit.CHANGED},
        after={"password": audit.CHANGED},
    )
    return row


@transaction.atomic
def change_profile(*, changes: Mapping[str, str], acting_user: User) -> User:
    """Change one's own `language`, `time_zone` or `theme` (empty: what the console or the browser says).

    Raises Invalid with `choice_unknown`.
    """
    row: User = User.objects.select_for_update(no_key=True).get(pk=acting_user.pk)
    choices = {"language": LANGUAGES, "theme": THEMES, "time_zone": _zones()}
    wrong = [
        FieldError(f"/{name}", "choice_unknown", {"choices": sorted(choices[name])})
        for name, value in changes.items()
        if value not in choices[name]
    ]
    if wrong:
        raise Invalid("invalid", errors=wrong)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=[*changes])
    return row


def lock_enterprise(enterprise: Enterprise) -> None:
    """Let one writer at a time decide what is counted or unique in the enterprise (to the transaction's end)."""
    Enterprise.objects.select_for_update(no_key=True).get(pk=enterprise.pk)


def _zones() -> set[str]:
    return {"", *zoneinfo.available_timezones()}


def _granted(acting_user: User | None, held: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Refuse to give or take an enterprise role with a right one lacks; nobody acting is the command line."""
    roles = set(wanted)
    own = acting_user.enterprise_rights if acting_user else enterprise_rights_of(ENTERPRISE_ROLES)
    for role in sorted(roles ^ set(held)):
        if not enterprise_rights_of([role]) <= own:
            raise Invalid("cannot_grant", role=role)
    return [role for role in ENTERPRISE_ROLES if role in roles]


def _refuse_taken(*, login: str | None = None, email: str | None, but: User | None = None) -> None:
    others = User.objects.exclude(pk=but.pk) if but else User.objects.all()
    if login and others.filter(login=login).exists():
        raise Refused("name_taken", name=login, errors=[FieldError("/login", "name_taken", {"name": login})])
    if email and others.filter(email__iexact=email).exists():
        raise Refused("name_taken", name=email, errors=[FieldError("/email", "name_taken", {"name": email})])


def _refuse_last_admin(row: User) -> None:
    was_admin = User.objects.enterprise_admins(row.enterprise).filter(pk=row.pk).exists()
    others = User.objects.enterprise_admins(row.enterprise).exclude(pk=row.pk)
    if was_admin and not row.is_enterprise_admin and not others.exists():
        raise Refused("last_admin")


def _state(row: User) -> dict[str, Any]:
    return {
        "name": row.name,
        "email": row.email,
        "enterprise_roles": list(row.enterprise_roles),
        "is_active": row.is_active,
    }


def _record_change(row: User, before: Mapping[str, Any], acting_user: User) -> None:
    """One event for what changed, and one of its own for being disabled or enabled."""
    old, new = audit.changes(before, _state(row))
    record = partial(
        audit.record, acting_user=acting_user, object_type="user", object_id=row.pk, object_label=row.login
    )
    if "is_active" in new:
        record("user.enabled" if new.pop("is_active") else "user.disabled")
        old.pop("is_active")
    if new:
        record("user.changed", before=old, after=new)
