"""The shell as an app: it carries management commands and, once every model is loaded, the Celery app."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The shell that knows every app."""

    name = "console"

    def ready(self) -> None:
        """Make the Celery app the current one, so that a ring from a web process finds its broker."""
        import_module("console.celery")
