"""A cancel asked for in each step of each kind of delivery: it ends at the next boundary, within ten seconds, and what
the inventory says is what is there. What is past the point where it can be cancelled says so and goes on to its end."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from clusters.actions.uninstall import uninstall
from clusters.models import Application
from clusters.runners.deploy import DeployRunner
from console.kit.errors import Refused
from operations.actions.cancel import cancel
from operations.engine import doorbell
from operations.engine.loop import Loop
from operations.engine.step import StepWork
from operations.models import Operation
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import House, begin, done, ended, make_app, make_house, part
from tests.clusters.delivery.living import assert_inventory_is_live
from tests.faults.proofs import Tally
from tests.faults.size import size

BAR = 10.0
KINDS = size(("deploy", "rollback", "uninstall"), ("deploy", "upgrade", "rollback", "uninstall", "stop", "start"))
pytestmark = pytest.mark.timeout(size(300, 1800))


@pytest.fixture
def house(transactional_db: None, cluster: Any) -> Iterator[House]:
    """An environment of this test alone."""
    made = make_house(cluster)
    yield made
    remove_namespace(cluster, made.environment.namespace)


@pytest.fixture
def loop(house: House) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=6)
    engine.start()
    yield engine
    engine.stop()
    connection.close()


class Canceller:
    """Asks for the end of chosen operations as soon as they have begun a chosen step."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: dict[int, int] = {}
        self.asked: dict[int, float] = {}
        self.refused: dict[int, str] = {}
        self.begun: dict[int, int] = defaultdict(int)
        self.house = house
        step_begins = StepWork.begin

        def begins(step: StepWork) -> None:
            step_begins(step)
            self.stand(step._work.operation)

        monkeypatch.setattr(StepWork, "begin", begins)

    def stand(self, operation: Operation) -> None:
        """A step has begun: is it the one?"""
        number = operation.number
        self.begun[number] += 1
        if self.begun[number] - 1 != self.at.get(number, -1):
            return
        try:
            cancel(operation=Operation.objects.get(pk=operation.pk), acting_user=self.house.user)
        except Refused as error:
            self.refused[number] = error.code
        self.asked[number] = time.monotonic()
        doorbell.ring()


def components(version: int) -> list[Any]:
    """Two levels, with a file each."""
    file = {"path": "/etc/app.conf", "content": f"version {version}"}
    return [part("web", version, depends_on=["db"], files=[file]), part("db", version, files=[file])]


def start(house: House, app: Application, kind: str) -> Operation:
    """Begin an operation of this kind on an application that has two revisions."""
    app.refresh_from_db()
    if kind == "uninstall":
        removal = uninstall(acting_user=house.user, application=app)
        assert removal is not None
        return removal
    if kind in ("stop", "start"):
        Application.objects.filter(pk=app.pk).update(desired="stopped" if kind == "stop" else "running")
        return begin(house, app, kind=kind)
    if kind == "rollback":
        return begin(house, app, kind="rollback", back_to=app.revisions.get(number=1))
    return begin(house, app, components(3))


def furnish(house: House, kind: str, count: int, name: str) -> list[Application]:
    """Make applications that are ready for an operation of this kind."""
    apps = [make_app(house, f"{name}-{number:02}") for number in range(count)]
    before = {"deploy": 0, "rollback": 2}.get(kind, 1)
    for version in range(before):
        for run in [begin(house, app, components(version + 1)) for app in apps]:
            done(run, seconds=180)
    if kind == "start":
        Application.objects.filter(pk__in=[app.pk for app in apps]).update(desired="stopped")
        for run in [begin(house, app, kind="stop") for app in apps]:
            done(run, seconds=120)
    return apps


def wait(operation: Operation, canceller: Canceller) -> float:
    """Wait for its end; gives the seconds since it was asked for."""
    ended(operation, seconds=150)
    assert operation.finished_at is not None
    asked = canceller.asked[operation.number]
    return operation.finished_at.timestamp() - (time.time() - (time.monotonic() - asked))


@pytest.mark.proof("R8")
@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_in_each_step_ends_at_its_boundary_and_the_inventory_is_live(
    house: House, loop: Loop, monkeypatch: pytest.MonkeyPatch, tally: Tally, kind: str
) -> None:
    canceller = Canceller(house, monkeypatch)
    calm = start(house, furnish(house, kind, 1, "calm")[0], kind)
    done(calm, seconds=120)
    places = range(0, canceller.begun[calm.number], 1 if kind == "deploy" else size(5, 1))
    monkeypatch.undo()
    apps = furnish(house, kind, len(places), "app")
    canceller = Canceller(house, monkeypatch)
    runs = []
    for app, place in zip(apps, places, strict=True):
        run = start(house, app, kind)
        canceller.at[run.number] = place
        runs.append(run)
    cancelled = 0
    for app, run, place in zip(apps, runs, places, strict=True):
        took = wait(run, canceller)
        if run.number in canceller.refused:
            assert canceller.refused[run.number] == "not_cancellable"
            assert run.state == "succeeded", (place, run.outcome_code, run.outcome_params)
        else:
            assert run.state in ("cancelled", "succeeded"), (place, run.state, run.outcome_code, run.outcome_params)
            assert took <= BAR, (place, took)
            cancelled += run.state == "cancelled"
        assert_inventory_is_live(house, app)
        tally.runs()
    assert cancelled >= 1


@pytest.mark.control("R8")
def test_control_without_the_boundary_a_cancel_is_not_heard(
    house: House, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that does not obey the column goes on to the operation's own end."""
    monkeypatch.setattr(DeployRunner, "can_cancel", lambda *_: False)
    canceller = Canceller(house, monkeypatch)
    monkeypatch.setattr("operations.actions.cancel.cancellable", lambda *_: True)
    run = begin(house, make_app(house), [part("web")])
    canceller.at[run.number] = 2
    assert ended(run).state == "succeeded"
    assert run.cancel_requested_at is not None
