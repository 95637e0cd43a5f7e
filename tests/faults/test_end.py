"""SIGTERM of the worker as it is run: it leaves at a boundary, frees its lease, and ends within ten seconds."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import Any

import pytest
from django.utils import timezone

from console.dev.servers import Valkey
from operations.models import Duty, Fence, Operation
from tests.faults.conftest import Nursery
from tests.faults.hooks import Plan
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.waiting import until

pytestmark = pytest.mark.timeout(240)


def at_step(operation: Operation, key: str) -> bool:
    return operation.steps.filter(key=key, state="running").exists()


def test_a_worker_that_is_asked_to_end_frees_its_lease(
    celery_worker: subprocess.Popen[bytes], broker: Valkey, nursery: Nursery, shop: Shop, ledger: toy.Ledger
) -> None:
    options: dict[str, Any] = {"world": ledger.address, "pause_at": "write:b", "environment_id": shop.enterprise.pk}
    operations = [toy.begin(shop.enterprise, shop.user, shop.team, **options) for _ in range(3)]
    for operation in operations:
        until(lambda: at_step(operation, "write:b"), seconds=90, what="the second write")  # noqa: B023
    began = time.monotonic()
    celery_worker.send_signal(signal.SIGTERM)
    assert celery_worker.wait(timeout=30) == 0
    assert time.monotonic() - began < 10
    for operation in operations:
        operation.refresh_from_db()
        assert (operation.state, operation.lease_until, operation.attempts) == ("running", None, 0)
    assert not Duty.objects.filter(lease_until__isnull=False).exists()
    nursery.worker()
    for operation in operations:
        ledger.entries.append(toy.Entry(operation.name, "go", ""))
        assert ended(operation).state == "succeeded"
        assert (operation.epoch, operation.attempts) == (2, 0)
        assert [step for step in ledger.of(operation.name) if step != "go"] == list(toy.WRITES)
    assert not Fence.objects.exists(), "a clean hand-over changes no key"


@pytest.mark.proof("R3")
def test_a_worker_starts_works_and_ends_without_a_broker(
    celery_worker: subprocess.Popen[bytes], shop: Shop, ledger: toy.Ledger
) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    assert ended(operation, seconds=90).state == "succeeded"
    celery_worker.send_signal(signal.SIGTERM)
    celery_worker.wait(timeout=15)


def test_the_doorbell_wakes_a_worker_at_once(broker: Valkey, nursery: Nursery, shop: Shop, ledger: toy.Ledger) -> None:
    nursery.worker(Plan(without=("sweep",)))
    first = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    assert ended(first, seconds=60).state == "succeeded"
    for _ in range(5):
        operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
        ended(operation)
        assert operation.started_at is not None
        assert (operation.started_at - operation.created_at).total_seconds() < 3, "nothing else wakes it"


@pytest.mark.control("R3")
def test_control_without_the_sweep_a_lost_ring_is_a_lost_operation(
    broker: Valkey, nursery: Nursery, shop: Shop, ledger: toy.Ledger
) -> None:
    nursery.worker(Plan(without=("sweep",)))
    ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address), seconds=60)
    broker.stop()
    lost = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    until(lambda: (timezone.now() - lost.created_at).total_seconds() > 6, what="three sweeps' time")
    lost.refresh_from_db()
    assert lost.state == "queued"
    nursery.worker()
    assert ended(lost).state == "succeeded"
