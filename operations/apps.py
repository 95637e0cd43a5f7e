"""The app `operations`."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    """The engine: operations, their steps and logs, and the workers' loop."""

    name = "operations"

    def ready(self) -> None:
        """Make the engine's audit actions and duties known."""
        from operations import housekeeping, words
        from teams import audit

        housekeeping.register()
        words.register()
        audit.register("operation.cancel_requested", _("Cancel requested"))
        audit.register("operation.cancelled", _("Operation cancelled"))
        audit.register("operation.retried", _("Operation retried"))
