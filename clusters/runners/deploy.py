"""The runners of applications made by hand: deploy, start, stop; and what they share with the marketplace's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clusters.delivery import steps
from clusters.delivery.finish import settle_revision
from clusters.models import Application
from operations.engine.runner import Runner
from teams import audit

if TYPE_CHECKING:
    from console.kit.errors import WaybillError
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team


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


class DeliveryRunner(Runner):
    """What every operation on an application's objects has in common."""

    unit = "components"

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step of a delivery."""
        steps.perform(work, step)


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


class StopRunner(StartRunner):
    """Take the pods of the deployed revision away; everything else stays."""

    kind = "stop"
    word = "application.stopped"
