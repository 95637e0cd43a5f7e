"""What there is to meet: things of every kind, their names, and people who keep their place whatever they break."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from console.kit.errors import WaybillError
from operations.actions.cancel import cancel
from operations.models import Operation
from operations.states import ACTIVE
from teams import grants
from teams.models import Token, User
from tests.access.matrix import furnished, rows
from tests.cast import NOBODY, Cast

PEOPLE = ("admin", "developer", NOBODY)
_OWN_ROLES = {"developer": ("developer", "tester", "delivery")}
# Where a body names a thing: the field, and the part of an address whose names it may be.
_FIELDS = {
    "body.template": "template",
    "body.template.slug": "template",
    "body.version": "number",
    "body.revision": "number",
    "body.environments[*]": "environment",
    "body.verified_on.environment": "environment",
    "body.verified_on.app": "app",
    "body.cluster": "cluster",
    "body.environment.cluster": "cluster",
    "body.components[*]": "key",
    "body.depends_on[*]": "key",
    "body.members[*].login": "login",
    "body.check": "operation",
    "body.test": "operation",
    "body.plan_id": "operation",
}
_QUERY = {"query.environment": "environment", "query.team": "team", "query.actor": "login", "query.from": "number"}
_OFTEN, _SOMETIMES = 0.8, 0.5


@dataclass
class World:
    """Everyone and everything, in a database that the server sees."""

    cast: Cast = field(default_factory=furnished)

    @transaction.atomic
    def __post_init__(self) -> None:
        for part, roles in _OWN_ROLES.items():
            grants.set_roles(self.cast.team, getattr(self.cast, part), roles, granted_by=self.cast.admin)

    def token(self, part: str) -> str | None:
        """Give the access token of a person; None for nobody."""
        return self.cast.api(part).token

    def names(self) -> dict[str, list[str | int]]:
        """Give part of an address → names that exist, of one's own things and of foreign ones."""
        found: dict[str, dict[str | int, None]] = defaultdict(dict)
        for row in rows().values():
            if row.at is None:
                continue
            for place in (row.at.own, row.at.foreign):
                for part, name in place(self.cast).items():
                    found[part][int(name) if name.isdigit() else name] = None
        for operation in Operation.objects.order_by("number")[:20]:
            found["operation"][operation.name] = found["number"][operation.name] = None
        return {part: list(names) for part, names in found.items()}

    def dictionaries(self) -> dict[str, Any]:
        """Give the names, and where they are tried, as the generator of requests is told."""
        names = self.names()
        bound = {f"path.{part}": (part, _OFTEN) for part in names}
        bound |= {place: (part, _SOMETIMES) for place, part in (_FIELDS | _QUERY).items()}
        return {
            "dictionaries": {part: {"values": values} for part, values in names.items()},
            "parameters": {place: {"dictionary": part, "probability": often} for place, (part, often) in bound.items()},
        }

    def revive(self, part: str) -> None:
        """Give a person back what they have taken from themselves, and end the work that would block the next one."""
        try:
            self._restore(part)
            for operation in Operation.objects.filter(state__in=ACTIVE, parent=None, cancel_requested_at=None):
                try:
                    cancel(operation=operation, acting_user=self.cast.admin)
                except WaybillError:
                    continue  # another enterprise's, or past the point
        finally:
            connection.close()  # each thread that asks has a connection of its own

    @transaction.atomic
    def _restore(self, part: str) -> None:
        for person in {part, "admin"} - {NOBODY}:
            user = getattr(self.cast, person)
            roles = ["admin"] if person == "admin" else []
            User.objects.filter(pk=user.pk).update(is_active=True, must_change_password=False, enterprise_roles=roles)
            year = timezone.now() + timedelta(days=300)
            Token.objects.filter(user=user, name__startswith="token ").update(revoked_at=None, expires_at=year)
        if part in _OWN_ROLES:
            user = User.objects.get(pk=getattr(self.cast, part).pk)
            grants.set_roles(self.cast.team, user, _OWN_ROLES[part], granted_by=self.cast.admin)
