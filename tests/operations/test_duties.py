"""Duties: rows that recur, side by side, each under a lease; and the engine's own two."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from console.kit.errors import Unreachable
from operations import duties, housekeeping, registry
from operations.engine.duty_loop import DutyLoop
from operations.models import Duty, IdempotencyKey, Operation
from tests.operations import toy
from tests.operations.people import Shop
from tests.waiting import until


class Bench:
    """Counts runs; a subject in `slow` waits for `go`."""

    def __init__(self) -> None:
        self.runs: dict[uuid.UUID | None, int] = {}
        self.slow: set[uuid.UUID | None] = set()
        self.bad: set[uuid.UUID | None] = set()
        self.broken: set[uuid.UUID | None] = set()
        self.go = threading.Event()

    def run(self, subject_id: uuid.UUID | None) -> None:
        self.runs[subject_id] = self.runs.get(subject_id, 0) + 1
        if subject_id in self.slow:
            self.go.wait(30)
        if subject_id in self.bad:
            raise Unreachable("cluster_unreachable", cluster="x", since=None)
        if subject_id in self.broken:
            raise ZeroDivisionError("on purpose")


@pytest.fixture
def bench(shop: Shop) -> Iterator[Bench]:
    """A duty `bench` every 0.2 s, and a loop that does it."""
    work = Bench()
    registry.register_duty("bench", 0.2, work.run, deadline=5)
    loop = DutyLoop("tests", places=3)
    loop.start()
    yield work
    work.go.set()
    loop.stop()
    loop.join(10)
    registry._duties.pop("bench")
    connection.close()


def test_a_duty_recurs_until_it_is_ended(bench: Bench) -> None:
    subject = uuid.uuid4()
    duties.schedule_duty("bench", subject)
    duties.schedule_duty("bench", subject)
    assert Duty.objects.filter(kind="bench").count() == 1
    until(lambda: bench.runs.get(subject, 0) >= 3, what="three runs")
    row = Duty.objects.get(kind="bench")
    assert (row.last_code, row.last_seconds is not None) == ("ok", True)
    duties.end_duty("bench", subject)
    until(lambda: not Duty.objects.filter(kind="bench").exists(), what="its end")
    done = bench.runs[subject]
    other = uuid.uuid4()
    duties.schedule_duty("bench", other)
    until(lambda: bench.runs.get(other, 0) >= 3, what="three runs of another")
    assert bench.runs[subject] <= done + 1


def test_a_duty_hastened_while_it_is_done_is_done_once_more_right_away(bench: Bench) -> None:
    hastened, left_alone = uuid.uuid4(), uuid.uuid4()
    registry.register_duty("rare", 600, bench.run, deadline=30)
    try:
        bench.slow.update((hastened, left_alone))
        for subject in (hastened, left_alone):
            duties.schedule_duty("rare", subject)
        until(lambda: len(bench.runs) == 2, what="both under way")
        duties.hasten_duty("rare", hastened)
        bench.go.set()
        until(lambda: bench.runs[hastened] == 2, what="a second look")
        until(lambda: not Duty.objects.exclude(lease_until=None).exists(), what="the end of all")
        assert bench.runs == {hastened: 2, left_alone: 1}
    finally:
        registry._duties.pop("rare")


def test_a_duty_hastened_right_after_its_start_is_done_once_more_however_late_its_end_is_written(bench: Bench) -> None:
    subject = uuid.uuid4()
    registry.register_duty("rare", 600, bench.run, deadline=30)
    try:
        bench.slow.add(subject)
        duties.schedule_duty("rare", subject)
        until(lambda: bench.runs.get(subject) == 1, what="its start")
        duties.hasten_duty("rare", subject)
        lag = time.monotonic()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE duty")
            bench.go.set()
            until(lambda: _blocked() > 0, what="its end, waiting for its turn")
            until(lambda: time.monotonic() - lag > 1, what="longer than from its start to the news")
        until(lambda: bench.runs[subject] == 2, seconds=10, what="a second look")
    finally:
        registry._duties.pop("rare")


def _blocked() -> int:
    with connection.cursor() as cursor:
        mine = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        cursor.execute(f"SELECT count(*) FROM ({mine}) AS one WHERE cardinality(pg_blocking_pids(pid)) > 0")
        return int(cursor.fetchone()[0])


def test_a_slow_duty_delays_no_other(bench: Bench) -> None:
    slow, quick = [uuid.uuid4() for _ in range(2)], uuid.uuid4()
    bench.slow.update(slow)
    for subject in (*slow, quick):
        duties.schedule_duty("bench", subject)
    until(lambda: bench.runs.get(quick, 0) >= 5, what="five runs of the quick one")
    assert [bench.runs.get(subject) for subject in slow] == [1, 1]


def test_a_duty_that_fails_says_so_and_comes_again(bench: Bench) -> None:
    bad, broken = uuid.uuid4(), uuid.uuid4()
    bench.bad.add(bad)
    bench.broken.add(broken)
    for subject in (bad, broken):
        duties.schedule_duty("bench", subject)
    until(lambda: min(bench.runs.get(bad, 0), bench.runs.get(broken, 0)) >= 2, what="two runs of each")
    codes = dict(Duty.objects.filter(kind="bench").values_list("subject_id", "last_code"))
    assert codes == {bad: "cluster_unreachable", broken: "internal"}


def test_a_dead_workers_duty_is_taken_when_its_lease_ends(bench: Bench) -> None:
    subject = uuid.uuid4()
    Duty.objects.create(
        kind="bench", subject_id=subject, lease_owner="dead", lease_until=timezone.now() + timedelta(seconds=1.5)
    )
    began = time.monotonic()
    until(lambda: subject in bench.runs, what="its first run")
    assert time.monotonic() - began >= 1


def test_a_row_of_an_unknown_kind_is_left_alone(bench: Bench) -> None:
    Duty.objects.create(kind="of another version")
    with pytest.raises(KeyError):
        duties.schedule_duty("of another version")
    subject = uuid.uuid4()
    duties.schedule_duty("bench", subject)
    until(lambda: bench.runs.get(subject, 0) >= 1, what="a run of ours")
    assert Duty.objects.get(kind="of another version").last_code is None


def test_the_console_keeps_its_own_house(bench: Bench) -> None:
    until(
        lambda: Duty.objects.filter(kind__in=["wipe_sealed", "expire_keys"], last_code="ok").count() == 2, what="both"
    )


@pytest.mark.django_db
def test_sealed_input_is_wiped_an_hour_after_the_end(shop: Shop) -> None:
    def make(state: str, minutes: int) -> Operation:
        operation = toy.begin(shop.enterprise, shop.user, shop.team, sealed={"password": "p"})
        rows = Operation.objects.filter(pk=operation.pk)
        rows.update(state="running")
        if state != "running":
            rows.update(state=state, finished_at=timezone.now() - timedelta(minutes=minutes))
        return operation

    old, fresh, running = make("failed", 61), make("succeeded", 59), make("running", 0)
    housekeeping.wipe_sealed()
    left = set(Operation.objects.filter(sealed__isnull=False).values_list("pk", flat=True))
    assert (old.pk in left, left) == (False, {fresh.pk, running.pk})


@pytest.mark.django_db
def test_keys_are_forgotten_after_a_day(shop: Shop) -> None:
    for hours in (25, 23):
        IdempotencyKey.objects.create(
            user=shop.user, key=f"k{hours}", request_hash="h", created_at=timezone.now() - timedelta(hours=hours)
        )
    housekeeping.expire_keys()
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["k23"]
