"""The one Celery task: it rings the loop of its process and returns. The row is the work."""

from __future__ import annotations

from celery import shared_task

from operations.engine import doorbell


@shared_task(name="operations.ring", ignore_result=True)
def ring(operation_id: str) -> None:
    """Wake this process's loop; `operation_id` is for the log of the broker alone."""
    doorbell.ring()
