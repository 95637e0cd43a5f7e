"""What the apps above tell this one, once they start: how pods pull, with which credentials, and versions' marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from clusters.manifests.scope import PullCredential

if TYPE_CHECKING:
    from clusters.kube.protocol import Kube
    from operations.engine.work import Work
    from teams.models import Enterprise

PullCheck = Callable[["Enterprise", "Kube", "Work"], bool]
"""Try whether a cluster's nodes can pull from the enterprise's registry. False: there is no registry yet. Raises
Rejected pull_failed, registry errors, or what the cluster answers."""

Credentials = Callable[["Enterprise"], Mapping[str, PullCredential]]
"""Give the pull credentials of every registry in use, by host; empty while there is none."""

Delivered = tuple[str, str]
"""Template and number of a version, as a revision's source names it."""

Marks = Callable[["Enterprise", Collection[Delivered]], Mapping[Delivered, str]]
"""Give the marks that versions of an enterprise have now; a version that is gone is left out."""

_pull_checks: list[PullCheck] = []
_credentials: list[Credentials] = []
_marks: list[Marks] = []


def register_pull_check(check: PullCheck) -> None:
    """Let `check` answer whether a cluster can pull."""
    _pull_checks[:] = [check]


def register_pull_credentials(provider: Credentials) -> None:
    """Let `provider` give the content of the environments' pull secret."""
    _credentials[:] = [provider]


def register_marks(provider: Marks) -> None:
    """Let `provider` give the marks of versions."""
    _marks[:] = [provider]


def marks(enterprise: Enterprise, versions: Collection[Delivered]) -> Mapping[Delivered, str]:
    """Give the marks of versions; asks nothing where there are none to ask for."""
    return _marks[0](enterprise, versions) if _marks and versions else {}


def pull_check(enterprise: Enterprise, kube: Kube, work: Work) -> bool:
    """Try a pull; False when no registry is set."""
    return _pull_checks[0](enterprise, kube, work) if _pull_checks else False


def pull_credentials(enterprise: Enterprise) -> Mapping[str, PullCredential]:
    """Give the registries' pull credentials, by host."""
    return _credentials[0](enterprise) if _credentials else {}
