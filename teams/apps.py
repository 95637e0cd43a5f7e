"""The app `teams`."""

from __future__ import annotations

from django.apps import AppConfig


class TeamsConfig(AppConfig):
    """The app `teams`."""

    name = "teams"
