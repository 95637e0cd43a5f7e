"""The loop as a part of the Celery worker: it begins with the worker and ends with it."""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from operations.engine.loop import Loop


class EngineStep(bootsteps.StartStopStep):
    """Starts the loop before the worker connects to the broker; stops it on SIGTERM."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._loop: Loop | None = None

    def start(self, parent: Any) -> None:
        """Begin."""
        self._loop = Loop()
        self._loop.start()

    def stop(self, parent: Any) -> None:
        """End in good order, within 10 s."""
        if self._loop is not None:
            self._loop.stop()
            self._loop = None

    terminate = stop
