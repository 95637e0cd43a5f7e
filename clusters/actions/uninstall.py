"""Uninstall: take an application off its cluster, made by hand or from the market; its volumes stay unless said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from clusters.actions.proposal import begin, lock_application, require_ready
from clusters.models import Application, AppliedObject, Revision
from console.kit.canonical import digest
from console.kit.errors import Refused
from operations.actions.enqueue import in_progress
from operations.models import Operation
from teams import access, audit

if TYPE_CHECKING:
    from teams.models import User

KIND = Revision.Kind.UNINSTALL
DELETE_VOLUMES = "delete_volumes"


def right_of(application: Application) -> str:
    """Give the right that removing an application needs: who edits one made by hand, who delivers one of the market."""
    if application.origin == Application.Origin.MADE:
        return "edit_application"
    return application.environment.deliver_right


def uninstall(
    *, acting_user: User, application: Application, delete_volumes: bool = False, confirm_name: str | None = None
) -> Operation | None:
    """Start to remove an application from its cluster; one of which nothing is there is gone at once, with None.

    Deleting its volumes needs its slug typed as `confirm_name`. Raises Denied role_required; Refused
    confirmation_required (with the claims), operation_in_progress, environment_not_ready, cluster_unreachable.
    """
    access.require(acting_user, right_of(application), application.environment.team)
    with transaction.atomic():
        row = lock_application(application)
        if Operation.objects.active().filter(lock_key=row.lock_key).exists():
            raise in_progress(row.lock_key)
        if delete_volumes and confirm_name != row.slug:
            raise Refused("confirmation_required", consents=[{"consent": DELETE_VOLUMES, "items": _claims(row)}])
        if not _has_anything(row):
            forget(row, acting_user)
            return None
        require_ready(row.environment)
        volumes = "delete" if delete_volumes else "keep"
        operation = begin(row, KIND, acting_user=acting_user, input={"volumes": volumes})
        document = {"schema": 1, "components": []}
        Revision.objects.create(
            application=row,
            number=(row.revisions.order_by("-number").values_list("number", flat=True).first() or 0) + 1,
            kind=KIND,
            document=document,
            document_hash=digest(document),
            source=row.current_revision.source if row.current_revision else None,
            based_on=row.current_revision,
            operation=operation,
        )
    return operation


def forget(application: Application, acting_user: User | None) -> None:
    """Remove the row of an application that is no longer on its cluster; inside a transaction."""
    application.removed_at = timezone.now()
    application.save(update_fields=["removed_at"])
    audit.record(
        "application.uninstalled",
        acting_user=acting_user,
        object_type="app",
        object_id=application.pk,
        object_label=f"{application.environment.slug}/{application.slug}",
        team=application.environment.team,
        environment_id=application.environment_id,
    )


def _has_anything(application: Application) -> bool:
    return application.current_revision is not None or AppliedObject.objects.filter(application=application).exists()


def _claims(application: Application) -> list[str]:
    rows = AppliedObject.objects.filter(application=application, kind="PersistentVolumeClaim")
    return sorted(rows.values_list("name", flat=True))
