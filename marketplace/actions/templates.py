"""Change what a template is called and who sees it. Its versions never change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from clusters.actions.saving import save_unique
from console.kit import text
from console.kit.api import check_version
from console.kit.errors import Refused
from marketplace import rights
from marketplace.actions.publish import check_intro, check_tags
from marketplace.models import Template
from teams import access, audit
from teams.models import User

OWN = frozenset({"intro", "tags"})
"""What the team that owns a template may change; name and scope belong to the market's admins."""


def change_template(
    *,
    acting_user: User,
    template: Template,
    expected_version: int | None = None,
    name: str | None = None,
    scope: str | None = None,
    intro: str | None = None,
    tags: Sequence[str] | None = None,
) -> Template:
    """Change the given fields of a template the user sees.

    Market admins may change all, publishers of the team that owns it intro and tags. Raises Denied role_required,
    Refused name_taken, Stale etag_mismatch, Invalid.
    """
    given: dict[str, Any] = {"name": name, "scope": scope, "intro": intro, "tags": tags}
    wanted = {field: value for field, value in given.items() if value is not None}
    if not access.holds(acting_user, "manage_market"):
        if set(wanted) <= OWN:
            rights.require_on(template, acting_user, "publish_application")
        else:
            access.require(acting_user, "manage_market")
    with transaction.atomic():
        row = Template.objects.select_for_update(of=("self",)).select_related("team").get(pk=template.pk)
        check_version(row, expected_version)
        before = {field: getattr(row, field) for field in wanted}
        for field, value in wanted.items():
            setattr(row, field, _checked(field, value))
        save_unique(row, {"template_name": Refused("name_taken", name=row.name)})
        _record(acting_user, row, before)
    return row


def _checked(field: str, value: Any) -> Any:
    if field == "name":
        return text.check_name(value)
    if field == "intro":
        return check_intro(value)
    if field == "tags":
        return check_tags(value)
    return value


def _record(acting_user: User, row: Template, before: dict[str, Any]) -> None:
    old, new = audit.changes(before, {field: getattr(row, field) for field in before})
    if not new:
        return
    audit.record(
        "template.changed",
        acting_user=acting_user,
        object_type="template",
        object_id=row.pk,
        object_label=row.name,
        team=row.team,
        before=old,
        after=new,
    )
