"""The app `marketplace`."""

from __future__ import annotations

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """The app `marketplace`."""

    name = "marketplace"
