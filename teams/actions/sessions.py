"""Signing in and out.

Tries are counted from the audit trail in PostgreSQL, per account and per network, so that restarting a process or
emptying a cache forgives nothing. An unknown login costs the same time and answers the same bytes as a wrong password.
"""

from __future__ import annotations

import functools
import ipaddress
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, models, transaction
from django.db.models import F, Func, Value
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.crypto import salted_hmac

from console.kit.context import current
from console.kit.errors import FieldError, Invalid, TooMany
from teams import audit
from teams.models import AuditEvent, Enterprise, User
from teams.models.audit import SIGN_IN_FAILED
from teams.secret import new_password

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_NETWORK = 100
"""Failures within the window. A network is an IPv4 /24 or an IPv6 /64: many people may share one."""

_PASSWORD_MAX = 4096


def sign_in(*, login: str, password: str) -> User:
    """Give the active user of this login and password, and audit it either way.

    Raises Invalid("sign_in_refused") (unknown, wrong, disabled: not told apart) and TooMany("too_many_requests") once
    an account or a network failed too often; then the password is not looked at.
    """
    user, refused = _try(login.strip().lower(), password)
    if refused is not None:
        raise refused
    assert user is not None
    return user


def check_own_password(*, password: str, acting_user: User) -> None:
    """Check the present password of someone signed in; counted and refused like signing in, at `/current`."""
    _, refused = _try(acting_user.login, password, signing_in=False)
    if isinstance(refused, TooMany):
        raise refused
    if refused is not None:
        raise Invalid("invalid", errors=[FieldError("/current", "sign_in_refused", {})])


def sign_out(*, acting_user: User) -> None:
    """Audit that a person signed out."""
    audit.record(
        "session.signed_out",
        acting_user=acting_user,
        object_type="user",
        object_id=acting_user.pk,
        object_label=acting_user.login,
    )


@transaction.atomic
def _try(login: str, password: str, *, signing_in: bool = True) -> tuple[User | None, TooMany | Invalid | None]:
    """One try, in a transaction that commits also when it fails: its row is what the next tries are counted by."""
    account = _account(login)
    with connection.cursor() as cursor:
        # One try per account at a time, else many at once would all be counted before any of them failed.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [account])
    wait = max(_wait(PER_ACCOUNT, object_id=account), _network_wait())
    if wait:
        return None, TooMany("too_many_requests", retry_after=wait)
    user = User.objects.select_related("enterprise").filter(login=login).first()
    nobody = _nobody()
    known = user.password if user is not None and user.has_usable_password() else nobody
    right = check_password(password[:_PASSWORD_MAX], known) and len(password) <= _PASSWORD_MAX
    if user is None or not right or not user.is_active:
        _record_failure(account, user)
        return None, Invalid("sign_in_refused")
    if signing_in:
        audit.record(
            "session.signed_in", acting_user=user, object_type="user", object_id=user.pk, object_label=user.login
        )
    return user, None


def _account(login: str) -> str:
    # What people type as a login may be their password: it is kept as a keyed hash, by which it can be counted.
    return salted_hmac("teams.sign_in", login).hexdigest()[:32]


@functools.cache
def _nobody() -> str:
    """The hash that an unknown login is checked against, so that it takes as long as a known one."""
    return make_password(new_password())


def _record_failure(account: str, user: User | None) -> None:
    enterprise = user.enterprise if user else Enterprise.objects.order_by("created_at").first()
    if enterprise is None:
        return
    audit.record(
        SIGN_IN_FAILED,
        acting_user=None,
        enterprise=enterprise,
        object_type="user",
        object_id=account,
        object_label=user.login if user else "",
        result="refused",
    )


class _Inside(Func):
    """`address <<= network` of PostgreSQL."""

    template = "%(expressions)s"
    arg_joiner = " <<= "
    output_field = models.BooleanField()


def _network_wait() -> int:
    ip = current().ip
    if ip is None:
        return 0
    address = ipaddress.ip_address(ip)
    network = ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False)
    there = _Inside(F("ip"), Cast(Value(str(network)), models.GenericIPAddressField()))
    return _wait(PER_NETWORK, there)


def _wait(most: int, *where: Any, **look_up: Any) -> int:
    """Give the seconds until one more try is open: until the failure that fills the window leaves it."""
    since = timezone.now() - WINDOW
    failures = AuditEvent.objects.filter(*where, action=SIGN_IN_FAILED, at__gt=since, **look_up)
    filling = failures.order_by("-at").values_list("at", flat=True)[most - 1 : most].first()
    return 0 if filling is None else max(1, round((filling - since).total_seconds()))
