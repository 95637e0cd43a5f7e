"""The app `clusters`."""

from __future__ import annotations

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    """Clusters, environments, applications."""

    name = "clusters"

    def ready(self) -> None:
        """Make runners, duties, places and words known to the apps below."""
        from clusters import registration

        registration.register()
