"""Redis forgets everything all the time, then is gone, in the middle of installations: nobody but the bell notices."""

from __future__ import annotations

import time

import pytest

from console.dev.servers import Valkey
from tests.clusters.delivery.house import done
from tests.faults.conftest import Nursery
from tests.faults.installing import begin, components, left
from tests.faults.test_redis import flushing
from tests.marketplace.deliver.stage import Stage
from tests.waiting import until

__all__ = ["flushing"]
pytestmark = pytest.mark.timeout(240)


@pytest.mark.proof("R3")
def test_a_broker_that_forgets_and_dies_in_mid_installation(
    broker: Valkey, flushing: list[int], nursery: Nursery, stage: Stage
) -> None:
    stage.version("1.0", components())
    worker = nursery.worker()
    inside = begin(stage, "test", "run-01")
    at_work = inside.steps.filter(key="component:db", state="running")
    until(at_work.exists, seconds=60, what="mid-installation")
    assert flushing, "it was flushed meanwhile"
    assert broker.process is not None
    broker.process.kill()
    broker.process.wait()
    began = time.monotonic()
    meanwhile = begin(stage, "prod", "run-02")  # 202, or it would raise
    assert time.monotonic() - began < 1
    for run in (inside, meanwhile):
        done(run, seconds=90)
        assert run.attempts == 0
    ends = left(stage, "test", "run-01"), left(stage, "prod", "run-02")
    assert ends[0].objects == ends[1].objects
    assert all(end.inventory == end.uids for end in ends)
    assert worker.code is None
