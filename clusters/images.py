"""Image references made exact. Who can talk to registries lies above this app and makes itself known here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from clusters.spec.shape import Image, Platform

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
