"""The REST addresses of operations, and the door that starts work."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from console.kit.api.shape import differences
from operations.api import SHOWN
from operations.engine.loop import Loop
from operations.examples import EVENT
from operations.models import IdempotencyKey, Operation
from teams.models import AuditEvent, User
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop, make_shop

pytestmark = pytest.mark.urls("tests.operations.urls")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def post(client: Client, path: str, body: Any = None, *, key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(path, body or {}, content_type="application/json", headers=headers)


# --- Starting work ---------------------------------------------------------------------------------------------------
def test_starting_work_answers_202_with_its_address(shop: Shop) -> None:
    answer = post(signed_in(shop.user), "/api/v1/toys", key="k1")
    operation = Operation.objects.get()
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/v1/operations/{operation.name}"
    assert answer["Retry-After"] == "1"
    data = answer.json()
    assert list(differences(SHOWN, data)) == []
    assert (data["id"], data["state"], data["created_by"]["login"]) == (operation.name, "queued", "acme.dev")
    assert data["cancellable"] is True


def test_the_same_request_again_gives_the_same_operation(shop: Shop) -> None:
    client = signed_in(shop.user)
    first, second = (post(client, "/api/v1/toys", {"world": "x"}, key="k1") for _ in range(2))
    assert (first["Location"], first.status_code) == (second["Location"], second.status_code)
    assert "Idempotent-Replayed" not in first.headers
    assert second["Idempotent-Replayed"] == "true"
    assert (Operation.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [(None, 400, "idempotency_key_missing"), ("", 400, "idempotency_key_missing"), ("x" * 256, 400, None)],
)
def test_work_needs_a_key(shop: Shop, key: str | None, status: int, code: str | None) -> None:
    answer = post(signed_in(shop.user), "/api/v1/toys", key=key)
    assert (answer.status_code, answer.json()["code"]) == (status, code or "idempotency_key_missing")
    assert Operation.objects.count() == 0


def test_a_key_belongs_to_one_request_and_one_person(shop: Shop) -> None:
    post(signed_in(shop.user), "/api/v1/toys", {"world": "x"}, key="k1")
    other = post(signed_in(shop.user), "/api/v1/toys", {"world": "y"}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    somebody_else = post(signed_in(shop.boss), "/api/v1/toys", {"world": "y"}, key="k1")
    assert somebody_else.status_code == 202
    assert Operation.objects.count() == 2


def test_a_refused_start_leaves_no_key_behind(shop: Shop) -> None:
    held = toy.begin(shop.enterprise, shop.user, shop.team, lock_key="app:1")
    client = signed_in(shop.user)
    refused = post(client, "/api/v1/toys", {"lock_key": "app:1"}, key="k1")
    assert (refused.status_code, refused.json()["code"]) == (409, "operation_in_progress")
    assert refused.json()["blocking_operation"] == held.name
    assert IdempotencyKey.objects.count() == 0
    Operation.objects.filter(pk=held.pk).update(state="running")
    Operation.objects.filter(pk=held.pk).update(state="cancelled", finished_at=held.created_at)
    assert post(client, "/api/v1/toys", {"lock_key": "app:1"}, key="k1").status_code == 202


# --- Reading ---------------------------------------------------------------------------------------------------------
def test_a_running_operation_says_when_to_look_again_and_an_ended_one_does_not(
    shop: Shop, ledger: toy.Ledger, loop: Loop
) -> None:
    client = signed_in(shop.viewer)
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    address = f"/api/v1/operations/{operation.name}"
    ended(operation)
    answer = client.get(address)
    data = answer.json()
    assert list(differences(SHOWN, data)) == []
    assert "Retry-After" not in answer.headers
    assert data["result"] == {"href": "/api/v1/toys/toy"}
    assert data["progress"] == {"done": 5, "total": 5, "unit": "steps", "percent": 100}
    assert [step["key"] for step in data["steps"]] == list(toy.STEPS)
    again = client.get(address, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_the_log_comes_in_pages(shop: Shop, ledger: toy.Ledger, loop: Loop) -> None:
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address))
    client = signed_in(shop.viewer)
    first = client.get(f"/api/v1/operations/{operation.name}/log", {"limit": 2}).json()
    assert [list(differences(EVENT, item)) for item in first["items"]] == [[], []]
    assert [item["code"] for item in first["items"]] == ["started", "written"]
    assert first["items"][0]["text"] == "A worker has begun."
    second = client.get(first["next"]).json()
    assert [item["code"] for item in second["items"]] == ["written", "written"]


def test_who_sees_what(shop: Shop) -> None:
    of_team = toy.begin(shop.enterprise, shop.user, shop.team)
    of_nobody = toy.begin(shop.enterprise, shop.stranger)
    other = make_shop("umbrella")
    seen = {
        user.login: [item["id"] for item in signed_in(user).get("/api/v1/operations").json()["items"]]
        for user in (shop.boss, shop.user, shop.viewer, shop.stranger, other.boss)
    }
    assert seen == {
        "acme.boss": [of_nobody.name, of_team.name],
        "acme.dev": [of_team.name],
        "acme.viewer": [of_team.name],
        "acme.stranger": [of_nobody.name],
        "umbrella.boss": [],
    }
    assert signed_in(shop.stranger).get(f"/api/v1/operations/{of_team.name}").status_code == 404
    assert signed_in(other.boss).get(f"/api/v1/operations/{of_team.name}/log").status_code == 404
    assert Client().get("/api/v1/operations").status_code == 401


def test_the_list_is_filtered(shop: Shop) -> None:
    mine = toy.begin(shop.enterprise, shop.user, shop.team)
    tidy = toy.begin(shop.enterprise, shop.boss, shop.team, kind="tidy")
    client = signed_in(shop.user)

    def ids(**query: str) -> list[str]:
        return [item["id"] for item in client.get("/api/v1/operations", query).json()["items"]]

    assert ids(mine="true") == [mine.name]
    assert ids(kind="tidy") == [tidy.name]
    assert ids(state="active") == [tidy.name, mine.name]
    assert ids(state="failed,errored") == []
    assert ids(environment="nowhere") == []
    wrong = client.get("/api/v1/operations", {"state": "sideways"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "?state")
    assert client.get("/api/v1/operations", {"wait": "1"}).json()["code"] == "unknown_parameter"


def test_a_list_costs_the_same_with_many_rows(shop: Shop) -> None:
    client = signed_in(shop.user)

    def cost() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            assert client.get("/api/v1/operations").status_code == 200
        return len(seen)

    toy.begin(shop.enterprise, shop.user, shop.team)
    cost()  # what a process reads once
    one = cost()
    for _ in range(20):
        toy.begin(shop.enterprise, shop.user, shop.team)
    assert cost() == one


# --- Cancel and retry ------------------------------------------------------------------------------------------------
def test_a_queued_operation_is_cancelled_at_once(shop: Shop) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team, lock_key="app:1")
    answer = post(signed_in(shop.user), f"/api/v1/operations/{operation.name}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert answer.json()["cancellable"] is False
    actions = list(AuditEvent.objects.order_by("at").values_list("action", "actor__login"))
    assert actions == [("operation.cancel_requested", "acme.dev"), ("operation.cancelled", "acme.dev")]
    toy.begin(shop.enterprise, shop.user, shop.team, lock_key="app:1")  # the lock is free


def test_what_cannot_be_cancelled_says_so(shop: Shop) -> None:
    client = signed_in(shop.user)
    stubborn = toy.begin(shop.enterprise, shop.user, shop.team, no_cancel=True)
    refused = post(client, f"/api/v1/operations/{stubborn.name}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")
    gone = toy.begin(shop.enterprise, shop.user, shop.team)
    assert post(client, f"/api/v1/operations/{gone.name}/cancel").status_code == 202
    again = post(client, f"/api/v1/operations/{gone.name}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "not_cancellable")


def test_cancel_and_retry_need_the_right_to_start(shop: Shop) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    for verb in ("cancel", "retries"):
        address = f"/api/v1/operations/{operation.name}/{verb}"
        assert post(signed_in(shop.viewer), address, key="k").json()["code"] == "role_required"
        assert post(signed_in(shop.stranger), address, key="k").status_code == 404
        assert post(Client(), address, key="k").status_code == 401
    operation.refresh_from_db()
    assert operation.cancel_requested_at is None


def test_an_operation_that_ended_badly_is_tried_again(shop: Shop, ledger: toy.Ledger, loop: Loop) -> None:
    client = signed_in(shop.user)
    bad = ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, reject_at="check"))
    shown = client.get(f"/api/v1/operations/{bad.name}").json()
    assert (shown["outcome"]["code"], shown["outcome"]["next"]) == ("registry_full", ["retry"])
    answer = post(client, f"/api/v1/operations/{bad.name}/retries", key="k1")
    assert (answer.status_code, answer.json()["retry_of"]) == (202, bad.name)
    again = post(client, f"/api/v1/operations/{bad.name}/retries", key="k1")
    assert again["Location"] == answer["Location"]
    good = ended(Operation.objects.get(retry_of=bad))
    assert good.state == "succeeded"
    refused = post(client, f"/api/v1/operations/{good.name}/retries", key="k2")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
    assert AuditEvent.objects.filter(action="operation.retried").count() == 1
