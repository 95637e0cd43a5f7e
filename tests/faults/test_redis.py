"""Redis flushed, killed, and hanging: operations end all the same, and a request that starts one stays quick."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis

from console.dev.servers import Valkey
from operations.models import Operation
from tests.faults.conftest import Nursery
from tests.faults.proofs import Tally, percentile
from tests.faults.size import FULL, size
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.operations.test_api import post, signed_in
from tests.waiting import until

pytestmark = [pytest.mark.timeout(size(240, 3600)), pytest.mark.urls("tests.operations.urls")]


@pytest.fixture
def flushing(broker: Valkey) -> Iterator[list[int]]:
    """Flush the broker ten times a second for the whole test; gives the list of flushes."""
    flushes: list[int] = []
    over = threading.Event()

    def flush() -> None:
        with redis.Redis.from_url(broker.url) as client:
            while not over.wait(0.1):
                with suppress(redis.ConnectionError):  # once a test has killed it
                    client.flushall()
                    flushes.append(1)

    thread = threading.Thread(target=flush)
    thread.start()
    yield flushes
    over.set()
    thread.join()


@pytest.mark.proof("R3")
def test_a_broker_that_forgets_everything_loses_nothing(
    flushing: list[int], nursery: Nursery, shop: Shop, ledger: toy.Ledger, tally: Tally
) -> None:
    for _ in range(2):
        nursery.worker()
    operations = [toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address) for _ in range(size(20, 500))]
    tally.runs(len(operations))
    for operation in operations:
        assert ended(operation, seconds=size(90, 900)).state == "succeeded"
        assert ledger.of(operation.name) == list(toy.WRITES)
    assert len(flushes := flushing) > 5, flushes


@pytest.mark.proof("R3")
def test_a_broker_that_dies_in_mid_operation_and_comes_back(
    broker: Valkey, nursery: Nursery, shop: Shop, ledger: toy.Ledger, tally: Tally
) -> None:
    worker = nursery.worker()
    inside = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at="write:b")
    until(lambda: inside.steps.filter(key="write:b", state="running").exists(), seconds=60, what="mid-operation")
    assert broker.process is not None
    broker.process.kill()
    broker.process.wait()
    times = []
    client = signed_in(shop.user)
    meanwhile = []
    gone = time.monotonic()
    number = 0
    while number < 20 or time.monotonic() - gone < size(0, 180):
        time.sleep(size(0, 0.5))  # people's pace
        began = time.monotonic()
        answer = post(client, "/api/v1/toys", {"world": ledger.address}, key=f"dark-{number}")
        times.append(time.monotonic() - began)
        assert answer.status_code == 202
        meanwhile.append(Operation.objects.get(number=int(answer.json()["id"].removeprefix("op-"))))
        number += 1
    tally.runs(number)
    ledger.entries.append(toy.Entry(inside.name, "go", ""))
    for operation in [inside, *meanwhile]:
        assert ended(operation, seconds=90).state == "succeeded"
        assert operation.attempts == 0
    assert sorted(times)[-2] < 3, "without the limits of the ring each would take six seconds"
    if FULL:
        assert percentile(times, 0.99) <= 0.3
    broker.start()
    after = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    assert ended(after).state == "succeeded"
    assert worker.code is None


@pytest.mark.proof("R3")
def test_a_broker_that_hangs_costs_a_request_a_fifth_of_a_second(broker: Valkey, shop: Shop) -> None:
    import signal

    assert broker.process is not None
    client = signed_in(shop.user)
    post(client, "/api/v1/toys", key="before")
    with redis.Redis.from_url(broker.url) as asked:
        pid = int(asked.info("server")["process_id"])
    import os

    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert post(client, "/api/v1/toys", key="hanging").status_code == 202
        assert time.monotonic() - began < 4, "without the limits of the ring it would wait for good"
    finally:
        os.kill(pid, signal.SIGCONT)
