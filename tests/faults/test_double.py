"""Double clicks: five hundred equal requests at once start one operation."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from operations.models import IdempotencyKey, Operation
from tests.faults.clicking import AT_ONCE, CLICKS, press, without, without_key
from tests.operations.people import Shop
from tests.operations.test_api import post, signed_in

pytestmark = [pytest.mark.timeout(240), pytest.mark.urls("tests.operations.urls")]


def click(shop: Shop, *, keys: list[str], body: dict[str, Any]) -> list[Any]:
    """Send one request per key, sixteen at a time, each thread with a client and a connection of its own."""
    clients = [signed_in(shop.user) for _ in range(AT_ONCE)]
    return press(len(keys), lambda number: post(clients[number % AT_ONCE], "/api/v1/toys", body, key=keys[number]))


@pytest.mark.proof("R6")
def test_the_same_click_five_hundred_times_is_one_operation(shop: Shop) -> None:
    answers = click(shop, keys=["the-click"] * CLICKS, body={"world": "w"})
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer["Location"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert (Operation.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


@pytest.mark.proof("R6")
def test_five_hundred_people_changing_one_thing_are_one_operation_and_refusals(shop: Shop) -> None:
    answers = click(shop, keys=[f"k{n}" for n in range(CLICKS)], body={"lock_key": "app:1"})
    codes = [answer.status_code for answer in answers]
    assert (codes.count(202), codes.count(409)) == (1, CLICKS - 1)
    blocking = {answer.json()["blocking_operation"] for answer in answers if answer.status_code == 409}
    assert blocking == {Operation.objects.get().name}
    assert IdempotencyKey.objects.count() == 1


TABLES = ("idempotency_key", "operation_event", "step", "operation")


@pytest.mark.control("R6")
def test_control_without_the_unique_key_clicks_are_doubled(shop: Shop) -> None:
    with without_key(*TABLES):
        click(shop, keys=["the-click"] * 20, body={"world": "w"})
        assert Operation.objects.count() == 20


@pytest.mark.control("R6")
def test_control_without_the_lock_one_thing_is_changed_twice(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'operation_lock_key'")
        (definition,) = cursor.fetchone()
    with without("DROP INDEX operation_lock_key", definition, *TABLES):
        click(shop, keys=[f"k{n}" for n in range(20)], body={"lock_key": "app:1"})
        assert Operation.objects.count() == 20
