"""The app `clusters`."""

from __future__ import annotations

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    """The app `clusters`."""

    name = "clusters"
