"""Which registry is meant, and with which account: from rows to the places the edge talks to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from clusters.images import ResolvedImage
from clusters.manifests.scope import PullCredential
from clusters.spec.shape import Platform
from console.kit.errors import Refused
from console.kit.outbound import Trust
from marketplace.models import ImageRegistry
from marketplace.registry import reference as references
from marketplace.registry.client import Registry, pull
from marketplace.registry.layout import Layout, read_layout
from marketplace.registry.reference import Reference
from marketplace.registry.wire import Hooks, Place

if TYPE_CHECKING:
    from teams.models import Enterprise


def current(enterprise: Enterprise) -> ImageRegistry:
    """Give the enterprise's registry. Raises Refused registry_not_set."""
    registry = ImageRegistry.objects.current(enterprise)
    if registry is None:
        raise Refused("registry_not_set")
    return registry


def push_place(registry: ImageRegistry) -> Place:
    """Give the registry as the console writes to it."""
    return _place(registry, registry.user, registry.passwords()["password"])


def _place(registry: ImageRegistry, user: str, password: str | None) -> Place:
    return Place(
        address=registry.address,
        endpoint=references.endpoint_of(registry.address),
        user=user or None,
        password=password,
        trust=Trust.ADMIN,
        ca_pem=registry.ca_pem,
        plain_http=registry.plain_http,
    )


def source_place(reference: Reference, enterprise: Enterprise, credential: Mapping[str, str] | None) -> Place:
    """Give the registry of a typed reference, with the component's own account, else with the enterprise's.

    The enterprise's registries are known by their address: their CA and their place in a private network come from
    what an enterprise admin set. Any other registry must be public and speak TLS.
    """
    known = (
        ImageRegistry.objects.filter(enterprise=enterprise, address=reference.registry)
        # "current" sorts before "former".
        .order_by("state", "-created_at")
        .first()
    )
    user, password = (credential["user"], credential["password"]) if credential else (None, None)
    if known is not None:
        return _place(known, user, password) if user else push_place(known)
    return Place(reference.registry, reference.endpoint, user, password, trust=Trust.DEVELOPER)


def resolve(
    reference: str,
    credential: Mapping[str, str] | None,
    *,
    enterprise: Enterprise,
    user_agent: str,
    pause: Callable[[float], None],
) -> ResolvedImage:
    """Ask the registry what a typed reference means now; the promise is that of `clusters.images.resolve`."""
    typed = references.parse(reference)
    place = source_place(typed, enterprise, credential)
    with Registry(place, scopes=[pull(typed.path)], hooks=Hooks(pause=pause, user_agent=user_agent)) as registry:
        layout = read_layout(registry, typed.path, typed.wanted, image=str(typed), whole=False)
    return resolved(typed, layout)


def resolved(named: Reference, layout: Layout) -> ResolvedImage:
    """Give what a reference means, for a revision's document."""
    return ResolvedImage(
        source=str(named),
        digest=layout.digest,
        media_type=layout.media_type,
        bytes=layout.bytes,
        platforms=[cast(Platform, platform) for platform in layout.platforms],
        pull=named.pinned(layout.digest),
    )


def pull_credentials(enterprise: Enterprise) -> dict[str, PullCredential]:
    """Give the accounts that clusters pull with, by host: of all registries in use, empty while there is none.

    Former registries stay in it, since versions published there still run from there.
    """
    # Former ones first: of two rows with one address the current one's account counts.
    rows = ImageRegistry.objects.filter(enterprise=enterprise).order_by("-state", "created_at")
    accounts = ((row.address, row.pull_account()) for row in rows)
    return {address: PullCredential(user=user, password=password) for address, (user, password) in accounts}
