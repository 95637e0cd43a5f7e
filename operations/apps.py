"""The app `operations`."""

from __future__ import annotations

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """The app `operations`."""

    name = "operations"
