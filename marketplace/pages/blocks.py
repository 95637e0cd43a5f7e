"""What keeps an application from being changed right now, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from clusters.actions.proposal import require_ready
from clusters.models import Application
from console.kit import messages
from console.kit.errors import Refused, WaybillError
from operations import words
from operations.models import Operation
from operations.states import ACTIVE


def blocked(application: Application) -> str:
    """Say what is in the way of a change; empty when nothing is."""
    if application.desired == Application.Desired.STOPPED:
        return _said(Refused("application_stopped", application=application.name))
    try:
        require_ready(application.environment)
    except Refused as error:
        return _said(error)
    rows = Operation.objects.filter(lock_key=application.lock_key, state__in=ACTIVE).select_related("initiator")
    running = rows.first()
    if running is None:
        return ""
    return _("%(name)s (%(operation)s) is under way; the next change can begin once it has ended.") % {
        "name": words.headline(running),
        "operation": running.name,
    }


def _said(error: WaybillError) -> str:
    return messages.said(error.code, error.params)
