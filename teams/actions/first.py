"""The first people of a deployment, made from the command line."""

from __future__ import annotations

from django.db import connection, transaction

from console.kit.errors import Refused
from teams.actions.users import insert_user
from teams.models import Enterprise, User
from teams.roles import ADMIN

SLUG = "main"


@transaction.atomic
def create_first_admin(*, login: str, name: str | None = None, enterprise_name: str = "Main") -> tuple[User, str]:
    """Make the enterprise (if there is none) and its first admin; answers the user and a password for one use.

    Raises Refused("in_use") when the enterprise has an active admin already: further ones are made by that one, who can
    also reset a forgotten password.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('teams.first_admin', 0))")
    enterprise = Enterprise.objects.order_by("created_at").first()
    if enterprise is None:
        enterprise = Enterprise.objects.create(slug=SLUG, name=enterprise_name)
    admins = list(User.objects.enterprise_admins(enterprise).values_list("login", flat=True))
    if admins:
        raise Refused("in_use", blockers=admins)
    return insert_user(
        enterprise=enterprise,
        login=login,
        name=name or login,
        email=None,
        enterprise_roles=[ADMIN],
        acting_user=None,
    )
