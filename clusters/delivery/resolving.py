"""Typed image references made exact, once, before anything is rendered: what was a tag is a digest from here on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clusters import images
from clusters.delivery.run import Run
from console.kit.canonical import digest

if TYPE_CHECKING:
    from operations.engine.step import StepWork


def resolve(run: Run, step: StepWork) -> None:
    """Give every component of the revision the digest its reference means now, and keep both.

    Raises what `clusters.images.resolve` does. Repeating it changes nothing: what has a digest is not asked again.
    """
    revision = run.revision
    if revision.objects_applied is not None:
        return
    document: dict[str, Any] = revision.document
    complete(run, step, document, revision.content().get("pull") or {})
    with run.work.record():
        revision.document, revision.document_hash = document, digest(document)
        revision.save(update_fields=["document", "document_hash"])
    step.conclude(images={component["key"]: component["image"]["digest"] for component in document["components"]})


def complete(run: Run, step: StepWork, document: dict[str, Any], pulls: Mapping[str, Mapping[str, str]]) -> None:
    """Make every reference in a document exact that has no digest yet, and write it in.

    Registries are asked side by side; images of the Docker engine are taken one after the other, since they share
    layers, which then go to the registry once.
    """
    open_ones = [component for component in document["components"] if "digest" not in component["image"]]
    asked = [component for component in open_ones if "from" not in component["image"]]

    def ask(component: dict[str, Any]) -> images.ResolvedImage:
        return images.resolve(
            component["image"]["reference"],
            pulls.get(component["key"]),
            enterprise=run.environment.enterprise,
            user_agent=run.work.user_agent(step.key),
            pause=lambda seconds: _pause(run, seconds),
        )

    found = run.work.parallel(ask, asked, width=4) if asked else []
    for component, image in zip(asked, found, strict=True):
        component["image"] = {**component["image"], **image.image()}
    for component in open_ones:
        if "from" in component["image"]:
            component["image"] = {**component["image"], **_take(run, step, component).image()}


def _take(run: Run, step: StepWork, component: dict[str, Any]) -> images.ResolvedImage:
    """Bring an image from the Docker engine into the registry, and say so."""
    work, reference = run.work, component["image"]["reference"]
    step.message("image_taking", image=reference)
    hands = images.Hands(
        user_agent=work.user_agent(step.key),
        pause=work.pause,
        before_write=work.before_write,
        go_on=work.check,
        told=lambda done, total: step.progress(done, total, "bytes"),
    )
    taken = images.take(reference, enterprise=run.environment.enterprise, hands=hands)
    step.message("image_taken", image=reference, digest=taken.digest)
    work.log("image_taken", component=component["key"], image=reference, digest=taken.digest)
    return taken


def _pause(run: Run, seconds: float) -> None:
    """Wait inside a helper's thread; a lost lease ends it."""
    time.sleep(seconds)
    run.work.lease.check()
