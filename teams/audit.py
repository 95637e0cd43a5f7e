"""Writing the audit trail: who did what, or was refused it.

An action records its event inside its own transaction, so that nothing is done without its trace. A refusal is written
in a transaction of its own, after that of the refused action is gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from django.db import transaction

from console.kit.context import current
from console.kit.errors import WaybillError
from teams.models import AuditEvent, Enterprise, Team, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.utils.functional import Promise

CHANGED = "(changed)"
"""What stands in `before` and `after` for the value of a secret field."""

_LABEL_MAX = 200
_labels: dict[str, Promise | str] = {}


def register(action: str, label: Promise | str) -> None:
    """Make `action` (`object.verb_in_past_tense`) known, with its label; a later label replaces an earlier one."""
    _labels[action] = label


def label(action: str) -> str:
    """Give the action's label in the active language; an action no longer known is shown as it was written."""
    return str(_labels.get(action, action))


def actions() -> Mapping[str, Promise | str]:
    """Give every registered action with its label."""
    return dict(_labels)


def record(
    action: str,
    *,
    acting_user: User | None,
    object_type: str,
    object_id: uuid.UUID | str,
    object_label: str,
    team: Team | None = None,
    enterprise: Enterprise | None = None,
    environment_id: uuid.UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    result: Literal["done", "refused"] = "done",
) -> AuditEvent:
    """Write one event, with the request, address and token of the current context.

    `enterprise` defaults to the team's, then to the acting user's. Raises KeyError for an unregistered action and
    ValueError when no enterprise is known: both are mistakes of code.
    """
    if action not in _labels:
        raise KeyError(f"audit action {action!r} is not registered")
    root = enterprise or (team or acting_user)
    if root is None:
        raise ValueError("an audit event needs an enterprise")
    owner = root.pk if isinstance(root, Enterprise) else root.enterprise_id
    context = current()
    return AuditEvent.objects.create(
        enterprise_id=owner,
        action=action,
        actor=acting_user,
        token_id=context.token_id,
        object_type=object_type,
        object_id=str(object_id),
        object_label=object_label[:_LABEL_MAX],
        team=team,
        environment_id=environment_id,
        result=result,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
        reason=reason,
        request_id=context.request_id,
        ip=context.ip,
    )


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, secret: Iterable[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keep of two states the fields that differ; a field named in `secret` is shown as "(changed)" on both sides."""
    hidden = set(secret)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: CHANGED if name in hidden else before.get(name) for name in names},
        {name: CHANGED if name in hidden else after.get(name) for name in names},
    )


def refusal(user: User | AnonymousUser, error: WaybillError, *, address: str) -> None:
    """Write that `user` was refused something at `address` (method and path), in a transaction of its own.

    Call it outside of the refused action's transaction. Nobody's refusals are not written: they belong to no
    enterprise, and would let strangers fill the trail.
    """
    if not isinstance(user, User):
        return
    with transaction.atomic(durable=False):
        record(
            "access.refused",
            acting_user=user,
            object_type="address",
            object_id="",
            object_label=address,
            after={"code": error.code, "right": error.params.get("right"), "team": error.params.get("team")},
            result="refused",
        )
