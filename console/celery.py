"""The Celery app: it rings a worker's loop, and holds nothing. The rows are the queue.

A ring is an early-acknowledged message without a result; one that is lost costs up to two seconds, never work.
"""

from __future__ import annotations

import os
from typing import Any

import django
from celery import Celery, signals
from django.apps import apps
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")

app = Celery("waybill", broker=settings.WAYBILL_REDIS_URL)
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_pool="threads",
    worker_concurrency=2,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    worker_soft_shutdown_timeout=10,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Without max_retries 0 every POST would hang for seconds while the broker is gone.
    broker_transport_options={
        "socket_connect_timeout": 0.2,
        "socket_timeout": 0.2,
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    },
    task_publish_retry=False,
    task_default_queue="waybill",
    enable_utc=True,
)
app.autodiscover_tasks(["operations"])


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Answer Celery's question whether logging is set up: it is, by the settings."""


if not apps.models_ready:
    # `celery -A console` comes here first; a web process comes here from an app that is being made ready.
    django.setup()

from operations.engine.bootstep import EngineStep  # noqa: E402  (its models must be loaded first)

app.steps["worker"].add(EngineStep)
