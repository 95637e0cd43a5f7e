"""Rendering: from a revision's document to the objects that will be sent, stored before anything is."""

from __future__ import annotations

from typing import Any, cast

from clusters import platforms
from clusters.delivery.run import Run, part_of
from clusters.manifests import Bundle, Request, render, restored
from clusters.models import Application, Revision
from clusters.spec import Component


def bundle_of(application: Application, revision: Revision, content: dict[str, Any]) -> Bundle:
    """Render a revision's document, or take the recorded objects of the revision it goes back to.

    A way back needs neither template nor registry: the same bytes are sent again. Raises Rejected platform_missing (by
    what was last seen of the nodes) and object_too_big, and Invalid value_missing.
    """
    if revision.rolls_back_to is not None:
        return restored(revision.rolls_back_to.content()["manifests"])
    platforms.hold(revision.document["components"], application.environment.cluster.capacity.get("platforms") or [])
    return render(
        Request(
            app=application.slug,
            application_id=str(application.pk),
            part_of=part_of(application, revision),
            namespace=application.environment.namespace,
            components=cast("list[Component]", revision.document["components"]),
            salt=application.open_salt(),
            secrets=content.get("values") or {},
            pulls=content.get("pull") or {},
        )
    )


def store(run: Run) -> Bundle:
    """Render the revision and seal the objects on it; from here on the database lets only its state change."""
    revision = run.revision
    if revision.objects_applied is not None:
        return run.stored
    content = revision.content()
    bundle = bundle_of(run.application, revision, content)
    with run.work.record():
        revision.objects_applied = bundle.inventory()
        revision.seal_content({**content, "manifests": bundle.stored()})
        revision.save(update_fields=["objects_applied", "sealed"])
    return run.stored
