"""The peer of an operation: the same eight steps as a Celery chain, with its results in the broker."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("chain", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"], set_as_current=False)
app.conf.update(task_default_queue="chain", worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)


@app.task(name="bench.step")
def step(seen: int = 0) -> int:
    """One step, which hands on how many came before."""
    return seen + 1
