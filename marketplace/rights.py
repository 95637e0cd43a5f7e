"""Rights on templates: who sees one may be told who can change it, even without belonging to the team that owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.kit.errors import Denied
from teams import access
from teams.roles import roles_with

if TYPE_CHECKING:
    from marketplace.models import Template
    from teams.models import User


def require_on(template: Template, acting_user: User, right: str) -> None:
    """Let pass who holds `right` on the team that owns this template, which the user sees already.

    Raises Denied role_required, with the roles that would do and who can give them.
    """
    if access.holds(acting_user, right, template.team):
        return
    raise Denied(
        "role_required",
        right=right,
        team=template.team.name,
        roles=list(roles_with(right)),
        who=access.granters(acting_user, right, template.team),
    )
