"""The pull secret of environments: its content comes from the app above; a keyed hash tells when it is stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.crypto import salted_hmac

from clusters import hooks
from console.kit.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clusters.manifests.scope import PullCredential
    from teams.models import Enterprise


def current(enterprise: Enterprise) -> tuple[Mapping[str, PullCredential], str]:
    """Give the credentials of every registry in use and the hash an environment holds once it has them."""
    credentials = hooks.pull_credentials(enterprise)
    return credentials, content_hash(credentials)


def content_hash(credentials: Mapping[str, PullCredential]) -> str:
    """Give a hash that tells whether the content changed and lets nobody guess a password (HMAC-SHA256)."""
    content = canonical({host: dict(account) for host, account in credentials.items()})
    return salted_hmac("clusters.pull_secret", content, algorithm="sha256").hexdigest()
