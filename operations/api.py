"""The REST addresses of operations: read, follow, cancel, retry."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from console.kit.api import TRUE_OR_FALSE, Body, Either, Endpoint, OneOf, operation
from console.kit.errors import FieldError, Invalid
from operations import registry, states
from operations.actions.cancel import cancel
from operations.actions.retry import retry
from operations.doors import RETRY_AFTER, StartsWork, accepted
from operations.examples import EVENT, OPERATION, PLAN_OPERATION
from operations.models import Operation, OperationQuerySet
from operations.present import event_json, operation_json, operations_json, with_parts

SHOWN = Either((OPERATION, PLAN_OPERATION))


class NoBody(Body):
    """A body without fields."""


def _visible(door: Endpoint) -> OperationQuerySet:
    return Operation.objects.permitted(door.user)


class OperationList(Endpoint):
    """`GET /operations`."""

    @operation(
        "view_team",
        _("List operations, newest first"),
        listed=True,
        query={
            "state": _("Only these states, separated by commas; `active` stands for queued, running and waiting"),
            "kind": _("Only these kinds, separated by commas"),
            "environment": _("Only those of this environment (its slug)"),
            "mine": OneOf(_("`true`: only those I started"), TRUE_OR_FALSE),
        },
        answers={200: SHOWN},
        refuses=("choice_unknown",),
    )
    def get(self, request: Request) -> HttpResponse:
        """Give a page of the operations the person may see."""
        wanted = self.query("state", "kind", "environment", "mine")
        rows = _visible(self)
        if wanted["state"]:
            rows = rows.filter(state__in=_chosen("?state", wanted["state"], states.STATES, active=states.ACTIVE))
        if wanted["kind"]:
            rows = rows.filter(kind__in=_chosen("?kind", wanted["kind"], (*registry.kinds(), "batch")))
        if wanted["environment"]:
            place = registry.environment_id(self.user, wanted["environment"])
            rows = rows.filter(environment_id=place) if place else rows.none()
        if wanted["mine"] == "true":
            rows = rows.filter(initiator=self.user)
        return self.paginated(
            with_parts(rows), order=("-number",), present_all=lambda page: operations_json(page, self.user)
        )


class OperationPage(Endpoint):
    """`GET /operations/op-12`."""

    @operation("view_team", _("Show an operation"), answers={200: SHOWN})
    def get(self, request: Request, number: int) -> HttpResponse:
        """Give the operation; while it has not ended, with `Retry-After`."""
        row = self.found(with_parts(_visible(self)), number=number)
        response = self.resource(operation_json(row, self.user), version=row.row_version)
        if row.is_active:
            response.headers["Retry-After"] = RETRY_AFTER
        return response


class OperationLog(Endpoint):
    """`GET /operations/op-12/log`."""

    @operation("view_team", _("Read an operation's log, oldest line first"), listed=True, answers={200: EVENT})
    def get(self, request: Request, number: int) -> HttpResponse:
        """Give a page of its lines."""
        row = self.found(_visible(self), number=number)
        return self.paginated(row.events.all(), order=("id",), present=event_json)


class OperationCancel(Endpoint):
    """`POST /operations/op-12/cancel`."""

    @operation(
        "view_team",
        _("Cancel an operation at its next step boundary"),
        body=NoBody,
        example={},
        answers={202: SHOWN},
        refuses=("not_cancellable", "role_required"),
        about=_("Needs the right to start that kind of operation on that subject."),
    )
    def post(self, request: Request, number: int) -> HttpResponse:
        """Ask for its end."""
        self.body()
        row = self.found(_visible(self), number=number)
        return accepted(self, cancel(operation=row, acting_user=self.user))


class OperationRetries(StartsWork):
    """`POST /operations/op-12/retries`."""

    @operation(
        "view_team",
        _("Do the work of an ended operation again"),
        body=NoBody,
        example={},
        answers={202: SHOWN},
        starts_work=True,
        refuses=("not_retryable", "operation_in_progress", "role_required"),
        about=_("Needs the right to start that kind of operation on that subject."),
    )
    def post(self, request: Request, number: int) -> HttpResponse:
        """Start it."""
        self.body()
        row = self.found(_visible(self), number=number)
        return self.start(lambda: retry(operation=row, acting_user=self.user))


def _chosen(pointer: str, text: str, known: tuple[str, ...], *, active: tuple[str, ...] = ()) -> list[str]:
    """Split a list of words; raises Invalid for one that is not known."""
    words = [word for part in text.split(",") for word in (active if part == "active" and active else (part,))]
    if any(word not in known for word in words):
        choices = [*known, "active"] if active else list(known)
        raise Invalid("invalid", errors=[FieldError(pointer, "choice_unknown", {"choices": choices})])
    return words
