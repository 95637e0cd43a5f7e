"""The engine in one process: from a row to its end, and every way in which that end may be a bad one."""

from __future__ import annotations

import pytest

from operations.engine.loop import Loop
from operations.models import Operation
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop


def keys_and_states(operation: Operation) -> list[tuple[str, str]]:
    return list(operation.steps.order_by("seq").values_list("key", "state"))


def test_an_operation_runs_step_by_step_to_its_end(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address))
    assert (operation.state, operation.changed, operation.percent) == ("succeeded", "all", 100)
    assert (operation.done, operation.total, operation.epoch, operation.attempts) == (5, 5, 1, 0)
    assert (operation.lease_owner, operation.lease_until) == (None, None)
    assert keys_and_states(operation) == [(key, "done") for key in toy.STEPS]
    assert ledger.of(operation.name) == list(toy.WRITES)
    assert ledger.agents(operation.name)[0] == f"waybill {operation.name} epoch/1 write:a"
    codes = list(operation.events.order_by("id").values_list("code", flat=True))
    assert codes == ["started", "written", "written", "written", "operation_succeeded"]


@pytest.mark.parametrize("kind", ["toy", "tidy"])
def test_a_refusal_of_the_world_fails_the_operation_with_its_words(
    loop: Loop, shop: Shop, ledger: toy.Ledger, kind: str
) -> None:
    operation = ended(
        toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, kind=kind, reject_at="write:b")
    )
    assert (operation.state, operation.changed) == ("failed", "part")
    assert (operation.outcome_code, operation.outcome_params) == ("registry_full", {"registry": "toy"})
    undone = [("undo", "done")] if kind == "tidy" else []
    assert keys_and_states(operation) == [
        ("check", "done"),
        ("write:a", "done"),
        ("write:b", "failed"),
        ("write:c", "skipped"),
        ("finish", "skipped"),
        *undone,
    ]
    assert ledger.of(operation.name) == ["write:a", *(["undone"] if kind == "tidy" else [])]
