"""What the database itself holds, asked by SQL as the application's role."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from console.kit.errors import Refused
from operations import states
from operations.models import Operation, OperationEvent, Step
from tests.operations import toy
from tests.operations.people import make_shop

pytestmark = pytest.mark.django_db


def at(state: str) -> Operation:
    """Make an operation and lead it to `state` by legal moves."""
    shop = make_shop()
    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    roads = {"queued": [], "running": ["running"], "waiting": ["running", "waiting"]}
    for step in roads.get(state, ["running", state]):
        move(operation, step)
    return operation


def move(operation: Operation, state: str) -> None:
    finished = timezone.now() if state in states.TERMINAL else None
    Operation.objects.filter(pk=operation.pk).update(state=state, finished_at=finished)


@pytest.mark.parametrize("old", states.STATES)
def test_the_database_and_the_table_agree_on_every_move(old: str) -> None:
    operation = at(old)
    for new in states.STATES:
        if new == old:
            continue
        try:
            with transaction.atomic():
                move(operation, new)
                legal = True
                transaction.set_rollback(True)
        except IntegrityError:
            legal = False
        assert legal is states.may_move(old, new), f"{old} → {new}"


@pytest.mark.parametrize("state", states.TERMINAL)
def test_an_ended_operation_changes_by_losing_its_sealed_input_only(state: str) -> None:
    shop = make_shop()
    operation = toy.begin(shop.enterprise, shop.user, shop.team, sealed={"password": "p"})
    move(operation, "running")
    move(operation, state)
    rows = Operation.objects.filter(pk=operation.pk)
    for change in ({"outcome_code": "internal"}, {"done": 3}, {"epoch": 9}, {"plan": {"a": 1}}, {"sealed": "wb1.x.y"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(sealed=None, done=3)
    assert rows.update(sealed=None) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(sealed=None)


def test_what_an_operation_is_does_not_change() -> None:
    rows = Operation.objects.filter(pk=at("running").pk)
    for change in ({"kind": "other"}, {"lock_key": "other"}, {"input": {"a": 1}}, {"number": 99}, {"epoch": -1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


def test_a_row_at_rest_holds_no_lease() -> None:
    shop = make_shop()
    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.filter(pk=operation.pk).update(lease_owner="w", lease_until=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.filter(pk=operation.pk).update(state="running", lease_owner="w")


def test_an_operation_is_born_queued_and_a_batch_running() -> None:
    shop = make_shop()
    batch = toy.begin(shop.enterprise, shop.user, shop.team, kind="batch", is_batch=True)
    assert batch.state == "running"
    with pytest.raises(IntegrityError), transaction.atomic():
        Operation.objects.create(
            enterprise=shop.enterprise,
            kind="toy",
            subject_type="toy",
            subject={},
            state="succeeded",
            finished_at=timezone.now(),
            deadline=timezone.now() + timedelta(hours=1),
            request_id="r",
        )


def test_the_insert_is_the_lock() -> None:
    shop = make_shop()
    held = toy.begin(shop.enterprise, shop.user, shop.team, lock_key="app:1")
    with pytest.raises(Refused) as refused:
        toy.begin(shop.enterprise, shop.boss, shop.team, lock_key="app:1")
    assert (refused.value.code, refused.value.params) == (
        "operation_in_progress",
        {"operation": held.name, "by": "Dev", "kind": "toy", "percent": 0},
    )
    move(held, "cancelled")
    assert toy.begin(shop.enterprise, shop.boss, shop.team, lock_key="app:1").number > held.number


def test_the_log_is_never_rewritten() -> None:
    operation = at("running")
    event = OperationEvent.objects.create(operation=operation, code="written")
    for attempt in (lambda: OperationEvent.objects.update(code="else"), event.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()


def test_steps_are_unique_and_have_known_states() -> None:
    operation = at("running")
    Step.objects.create(operation=operation, seq=0, key="check")
    for wrong in ({"seq": 1, "key": "check"}, {"seq": 0, "key": "other"}, {"seq": 1, "key": "x", "state": "sideways"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Step.objects.create(operation=operation, **wrong)


def test_numbers_run_and_are_given_by_the_database() -> None:
    shop = make_shop()
    first, second = (toy.begin(shop.enterprise, shop.user, shop.team) for _ in range(2))
    assert second.number == first.number + 1
    assert second.name == f"op-{second.number}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_identity FROM information_schema.columns WHERE table_name='operation' AND column_name='number'"
        )
        assert cursor.fetchone() == ("YES",)


def test_a_sealed_input_opens_for_its_own_row_only() -> None:
    from console.kit import secrets
    from console.kit.models import where

    shop = make_shop()
    one, other = (toy.begin(shop.enterprise, shop.user, shop.team, sealed={"password": "p"}) for _ in range(2))
    assert one.sealed is not None and "password" not in one.sealed
    assert secrets.unseal(one.sealed, where(one, "sealed")) == {"password": "p"}
    with pytest.raises(secrets.SecretLost):
        secrets.unseal(one.sealed, where(other, "sealed"))
