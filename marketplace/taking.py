"""Images of the Docker engine that the settings name, brought into the enterprise's registry by digest.

They lie in one repository, `{prefix}/waybill-engine`, which no template can have (its name is kept for the console), so
that layers which images share are sent once. A tag made of the engine's own id of an image names each: the next time
the same image is asked for nothing is saved, and a registry that clears away what no tag names leaves it alone.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from django.conf import settings

from clusters.images import Hands, ResolvedImage
from console.kit.errors import Rejected
from marketplace import registries
from marketplace.registry import reference as references
from marketplace.registry import saved
from marketplace.registry.carry import carry
from marketplace.registry.client import Registry, push
from marketplace.registry.layout import Layout, read_layout
from marketplace.registry.reference import Reference
from marketplace.registry.tarball import BadArchive
from marketplace.registry.wire import Hooks

if TYPE_CHECKING:
    from marketplace.registry.engine import Engine, Found
    from teams.models import Enterprise

REPOSITORY = "waybill-engine"
_EVERY = 0.5
logger = logging.getLogger(__name__)
_saving = threading.Lock()
"""A worker saves one image at a time: its disk has to hold the largest one, not as many as it has slots."""


def require(enterprise: Enterprise) -> None:
    """Raise Refused registry_not_set when there is nowhere to bring images to."""
    registries.current(enterprise)


def take(reference: str, *, enterprise: Enterprise, hands: Hands) -> ResolvedImage:
    """Bring an image; the promise is that of `clusters.images.take`."""
    # The engine's library is large: only a worker that takes an image loads it.
    from marketplace.registry.engine import Engine

    assert settings.WAYBILL_DOCKER_HOST is not None, "asked before any work began"
    row = registries.current(enterprise)
    repository = references.under(row.prefix, REPOSITORY)
    hooks = Hooks(before_write=hands.before_write, pause=hands.pause, user_agent=hands.user_agent)
    place = registries.push_place(row)
    with (
        Engine(settings.WAYBILL_DOCKER_HOST, settings.WAYBILL_DOCKER_CERTS, user_agent=hands.user_agent) as engine,
        Registry(place, scopes=[push(repository)], hooks=hooks) as registry,
    ):
        found = engine.find(reference)
        goal = _Goal(registry, repository, f"id-{found.id.partition(':')[2]}")
        layout = _there(goal, found, reference)
        if layout is None:
            digest = _bring(engine, found, goal, reference, hands)
            layout = read_layout(registry, repository, digest, image=reference, whole=False)
    return registries.resolved(Reference(row.address, repository, None, layout.digest), layout)


@dataclass(frozen=True)
class _Goal:
    """Where an image goes: the registry, the repository in it, and the tag made of the image's id."""

    registry: Registry
    repository: str
    tag: str


def _there(goal: _Goal, found: Found, image: str) -> Layout | None:
    """Give the image if it was brought before. Anyone who may push can move a tag, so what it names is looked at."""
    if goal.registry.head(goal.repository, goal.tag, image=image) is None:
        return None
    try:
        layout = read_layout(goal.registry, goal.repository, goal.tag, image=image, whole=False)
    except Rejected:
        return None
    known = {layout.digest, *(digest for one in layout.platforms for digest in (one["digest"], one["config"]))}
    return layout if found.id in known else None


def _bring(engine: Engine, found: Found, goal: _Goal, image: str, hands: Hands) -> str:
    """Save the image into a file without a name, which is gone with the process at the latest, and send it on."""
    limit = settings.WAYBILL_DOCKER_LIMIT
    if found.size > limit:
        raise Rejected("docker_image_too_large", image=image, limit=limit)

    def saving(done: int) -> None:
        hands.go_on()
        hands.told(min(done, found.size), 2 * found.size)

    def sending(done: int) -> None:
        hands.told(found.size + min(done, found.size), 2 * found.size)

    with _alone(hands), _file(image) as file:
        engine.save(found, file, image=image, limit=limit, told=saving)
        file.flush()
        try:
            whole = saved.read(file, found.id)
        except BadArchive as error:
            logger.warning("the engine's archive of %s was refused: %s", image, error)
            raise Rejected("docker_image_refused", image=image) from error
        carry(file, whole, goal.registry, goal.repository, goal.tag, image=image, told=sending, go_on=hands.go_on)
        hands.told(2 * found.size, 2 * found.size)
    return whole.root.digest


@contextmanager
def _alone(hands: Hands) -> Iterator[None]:
    while not _saving.acquire(timeout=_EVERY):
        hands.go_on()
    try:
        yield
    finally:
        _saving.release()


def _file(image: str) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(prefix="waybill-")
    except OSError as error:
        raise Rejected("docker_no_room", image=image) from error
