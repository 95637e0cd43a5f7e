"""The runners that deliver: install, upgrade, rollback, uninstall. They ask the gate, then do what deploying does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import transaction

from clusters.actions.proposal import accept, again
from clusters.actions.uninstall import forget, right_of, uninstall
from clusters.delivery import remove, steps
from clusters.delivery.check import check
from clusters.delivery.finish import settle_revision
from clusters.models import Revision
from clusters.runners.deploy import (
    DeliveryRunner,
    again_deployable,
    application_of,
    audit_end,
    is_last_attempt,
    next_steps,
)
from console.kit.errors import Refused
from marketplace import gate
from marketplace.actions.delivering import keep_evidence, question, tell
from marketplace.models import Delivery, Installation

if TYPE_CHECKING:
    from console.kit.errors import WaybillError
    from operations.engine.step import StepWork
    from operations.engine.work import Work
    from operations.models import Operation
    from teams.models import Team, User


class DeliverRunner(DeliveryRunner):
    """What installing, upgrading and rolling back have in common."""

    requested: ClassVar[str]
    good: ClassVar[str]
    bad: ClassVar[str]

    def steps(self, operation: Operation) -> list[str]:
        """Give the steps, the components level by level."""
        return steps.delivery_steps(operation.revision.document)

    def perform(self, work: Work, step: StepWork) -> None:
        """Do one step; the gate is asked again before anything else."""
        if step.key == "check":
            check(work, step)
            self.ask_gate(work, step)
            return
        super().perform(work, step)

    def ask_gate(self, work: Work, step: StepWork) -> None:
        """Ask whether the version may still be delivered here, and keep what the gate saw.

        Raises Rejected version_not_accepted or version_not_published.
        """
        delivery = delivery_of(work.operation)
        if delivery is None:
            return
        way_back = delivery.revision.kind == Revision.Kind.ROLLBACK
        asked = question(delivery.version, delivery.revision.application.environment, once_deployed=way_back)
        verdict = gate.pass_or_raise(asked, running=True)
        with work.record():
            delivery.gate = {**delivery.gate, "started": gate.evidence(asked)}
            delivery.save(update_fields=["gate"])
        if verdict.warning:
            step.warn(verdict.warning)

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Say what became of the revision, which version the application holds, and tell the audit trail."""
        revision = settle_revision(operation, state)
        assert revision is not None
        application = application_of(operation)
        if state == "succeeded":
            delivery = delivery_of(operation)
            if delivery is not None:
                Installation.objects.filter(application=application).update(version=delivery.version)
            audit_end(operation, self.good, application)
        elif state != "cancelled":
            audit_end(operation, self.bad, application, error)

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Give the right of who may deliver there."""
        environment = application_of(operation).environment
        return environment.deliver_right, environment.team

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Make a new revision with the same document and values.

        Raises Refused not_retryable once another attempt was made since, and what accepting a delivery raises.
        """
        with transaction.atomic():
            revision = again_deployable(operation)
            application = revision.application
            delivery = delivery_of(operation)
            asked = None
            if delivery is not None:
                way_back = revision.rolls_back_to is not None
                asked = question(delivery.version, application.environment, once_deployed=way_back)
                gate.pass_or_raise(asked)
            consents = operation.input.get("consents", [])
            fresh = accept(again(revision), acting_user=acting_user, input={"consents": consents}, retry_of=operation)
            if delivery is not None and asked is not None:
                keep_evidence(fresh.revision, delivery.version, asked)
            tell(self.requested, application, acting_user, fresh, retry_of=operation.name)
        return fresh

    def can_retry(self, operation: Operation) -> bool:
        """Until something else is tried."""
        return is_last_attempt(operation)

    def next_steps(self, operation: Operation) -> list[str]:
        """Retry; and go back, once there is something to go back to."""
        return next_steps(operation)


class InstallRunner(DeliverRunner):
    """Bring a version to an environment as a new application."""

    kind = "install"
    requested, good, bad = "installation.requested", "installation.installed", "installation.failed"


class UpgradeRunner(DeliverRunner):
    """Bring another version, or other values, to an application."""

    kind = "upgrade"
    requested, good, bad = "upgrade.requested", "upgrade.upgraded", "upgrade.failed"


class RollbackRunner(DeliverRunner):
    """Send the recorded objects of an earlier revision again. It can be cancelled only before its first write."""

    kind = "rollback"
    requested, good, bad = "rollback.requested", "rollback.rolled_back", "rollback.failed"

    def can_cancel(self, operation: Operation) -> bool:
        """Half-way back is nowhere: only while nothing was changed."""
        return operation.changed == "nothing"


class UninstallRunner(DeliveryRunner):
    """Take an application off its cluster, whoever made it."""

    kind = "uninstall"

    def steps(self, operation: Operation) -> list[str]:
        """Give the steps: the components dependants first, then volumes, then the rest."""
        keys = remove.removal_keys(application_of(operation))
        return ["check", "take_over", *(f"{remove.PREFIX}{key}" for key in keys), "volumes", "finish"]

    def finished(self, operation: Operation, state: str, error: WaybillError | None) -> None:
        """Let go of the application once nothing of it is there but the volumes that were to stay."""
        settle_revision(operation, state)
        if state != "succeeded":
            return
        application = application_of(operation)
        forget(application, operation.initiator)
        if operation.input.get("volumes") == "delete":
            audit_end(operation, "application.volumes_deleted", application)

    def can_cancel(self, operation: Operation) -> bool:
        """Only while nothing was removed."""
        return operation.changed == "nothing"

    def rights(self, operation: Operation) -> tuple[str, Team | None]:
        """Give the right of who may remove it."""
        application = application_of(operation)
        return right_of(application), application.environment.team

    def can_retry(self, operation: Operation) -> bool:
        """As long as the application is there."""
        return application_of(operation).removed_at is None

    def retry(self, operation: Operation, acting_user: User) -> Operation:
        """Remove what is still there. Raises Refused not_retryable once the application is gone."""
        application = application_of(operation)
        delete = operation.input.get("volumes") == "delete"
        confirm = application.slug if delete else None
        fresh = None
        if application.removed_at is None:
            fresh = uninstall(
                acting_user=acting_user, application=application, delete_volumes=delete, confirm_name=confirm
            )
        if fresh is None:
            raise Refused("not_retryable", kind=operation.kind)
        fresh.retry_of = operation
        fresh.save(update_fields=["retry_of"])
        return fresh


def delivery_of(operation: Operation) -> Delivery | None:
    """Give the evidence of an operation's revision; None for an application made by hand."""
    rows = Delivery.objects.select_related(
        "version__template__team", "revision__application__environment__team", "version__registry"
    )
    return rows.filter(revision__operation=operation).first()
