"""The runners of applications made by hand: deploy, start, stop; and what they share with the marketplace's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from clusters.actions.proposal import accept, again, begin, lock_application
from clusters.delivery import steps
from clusters.delivery.finish import settle_revision
from clusters.models import Application, Revision
from console.kit.errors import Refused
from operations.engine.runner import Runner
from teams import audit

if TYPE_CHECKING:
    from console.kit.errors import WaybillError
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team, User

START_SECONDS = 1800
"""The deadline of starting and stopping."""


def application_of(operation: Operation) -> Application:
    """Give the application an operation is about."""
    assert operation.subject_id is not None
    return Application.objects.select_related("environment__team", "current_revision").get(pk=operation.subject_id)


def audit_end(operation: Operation, word: str, application: Application, error: WaybillError | None = None) -> None:
    """Write how an operation on an application ended, in the name of who started it."""
    audit.record(
        word,
        acting_user=operation.initiator,
        object_type="app",
        object_id=application.pk,
        object_label=f"{application.environment.slug}/{application.slug}",
        team=application.environment.team,
        environment_id=application.environment_id,
        after={"operation": operation.name, "code": error.code if error else None},
    )


def next_steps(operation: Operation) -> list[str]:
    """Give what can be done after a bad end: retry; and go back, once there is something to go back to."""
    application: Application = operation.looked_up or application_of(operation)
    return ["retry", "rollback"] if application.current_revision_id is not None else ["retry"]


class DeliveryRunner(Runner):
    """What every operation on an application's objects has in common."""

    unit = "components"

    def look_up(self, operations: Sequence[Operation]) -> None:
        """Read the applications of those that tell what can be done next."""
        ended = [one for one in operations if one.outcome_code is not None]
        rows = Application.objects.only("current_revision").in_bulk([one.subject_id for one in ended])
        for operation in ended:
            operation.looked_up = rows.get(operation.subject_id)

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step of a delivery."""
        steps.perform(work, step)


def again_deployable(operation: Operation) -> Revision:
    """Give the revision of a failed attempt with its application locked; inside a transaction.

    Raises Refused not_retryable once another attempt was made since, or the application or the attempt is gone.
    """
    application = lock_application(application_of(operation))
    revision = Revision.objects.select_related("rolls_back_to").filter(operation=operation).first()
    if revision is None or application.removed_at is not None:
        raise Refused("not_retryable", kind=operation.kind)
    if application.revisions.filter(number__gt=revision.number).exists():
        raise Refused("not_retryable", kind=operation.kind)
    revision.application = application
    return revision


def is_last_attempt(operation: Operation) -> bool:
    """Whether nothing was tried on the application since, and it is still there."""
    revision = Revision.objects.filter(operation=operation).select_related("application").first()
    if revision is None or revision.application.removed_at is not None:
        return False
    return not revision.application.revisions.filter(number__gt=revision.number).exists()


class DeployRunner(DeliveryRunner):
    """Bring the draft of an application made by hand to its cluster, as a revision of its own."""

    kind = "deploy"

    def steps(self, operation: Operation) -> list[str]:
        """Give the steps: the references typed are made exact before anything is rendered."""
        return steps.delivery_steps(operation.revision.document, first=("check", "resolve"))

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Give the right of who may deploy."""
        return "edit_application", operation.team

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Say what became of the revision."""
        settle_revision(operation, state)
        application = application_of(operation)
        if state == "succeeded":
            audit_end(operation, "application.deployed", application)
        elif state != "cancelled":
            audit_end(operation, "application.deploy_failed", application, error)

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Make a new revision of the same draft: what it said then, not what it says now."""
        with transaction.atomic():
            revision = again_deployable(operation)
            consents = operation.input.get("consents", [])
            return accept(again(revision), acting_user=acting_user, input={"consents": consents}, retry_of=operation)

    def can_retry(self, operation: Operation) -> bool:
        """Until something else is tried."""
        return is_last_attempt(operation)

    def next_steps(self, operation: Operation) -> list[str]:
        """Retry; and go back, once there is something to go back to."""
        return next_steps(operation)


class StartRunner(DeliveryRunner):
    """Give the deployed revision its pods back."""

    kind = "start"
    word = "application.started"

    def steps(self, operation: Operation) -> list[str]:
        """Give the steps: each component's workload is sent once more."""
        revision = application_of(operation).current_revision
        assert revision is not None
        components = [key for key in steps.delivery_steps(revision.document) if key.startswith(steps.COMPONENT)]
        return ["check", "take_over", *components, "finish"]

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Give the right of who may start and stop."""
        return "operate_application", operation.team

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Write the end; what is wanted was written when the operation was accepted."""
        if state == "succeeded":
            audit_end(operation, self.word, application_of(operation))

    def can_retry(self, operation: Operation) -> bool:
        """As long as it is still wanted."""
        return self._is_wanted(application_of(operation))

    def _is_wanted(self, application: Application) -> bool:
        wanted = Application.Desired.RUNNING if self.kind == "start" else Application.Desired.STOPPED
        return application.removed_at is None and application.desired == wanted

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Do it once more. Raises Refused not_retryable when the other was asked for since."""
        with transaction.atomic():
            application = lock_application(application_of(operation))
            if not self._is_wanted(application):
                raise Refused("not_retryable", kind=operation.kind)
            return begin(
                application, self.kind, acting_user=acting_user, retry_of=operation, deadline_seconds=START_SECONDS
            )


class StopRunner(StartRunner):
    """Take the pods of the deployed revision away; everything else stays."""

    kind = "stop"
    word = "application.stopped"
