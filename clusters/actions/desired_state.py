"""Start and stop: whether a deployed application has pods. Everything else of it stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from clusters.actions.proposal import begin, lock_application, require_ready
from clusters.models import Application
from console.kit.errors import Refused
from operations.models import Operation
from teams import access

if TYPE_CHECKING:
    from teams.models import User

KINDS = {Application.Desired.RUNNING: "start", Application.Desired.STOPPED: "stop"}
SECONDS = 1800


def set_desired_state(*, application: Application, state: str, acting_user: User) -> Operation:
    """Start or stop an application; what is wanted holds from now on, also for deploys that follow.

    A state that is wanted already is set again only when bringing it about has failed.
    Raises Denied role_required; Refused nothing_deployed, nothing_changed, environment_not_ready, cluster_unreachable,
    operation_in_progress.
    """
    access.require(acting_user, "operate_application", application.environment.team)
    with transaction.atomic():
        row = lock_application(application)
        return _set(row, Application.Desired(state), acting_user)


def _set(row: Application, wanted: Application.Desired, acting_user: User) -> Operation:
    if row.current_revision is None:
        raise Refused("nothing_deployed")
    if row.desired == wanted and not _failed_last(row):
        raise Refused("nothing_changed")
    require_ready(row.environment)
    operation = begin(row, KINDS[wanted], acting_user=acting_user, deadline_seconds=SECONDS)
    row.desired = wanted
    row.save(update_fields=["desired"])
    return operation


def _failed_last(application: Application) -> bool:
    rows = Operation.objects.filter(subject_type="app", subject_id=application.pk, kind__in=KINDS.values())
    last = rows.order_by("-number").first()
    return last is not None and not last.is_active and last.state != "succeeded"
