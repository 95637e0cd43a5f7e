"""Making and revoking access tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from console.kit.api.etags import check_version
from console.kit.context import current
from console.kit.errors import FieldError, Invalid, NotFound, Refused
from console.kit.text import check_name
from teams import audit
from teams.models import Token, User
from teams.secret import new_token


@transaction.atomic
def create_token(*, name: str, expires_at: datetime, acting_user: User) -> tuple[Token, str]:
    """Make an access token for oneself; answers its row and its text, which is shown once.

    Raises Invalid (name; `value_out_of_range` for an end in the past, later than WAYBILL_TOKEN_MAX_DAYS from now, or
    later than that of the token this is asked with) and Refused("name_taken").
    """
    name = check_name(name)
    now, latest = timezone.now(), _latest(acting_user)
    if not now < expires_at <= latest:
        bounds = {"least": _written(now), "most": _written(latest)}
        raise Invalid("invalid", errors=[FieldError("/expires_at", "value_out_of_range", bounds)])
    User.objects.select_for_update(no_key=True).get(pk=acting_user.pk)
    own = Token.objects.filter(user=acting_user)
    if own.filter(name=name, revoked_at=None).exists():
        raise Refused("name_taken", name=name, errors=[FieldError("/name", "name_taken", {"name": name})])
    made = new_token()
    while own.filter(prefix=made.prefix).exists():
        made = new_token()
    token = Token.objects.create(user=acting_user, name=name, prefix=made.prefix, hash=made.hash, expires_at=expires_at)
    _record("token.created", token, acting_user, {"name": name, "expires_at": _written(expires_at)})
    return token, made.text


@transaction.atomic
def revoke_token(*, prefix: str, acting_user: User, expected_version: int | None = None) -> None:
    """End one of one's own tokens at once. Raises NotFound for what is none of them, or was revoked before."""
    token = (
        Token.objects.select_for_update(no_key=True).filter(user=acting_user, prefix=prefix, revoked_at=None).first()
    )
    if token is None:
        raise NotFound()
    check_version(token, expected_version)
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    _record("token.revoked", token, acting_user, {"name": token.name})


def _latest(acting_user: User) -> datetime:
    """A token made with a token does not outlive it: else a stolen one could be made to last."""
    latest = timezone.now() + timedelta(days=settings.WAYBILL_TOKEN_MAX_DAYS)
    using = current().token_id
    end = (
        Token.objects.filter(pk=using, user=acting_user).values_list("expires_at", flat=True).first() if using else None
    )
    return min(latest, end) if end else latest


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _record(action: str, token: Token, acting_user: User, after: dict[str, str]) -> None:
    audit.record(
        action,
        acting_user=acting_user,
        object_type="token",
        object_id=token.pk,
        object_label=token.prefix,
        after=after,
    )
