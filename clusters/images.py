"""Image references made exact. Who can talk to registries and to the Docker engine lies above this app and makes itself
known here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from django.conf import settings

from clusters.spec.shape import Image, Platform
from console.kit.errors import Refused

if TYPE_CHECKING:
    from teams.models import Enterprise


@dataclass(frozen=True)
class ResolvedImage:
    """What a typed reference means now: the digest, and every platform behind it. `bytes` counts each blob once."""

    source: str
    digest: str
    media_type: str
    bytes: int
    platforms: list[Platform] = field(default_factory=list)
    pull: str = ""
    """The full reference by digest, as pods pull it."""

    def image(self) -> Image:
        """Give it as a revision's document holds it."""
        return {
            "source": self.source,
            "digest": self.digest,
            "media_type": self.media_type,
            "bytes": self.bytes,
            "platforms": self.platforms,
            "pull": self.pull,
        }


class Resolver(Protocol):
    """Whoever can ask a registry."""

    def __call__(
        self,
        reference: str,
        credential: Mapping[str, str] | None,
        *,
        enterprise: Enterprise,
        user_agent: str,
        pause: Callable[[float], None],
    ) -> ResolvedImage: ...


_resolvers: list[Resolver] = []


def register(resolver: Resolver) -> None:
    """Let `resolver` answer `resolve` from now on."""
    _resolvers[:] = [resolver]


def resolve(
    reference: str,
    credential: Mapping[str, str] | None = None,
    *,
    enterprise: Enterprise,
    user_agent: str = "waybill",
    pause: Callable[[float], None] = time.sleep,
) -> ResolvedImage:
    """Ask the registry what a typed reference means now. In a worker only.

    `credential` is `{"user", "password"}` of the component's own account. The enterprise's registry is asked with the
    enterprise's account when there is none, and may lie in a private network; every other one must be public.
    `pause(seconds)` waits between tries. Raises Invalid reference_not_valid, address_denied; Rejected image_not_found,
    image_denied, image_unsupported, digest_mismatch, tls_not_trusted, registry_refused_login; Unreachable
    registry_unreachable.
    """
    return _resolvers[0](reference, credential, enterprise=enterprise, user_agent=user_agent, pause=pause)


# --- Images of the Docker engine that the settings name ---------------------------------------------------------------


@dataclass(frozen=True)
class Hands:
    """What the work around the taking of an image lends: under which name to speak, how to wait, whether it may still
    write outside or go on at all (both raise when not), and who hears of `(bytes so far, bytes in all)`."""

    user_agent: str
    pause: Callable[[float], None]
    before_write: Callable[[], None]
    go_on: Callable[[], None]
    told: Callable[[int, int], None]


class Taker(Protocol):
    """Whoever can bring an image from the Docker engine into the enterprise's registry."""

    def __call__(self, reference: str, *, enterprise: Enterprise, hands: Hands) -> ResolvedImage: ...


@dataclass(frozen=True)
class _Engine:
    require: Callable[[Enterprise], None]
    take: Taker


_engines: list[_Engine] = []


def register_engine(require: Callable[[Enterprise], None], take: Taker) -> None:
    """Let `take` bring images, and `require` raise what is in the way of it before any work begins."""
    _engines[:] = [_Engine(require, take)]


def is_engine_set() -> bool:
    """Tell whether the console's settings name a Docker engine."""
    return bool(settings.WAYBILL_DOCKER_HOST)


def require_engine(enterprise: Enterprise) -> None:
    """Refuse what could not begin: Refused docker_not_set; registry_not_set, since images are pushed there."""
    if not is_engine_set():
        raise Refused("docker_not_set")
    _engines[0].require(enterprise)


def take(reference: str, *, enterprise: Enterprise, hands: Hands) -> ResolvedImage:
    """Bring the image a reference names in the Docker engine into the enterprise's registry. In a worker only.

    Repeating it moves nothing that is there already, and gives the same digest. Raises Refused docker_not_set,
    registry_not_set; Rejected docker_image_missing, docker_image_too_large, docker_image_refused, docker_no_room,
    docker_failed, digest_mismatch and what a registry refuses; Unreachable docker_unreachable, registry_unreachable.
    """
    require_engine(enterprise)
    return _engines[0].take(reference, enterprise=enterprise, hands=hands)
