"""Driving one claimed operation: from its first unfinished step to its end, or to where it has to wait."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import zip_longest
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.db.models.functions import Least, Now
from django.utils import timezone

from console.kit.context import RequestContext, new_request_id, surrounding
from console.kit.errors import Broken, Unreachable, WaybillError
from operations import states
from operations.engine.ending import end
from operations.engine.lease import LeaseLost, Stopping, free
from operations.engine.runner import Runner
from operations.engine.step import StepWork
from operations.engine.work import Work
from operations.models import Operation, Step

logger = logging.getLogger(__name__)

UNDO = "undo"
BACK_OFF = (1, 1, 2, 3, 4, 5, 8, 12)
"""Seconds until what is away is asked again. With the sweep that claims, nobody waits 15 s after it is back, and nobody
15 s in all when it was away for ten."""
AFTER_DATABASE = 1.0
"""Seconds until an operation that met a silent database is claimed again."""
UNDO_GRACE = timedelta(seconds=60)
"""So long after the deadline an undo still waits for a cluster that is away."""


class _Waits(Exception):
    """The operation waits; its lease is freed."""


def drive(work: Work, *, crashed: bool = False) -> None:
    """Run the operation as far as it goes. Never raises: what cannot be recorded is logged, and the lease runs out."""
    operation = work.operation
    work.begin()
    with surrounding(RequestContext(request_id=operation.request_id, token_id=operation.token_id)):
        try:
            _run(work, crashed=crashed)
        except _Waits:
            pass
        except Stopping:
            free(work.lease)
        except LeaseLost:
            logger.warning("%s: the lease of epoch %d is lost", operation, work.epoch)
        except (OperationalError, InterfaceError) as error:
            logger.warning("%s: the database does not answer: %s", operation, error)
            _let_go(work)
        finally:
            work.lease.lose()
            connection.close()


def _let_go(work: Work) -> None:
    """Free the lease once the database answers again, as long as it is ours; else it runs out.

    Nothing of this operation is under way in this process any more, so the next owner needs no new key.
    """
    while not work.lease.lost:
        connection.close()
        try:
            free(work.lease, again_in=AFTER_DATABASE)
            return
        except (OperationalError, InterfaceError):
            time.sleep(0.25)


def _run(work: Work, *, crashed: bool) -> None:
    if crashed:
        work.log("taken_over", level="warning", epoch=work.epoch)
    if work.operation.attempts >= states.CRASHES:
        conclude(work, "errored", Broken("worker_died"))
        return
    rows: list[Step] = []
    error = _outcome(work, lambda: rows.extend(_rows(work)))
    if error is not None:
        conclude(work, _state_of(error), error)
        return
    undo = next((row for row in rows if row.key == UNDO), None)
    if undo is None:
        state, error = _steps(work, rows)
        if state == "succeeded" or type(work.runner).undo is Runner.undo:
            conclude(work, state, error)
            return
        undo = _begin_undo(work, len(rows), state, error)
    _undo(work, StepWork(work, undo))


def _outcome(work: Work, call: Callable[[], object]) -> WaybillError | None:
    """Call what a runner brings, and give the error it ended with. What belongs to the engine is raised on."""
    try:
        call()
    except (LeaseLost, Stopping, OperationalError, InterfaceError):
        raise
    except WaybillError as error:
        return error
    except Exception as error:  # noqa: BLE001  the outermost frame of a job: a fault of ours is recorded as one
        return _internal(work, error)
    return None


def _state_of(error: WaybillError) -> str:
    """Whose fault it was: the world's and the rules' (failed), or ours (errored)."""
    return "errored" if isinstance(error, Broken) else "failed"


def _rows(work: Work) -> list[Step]:
    """Give the steps in order; the first owner decides and writes them."""
    rows = list(work.operation.steps.order_by("seq"))
    if rows:
        return rows
    keys = work.runner.steps(work.operation)
    rows = [Step(operation=work.operation, seq=seq, key=key) for seq, key in enumerate(keys)]
    with work.record():
        Step.objects.bulk_create(rows)
        work.update(total=sum(work.runner.counts(key) for key in keys) or work.operation.total)
        work.log("started")
    return rows


def _steps(work: Work, rows: list[Step]) -> tuple[str, WaybillError | None]:
    """Perform the unfinished steps; give the terminal state they lead to, and the error."""
    ended = sum(row.state in states.STEP_ENDED and work.runner.counts(row.key) for row in rows)
    steps = [StepWork(work, row) for row in rows if row.state not in states.STEP_ENDED]
    for step, following in zip_longest(steps, steps[1:]):
        try:
            ended += work.runner.counts(step.key)
            error = _outcome(work, partial(_perform, work, step, following, ended))
        except Stopping:
            if work.lease.stopping:
                raise
            return "cancelled", None
        if isinstance(error, Unreachable):
            _wait(work, error)
        if error is not None:
            return _failed(work, step, error)
    return "succeeded", None


def _perform(work: Work, step: StepWork, following: StepWork | None, ended: int) -> None:
    """Perform one step; its end, the operation's progress (`ended` of the counted steps) and the beginning of the step
    after it are one record."""
    work.step = step
    work.check()
    step.begin()
    work.runner.perform(work, step)
    # What a step did was written down by itself, or is its conclusion; performing it again finds the rest done.
    with work.record(repeatable=not step.concluded):
        step.end()
        work.answered()
        if work.runner.counts(step.key):
            work.progress(ended, work.operation.total)
        if following is not None and not work.may_leave:
            following.begin()


def _failed(work: Work, step: StepWork, error: WaybillError) -> tuple[str, WaybillError]:
    with work.record():
        step.fail(error.code, error.params)
        work.append(error.code, error.params, level="error", component=error.params.get("component"))
    return _state_of(error), error


def _internal(work: Work, error: Exception) -> Broken:
    trace = new_request_id()
    logger.error("%s: %s failed (trace %s)", work.operation, work.key, trace, exc_info=error)
    return Broken("internal", trace=trace)


# --- Waiting ---------------------------------------------------------------------------------------------------------
def _wait(work: Work, error: Unreachable) -> None:
    """Free the lease and come back later: 1 to 12 s, or when the other side said; always raises."""
    operation = work.operation
    kind, name = awaited(error)
    former: dict[str, Any] = operation.waiting_for or {}
    same = former.get("kind") == kind and former.get("name") == name
    tries = former.get("tries", 0) if same else 0
    seconds = error.retry_after or BACK_OFF[min(tries, len(BACK_OFF) - 1)] * random.uniform(0.8, 1.0)  # noqa: S311
    since = former["since"] if same else timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    soon = Now() + timedelta(seconds=seconds)
    waiting_for = {"kind": kind, "name": name, "since": since, "tries": tries + 1}
    if not same:
        logger.warning("%s: the %s %s is away: %s", operation, kind, name, error.__cause__ or error.code)
    with work.record():
        if not same:
            work.log("waiting", level="warning", kind=kind, name=name, code=error.code)
        Operation.objects.filter(pk=operation.pk).update(
            state="waiting",
            waiting_for=waiting_for,
            # Not beyond the deadline, which has to be noticed in time; an undo may wait past it.
            not_before=soon if work.undoing else Least(soon, F("deadline")),
            lease_owner=None,
            lease_until=None,
        )
    raise _Waits


def awaited(error: Unreachable) -> tuple[str, str]:
    """Give what is away: `cluster`, `registry` or `docker` (an engine), and its name."""
    for kind in ("cluster", "registry", "docker"):
        if kind in error.params:
            return kind, str(error.params[kind])
    return "cluster", ""


# --- Undo ------------------------------------------------------------------------------------------------------------
def _begin_undo(work: Work, seq: int, state: str, error: WaybillError | None) -> Step:
    """Write down how the operation will end once what it made is taken back."""
    verdict = {"state": state, "code": error.code if error else None, "params": error.params if error else {}}
    row = Step(operation=work.operation, seq=seq, key=UNDO, intent=verdict)
    with work.record():
        row.save(force_insert=True)
    return row


def _undo(work: Work, step: StepWork) -> None:
    """Take back, then end as was written down; an undo that fails says so and changes nothing about the outcome."""
    verdict = step.intent
    error = WaybillError(verdict["code"], **verdict["params"]) if verdict["code"] else None
    work.step, work.undoing = step, True
    step.begin()
    failure = _outcome(work, partial(work.runner.undo, work, error))
    if isinstance(failure, Unreachable) and timezone.now() < work.operation.deadline + UNDO_GRACE:
        _wait(work, failure)
    with work.record():
        if failure is None:
            step.end()
        else:
            step.fail(failure.code, failure.params)
            work.log("undo_failed", level="error", code=failure.code)
    conclude(work, verdict["state"], error)


# --- The end ---------------------------------------------------------------------------------------------------------
def conclude(work: Work, state: str, error: WaybillError | None) -> None:
    """End the operation, come what may: a runner whose last words fail must not keep it for ever."""
    fault = _outcome(work, partial(end, work, state, error))
    if fault is None:
        return
    broken = fault if isinstance(fault, Broken) else _internal(work, fault)
    work.operation.refresh_from_db()
    if _outcome(work, partial(end, work, "errored", broken)) is not None:
        work.operation.refresh_from_db()
        end(work, "errored", broken, tell=False)
