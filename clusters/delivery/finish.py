"""The end of a delivery: the record says what stands; rows say it in the transaction that ends the operation."""

from __future__ import annotations

from clusters.delivery.record import hold_record
from clusters.delivery.run import Run
from clusters.models import Application, Revision
from operations.duties import hasten_duty
from operations.models import Operation


def finish(run: Run) -> None:
    """Write the record anew, with the inventory as it stands now."""
    hold_record(run, "finish")
    run.work.changed("all")


def settle_revision(operation: Operation, state: str) -> Revision | None:
    """Say what became of the operation's revision; in the transaction that ends it.

    Deployed: the former one is superseded and the application points at this one. Any other end leaves the former one
    deployed. Gives the revision, None for an operation that has none.
    """
    revision = Revision.objects.filter(operation=operation).select_related("application__environment").first()
    if revision is None:
        return None
    if state != "succeeded":
        revision.state = Revision.State.FAILED
        revision.save(update_fields=["state"])
        return revision
    Revision.objects.filter(application=revision.application, state=Revision.State.DEPLOYED).update(
        state=Revision.State.SUPERSEDED
    )
    revision.state = Revision.State.DEPLOYED
    revision.save(update_fields=["state"])
    if revision.kind != Revision.Kind.UNINSTALL:
        Application.objects.filter(pk=revision.application_id).update(current_revision=revision)
        hasten_duty("observe_cluster", revision.application.environment.cluster_id)
    return revision
