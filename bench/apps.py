"""The bench as an app, so that the processes of a bench know its kind of operation."""

from __future__ import annotations

from django.apps import AppConfig

STEPS = 8


class BenchConfig(AppConfig):
    """Registers the kind."""

    name = "bench"

    def ready(self) -> None:
        """Do it."""
        from bench.kinds import EightSteps
        from operations import registry

        registry.register(EightSteps())
