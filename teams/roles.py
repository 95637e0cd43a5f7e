"""The one table of roles and rights. Pure: which role holds which right, and nothing else.

Team rights are Django permissions on a team, held through membership. Enterprise rights are plain strings, held through
`User.enterprise_roles`; an enterprise admin holds every right everywhere in the enterprise. Roles add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

ADMIN: Final = "admin"
MARKET_ADMIN: Final = "market_admin"

TEAM_ROLES: Final = ("admin", "developer", "tester", "delivery", "viewer")
ENTERPRISE_ROLES: Final = (ADMIN, MARKET_ADMIN)

_EVERY = frozenset(TEAM_ROLES)

TEAM_RIGHTS: Final[dict[str, frozenset[str]]] = {
    "view_team": _EVERY,
    "manage_members": frozenset({"admin"}),
    "edit_application": frozenset({"admin", "developer"}),
    "operate_application": frozenset({"admin", "developer", "tester", "delivery"}),
    "publish_application": frozenset({"admin", "developer"}),
    "deliver_test": frozenset({"admin", "developer", "tester", "delivery"}),
    "deliver_production": frozenset({"admin", "delivery"}),
    "mark_version": frozenset({"admin", "tester"}),
}
"""Team right → the team roles that hold it."""

ENTERPRISE_RIGHTS: Final[dict[str, frozenset[str]]] = {
    "manage_clusters": frozenset({ADMIN}),
    "manage_teams": frozenset({ADMIN}),
    "manage_users": frozenset({ADMIN}),
    "manage_registry": frozenset({ADMIN}),
    "view_audit": frozenset({ADMIN}),
    "manage_market": frozenset({ADMIN, MARKET_ADMIN}),
}
"""Enterprise right → the enterprise roles that hold it."""

RIGHTS: Final = frozenset(TEAM_RIGHTS) | frozenset(ENTERPRISE_RIGHTS)

ROLE_LABELS: Final[dict[str, Promise]] = {
    "admin": pgettext_lazy("team role", "Team admin"),
    "developer": pgettext_lazy("team role", "Developer"),
    "tester": pgettext_lazy("team role", "Tester"),
    "delivery": pgettext_lazy("team role", "Delivery"),
    "viewer": pgettext_lazy("team role", "Viewer"),
}
ENTERPRISE_ROLE_LABELS: Final[dict[str, Promise]] = {
    ADMIN: pgettext_lazy("enterprise role", "Enterprise admin"),
    MARKET_ADMIN: pgettext_lazy("enterprise role", "Market admin"),
}
RIGHT_LABELS: Final[dict[str, Promise]] = {
    "view_team": _("See the team"),
    "manage_members": _("Manage members"),
    "edit_application": _("Edit applications"),
    "operate_application": _("Start and stop applications"),
    "publish_application": _("Publish applications"),
    "deliver_test": _("Deliver to test environments"),
    "deliver_production": _("Deliver to production environments"),
    "mark_version": _("Mark versions as Release"),
    "manage_clusters": _("Manage clusters"),
    "manage_teams": _("Manage teams and environments"),
    "manage_users": _("Manage users"),
    "manage_registry": _("Manage the image registry"),
    "view_audit": _("Read the audit log"),
    "manage_market": _("Manage the app market"),
}


def rights_of(team_roles: Iterable[str]) -> frozenset[str]:
    """Give the team rights that these team roles hold together."""
    held = set(team_roles)
    return frozenset(right for right, roles in TEAM_RIGHTS.items() if roles & held)


def enterprise_rights_of(enterprise_roles: Iterable[str]) -> frozenset[str]:
    """Give the enterprise rights that these enterprise roles hold together."""
    held = set(enterprise_roles)
    return frozenset(right for right, roles in ENTERPRISE_RIGHTS.items() if roles & held)


def roles_with(right: str) -> tuple[str, ...]:
    """Give the roles that hold `right`, in the table's order: team roles for a team right, else enterprise roles."""
    if right in TEAM_RIGHTS:
        return tuple(role for role in TEAM_ROLES if role in TEAM_RIGHTS[right])
    return tuple(role for role in ENTERPRISE_ROLES if role in ENTERPRISE_RIGHTS[right])
