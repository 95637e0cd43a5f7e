"""The matrix rows of operations: a deploy that waits to be claimed, and one that failed."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from clusters.models import Application, Revision
from operations.models import Operation
from teams.models import User
from tests.access.rows import EVERYONE, OWN, Address, Places, Row, holders
from tests.cast import Cast
from tests.clusters.working import key


def operation_on(app: Application, initiator: User, *, state: str = "queued") -> Operation:
    """A deploy of an application."""
    now, team = timezone.now(), app.environment.team
    row = Operation.objects.create(
        enterprise=team.enterprise,
        team=team,
        kind="deploy",
        subject_type="app",
        subject_id=app.pk,
        subject={
            "type": "app",
            "name": app.name,
            "href": f"/api/v1/environments/{app.environment.slug}/apps/{app.slug}",
        },
        environment_id=app.environment_id,
        not_before=now + timedelta(days=1),
        deadline=now + timedelta(days=2),
        request_id="test",
        initiator=initiator,
    )
    if state == "failed":
        Operation.objects.filter(pk=row.pk).update(state="running", started_at=now)
        Operation.objects.filter(pk=row.pk).update(
            state="failed", finished_at=now, outcome_code="deadline_passed", outcome_params={"seconds": 60}
        )
        _attempt(app, row)
    row.refresh_from_db()
    return row


def _attempt(app: Application, operation: Operation) -> None:
    """The revision that the failed deploy tried."""
    current = app.current_revision
    assert current is not None
    Revision.objects.create(
        application=app,
        number=current.number + 1,
        kind="deploy",
        state="failed",
        document=current.document,
        document_hash=current.document_hash,
        based_on=current,
        operation=operation,
    )


def furnish(cast: Cast) -> None:
    """One that is queued and one that failed, here and elsewhere."""
    made, foreign = cast.things["made"], cast.things["foreign_made"]
    cast.things["queued"] = operation_on(made, cast.developer).name
    cast.things["failed"] = operation_on(made, cast.developer, state="failed").name
    cast.things["foreign_operation"] = operation_on(foreign, cast.stranger).name


def _named(thing: str) -> Address:
    return lambda cast: {"number": cast.things[thing]}


def _absent(cast: Cast) -> dict[str, str]:
    return {"number": "op-999999999"}


_QUEUED = Places(_named("queued"), _named("foreign_operation"), _absent)
_FAILED = Places(_named("failed"), _named("foreign_operation"), _absent)
_DEPLOYERS = holders("edit_application")

ROWS = [
    Row("GET", "operations", may=EVERYONE),
    Row("GET", "operations/<op:number>", at=_QUEUED, sees=OWN),
    Row("GET", "operations/<op:number>/log", at=_QUEUED, sees=OWN),
    Row("POST", "operations/<op:number>/cancel", ok=202, at=_QUEUED, body=lambda cast: {}, may=_DEPLOYERS),
    Row(
        "POST", "operations/<op:number>/retries", ok=202, at=_FAILED, body=lambda cast: {}, may=_DEPLOYERS, headers=key
    ),
]
