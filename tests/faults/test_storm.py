"""Workers killed at random under twenty operations, and the database restarted: everything ends, once."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from console.dev.servers import Valkey
from operations.models import Operation, OperationEvent
from tests.faults.conftest import Nursery
from tests.faults.proofs import Tally
from tests.faults.size import dice
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)


@pytest.mark.proof("R2")
def test_random_kills_under_load(
    broker: Valkey, nursery: Nursery, shop: Shop, ledger: toy.Ledger, tally: Tally
) -> None:
    roll, kills = dice("R2"), list[float]()
    workers = [nursery.worker() for _ in range(2)]
    operations = [
        toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, fenced=True) for _ in range(20)
    ]
    for _ in range(4):
        until(busy, seconds=60, what="work under way")
        victim = roll.choice(workers)
        kills.append(time.time())
        victim.signal("KILL")
        victim.wait()
        workers.remove(victim)
        workers.append(nursery.worker())
    killed_last = time.monotonic()
    for operation in operations:
        assert ended(operation, seconds=90).state == "succeeded", operation.outcome_code
        assert ledger.of(operation.name) == list(toy.WRITES)
    assert time.monotonic() - killed_last < 60
    assert sum(operation.attempts for operation in operations) >= 1
    tally.runs(len(kills))
    tally.recovered(recoveries(kills))


def recoveries(kills: list[float]) -> list[float]:
    """The seconds from each kill to the moment when the next owner went on with an operation that was under way."""
    moments = OperationEvent.objects.filter(code="taken_over").values_list("at", flat=True)
    return [min(at.timestamp() - kill for kill in kills if kill < at.timestamp()) for at in moments]


def busy() -> bool:
    """Whether some operation is held by a live lease, or all have ended."""
    rows = Operation.objects.filter(is_batch=False)
    return rows.filter(lease_until__gt=timezone.now()).exists() or not rows.active().exists()
