"""The engine in one process: from a row to its end, and every way in which that end may be a bad one."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from operations import registry
from operations.actions.cancel import cancel
from operations.engine import claim, heartbeat, lease
from operations.engine.loop import Loop
from operations.engine.step import StepWork
from operations.engine.work import Work
from operations.models import Operation
from tests.operations import toy
from tests.operations.conftest import ended
from tests.operations.people import Shop
from tests.waiting import until


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


# --- Bad ends --------------------------------------------------------------------------------------------------------
def test_a_fault_of_ours_is_errored_with_a_trace_and_no_words(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, break_at="write:b"))
    assert (operation.state, operation.outcome_code) == ("errored", "internal")
    assert set(operation.outcome_params) == {"trace"}
    assert "purpose" not in str(list(operation.events.values_list("params", flat=True)))


def test_a_runner_that_cannot_say_its_steps_fails_with_its_words(loop: Loop, shop: Shop) -> None:
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, steps_fail=True))
    assert (operation.state, operation.outcome_code, operation.steps.count()) == ("failed", "registry_not_set", 0)


def test_last_words_that_fail_do_not_keep_an_operation_for_ever(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, kind="bad_end"))
    assert (operation.state, operation.outcome_code) == ("errored", "internal")


def test_an_undo_that_fails_says_so_and_keeps_the_outcome(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    operation = ended(
        toy.begin(
            shop.enterprise,
            shop.user,
            shop.team,
            world=ledger.address,
            kind="tidy",
            reject_at="write:a",
            undo_breaks=True,
        )
    )
    assert (operation.state, operation.outcome_code) == ("failed", "registry_full")
    undo = operation.steps.get(key="undo")
    assert (undo.state, undo.message_code) == ("failed", "not_ready")


def test_a_passed_deadline_fails_while_it_runs(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    operation = toy.begin(
        shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at="write:b", deadline_seconds=3
    )
    ended(operation)
    assert (operation.state, operation.outcome_code) == ("failed", "deadline_passed")
    assert operation.outcome_params == {"seconds": 3}
    assert operation.changed == "part"


def test_a_passed_deadline_fails_while_it_waits(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    ledger.away, ledger.retry_after = True, 3600
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, deadline_seconds=3)
    until(lambda: state_of(operation) == "waiting", what="waiting")
    ended(operation)
    assert (operation.state, operation.outcome_code) == ("failed", "deadline_passed")


def test_a_passed_deadline_fails_before_anybody_began(shop: Shop, ledger: toy.Ledger) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    Operation.objects.filter(pk=operation.pk).update(deadline=timezone.now() - timedelta(seconds=1))
    engine = Loop(slots=1)
    engine.start()
    ended(operation)
    engine.stop()
    assert (operation.state, operation.outcome_code, ledger.entries) == ("failed", "deadline_passed", [])


def test_the_fifth_crash_ends_it(shop: Shop, ledger: toy.Ledger) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    Operation.objects.filter(pk=operation.pk).update(
        state="running", attempts=4, lease_owner="dead", lease_until=timezone.now() - timedelta(seconds=1)
    )
    engine = Loop(slots=1)
    engine.start()
    ended(operation)
    engine.stop()
    assert (operation.state, operation.outcome_code, operation.attempts) == ("errored", "worker_died", 5)
    assert (operation.changed, ledger.entries) == ("unknown", [])


# --- Waiting ---------------------------------------------------------------------------------------------------------
def state_of(operation: Operation) -> str:
    operation.refresh_from_db()
    return operation.state


def test_what_is_away_is_waited_for_and_the_step_goes_on(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    ledger.away = True
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    until(lambda: state_of(operation) == "waiting", what="waiting")
    assert operation.waiting_for is not None
    assert (operation.waiting_for["kind"], operation.waiting_for["name"]) == ("cluster", "toy")
    assert operation.waiting_for["since"].endswith("Z")
    assert (operation.lease_until, operation.epoch >= 1) == (None, True)
    until(lambda: tries_of(operation) >= 2, what="a second try")
    ledger.away = False
    ended(operation)
    assert (operation.state, operation.waiting_for, operation.attempts) == ("succeeded", None, 0)
    assert ledger.of(operation.name) == list(toy.WRITES)
    codes = list(operation.events.order_by("pk").values_list("code", flat=True))
    assert (codes.count("waiting"), codes.count("resumed")) == (1, 1)


def tries_of(operation: Operation) -> int:
    operation.refresh_from_db()
    return int(operation.waiting_for["tries"]) if operation.waiting_for else 0


def test_retry_after_is_obeyed(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    ledger.away, ledger.retry_after = True, 77
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    until(lambda: state_of(operation) == "waiting", what="waiting")
    assert 70 < (operation.not_before - timezone.now()).total_seconds() <= 77


# --- Cancel ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["toy", "tidy"])
@pytest.mark.parametrize("boundary", toy.STEPS)
def test_a_cancel_is_honoured_at_every_boundary(
    loop: Loop, shop: Shop, ledger: toy.Ledger, boundary: str, kind: str
) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at=boundary, kind=kind)
    until(lambda: running_step(operation) == boundary, what=f"step {boundary}")
    cancel(operation=operation, acting_user=shop.user)
    ended(operation, seconds=10)
    written = list(toy.WRITES[: toy.STEPS.index(boundary) - 1]) if boundary != "check" else []
    assert (operation.state, operation.outcome_code) == ("cancelled", None)
    assert ledger.of(operation.name) == written + (["undone"] if kind == "tidy" else [])
    observed = [step.key for step in operation.steps.all() if step.observed.get("entry")]
    assert observed == written


def running_step(operation: Operation) -> str | None:
    return operation.steps.filter(state="running").values_list("key", flat=True).first()


def test_a_waiting_operation_is_cancelled_without_delay(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    ledger.away, ledger.retry_after = True, 3600
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    until(lambda: state_of(operation) == "waiting", what="waiting")
    cancel(operation=operation, acting_user=shop.user)
    assert ended(operation, seconds=10).state == "cancelled"


# --- Batches ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("bad", "state", "code"), [((), "succeeded", None), ((0, 3), "failed", "children_failed")])
def test_the_child_that_ends_last_ends_the_batch(
    loop: Loop, shop: Shop, ledger: toy.Ledger, bad: tuple[int, ...], state: str, code: str | None
) -> None:
    with transaction.atomic():
        batch = toy.begin(shop.enterprise, shop.user, kind="batch", is_batch=True)
        for n in range(6):
            wrong: dict[str, Any] = {"reject_at": "write:b"} if n in bad else {}
            toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, parent=batch, **wrong)
    ended(batch)
    assert (batch.state, batch.outcome_code, batch.done, batch.total, batch.unit) == (state, code, 6, 6, "children")
    assert batch.outcome_params == ({"n": 2} if bad else {})
    assert batch.events.filter(code__startswith="operation_").count() == 1
    assert (batch.lease_owner, batch.epoch) == (None, 0)


def test_cancelling_a_batch_cancels_its_children(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    with transaction.atomic():
        batch = toy.begin(shop.enterprise, shop.user, kind="batch", is_batch=True)
        for _ in range(6):  # four run, two are queued
            toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, parent=batch, pause_at="write:b")
    until(lambda: batch.children.filter(steps__key="write:b", steps__state="running").exists(), what="a child")
    cancel(operation=batch, acting_user=shop.user)
    ended(batch, seconds=15)
    assert set(batch.children.values_list("state", flat=True)) == {"cancelled"}
    assert (batch.state, batch.outcome_code) == ("cancelled", None)


# --- Slots -----------------------------------------------------------------------------------------------------------
def test_waiting_for_pods_holds_no_slot(shop: Shop, ledger: toy.Ledger) -> None:
    engine = Loop(slots=1)
    engine.start()
    waiting = [
        toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at="write:b") for _ in range(3)
    ]
    quick = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address)
    assert ended(quick).state == "succeeded"
    for operation in waiting:
        assert state_of(operation) == "running"
        ledger.entries.append(toy.Entry(operation.name, "go", ""))
    for operation in waiting:
        assert ended(operation).state == "succeeded"
    engine.stop()


def test_a_dark_cluster_takes_no_workers_from_others(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    dark = toy.Ledger(away=True).start()
    away, here = uuid.uuid4(), uuid.uuid4()
    in_the_dark = [
        toy.begin(shop.enterprise, shop.user, shop.team, world=dark.address, cluster_id=away) for _ in range(12)
    ]
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, cluster_id=here)
    assert ended(operation, seconds=10).state == "succeeded"
    dark.away = False
    for operation in in_the_dark:
        assert ended(operation, seconds=60).state == "succeeded"
    dark.stop()


# --- A database that throws us out -----------------------------------------------------------------------------------
class HoldingRunner(toy.ToyRunner):
    """Waits without a pause, and so keeps its connection meanwhile."""

    kind = "holding"

    def wait_for_pods(self, work: Work, step: StepWork) -> None:
        until(lambda: "go" in self.seen(work), what="the word to go on")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that outlast a test: none is lost because the machine is busy, and none that was left lying is found."""
    monkeypatch.setattr(lease, "SELF_STOP", 60.0)
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 0.5)
    for module in (lease, claim):
        monkeypatch.setattr(module, "LEASE", 120)


@pytest.mark.parametrize("kind", ["toy", "holding"])
def test_a_database_that_throws_us_out_costs_seconds(
    patient: None, loop: Loop, shop: Shop, ledger: toy.Ledger, kind: str
) -> None:
    registry.register(HoldingRunner())
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at="write:b", kind=kind)
    waits = operation.steps.filter(key="write:b", message_code="pulling_image")
    until(waits.exists, what="mid-operation")
    renewed(operation)  # the heartbeat has a connection to lose, too
    thrown = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(f"{thrown} AND pid <> pg_backend_pid()")
    renewed(operation)
    ledger.entries.append(toy.Entry(operation.name, "go", ""))
    ended(operation)
    assert (operation.state, operation.attempts) == ("succeeded", 0)
    assert kind == "toy" or operation.epoch == 2, "its connection is dead: it lets go, and is claimed again"
    assert [step for step in ledger.of(operation.name) if step != "go"] == list(toy.WRITES)


def renewed(operation: Operation) -> None:
    """Wait until its lease has been renewed once more."""
    then = leased(operation)
    until(lambda: leased(operation) > then, what="a renewal")


def leased(operation: Operation) -> datetime:
    operation.refresh_from_db()
    assert operation.lease_until is not None, "nobody holds it"
    return operation.lease_until


# --- What a runner may do --------------------------------------------------------------------------------------------
class ParallelRunner(toy.ToyRunner):
    """Writes six entries side by side, and tries what is forbidden."""

    kind = "parallel"

    def steps(self, operation: Operation) -> list[str]:
        return ["all"]

    def perform(self, work: Work, step: StepWork) -> None:
        for forbidden in (work.before_write, partial(work.pause, 0.1)):
            with work.record(), pytest.raises(RuntimeError):
                forbidden()

        def write(number: int) -> int:
            work.before_write()
            body = {"operation": work.operation.name, "step": str(number)}
            toy.send("POST", work.operation.input["world"], "/", body)
            with work.record():
                step.observe(**{f"entry-{number}": work.epoch})
                work.log("written", entry=number)
            return number * 2

        assert work.parallel(write, range(12)) == [number * 2 for number in range(12)]
        work.progress(3, 7)
        work.changed("all")
        work.changed("part")
        work.keep_plan({"a": 1})
        step.message("pulling_image", node="node-1")
        step.warn("slow", component="web", words="")


def test_a_step_may_write_side_by_side(loop: Loop, shop: Shop, ledger: toy.Ledger) -> None:
    registry.register(ParallelRunner())
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, kind="parallel"))
    step = operation.steps.get()
    assert (operation.state, operation.outcome_params, step.state) == ("succeeded", {}, "warning")
    assert step.observed == {f"entry-{number}": 1 for number in range(12)}
    assert sorted(ledger.of(operation.name)) == sorted(str(number) for number in range(12))
    assert (operation.changed, operation.plan, len(operation.plan_hash or "")) == ("all", {"a": 1}, 64)
    ids = list(operation.events.order_by("pk").values_list("pk", flat=True))
    assert len(ids) == 14


def commits() -> str:
    """Whether this transaction's end will wait for the disk."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])


class PatientRunner(toy.ToyRunner):
    """Tells of each kind of record whether it waits for the disk."""

    kind = "patient"

    def steps(self, operation: Operation) -> list[str]:
        return ["all"]

    def perform(self, work: Work, step: StepWork) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO on")  # the run's own database never waits
        with work.record():
            lasting = commits()
        with work.record(repeatable=True):
            repeatable = commits()
        with work.record():
            step.observe(lasting=lasting, repeatable=repeatable, next=commits())
        connection.close()


def test_only_what_may_be_repeated_does_not_wait_for_the_disk(loop: Loop, shop: Shop) -> None:
    registry.register(PatientRunner())
    operation = ended(toy.begin(shop.enterprise, shop.user, shop.team, kind="patient"))
    assert operation.steps.get().observed == {"lasting": "on", "repeatable": "off", "next": "on"}
