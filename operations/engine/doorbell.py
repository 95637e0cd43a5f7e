"""The bell of this process: set by the Celery task, waited for by the loop."""

from __future__ import annotations

import threading

bell = threading.Event()


def ring() -> None:
    """Wake the loop, if this process has one."""
    bell.set()
