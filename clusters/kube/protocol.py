"""What the rest of the console may ask of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Manifest = dict[str, Any]
Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True)
class Answer:
    """One object as the server answered it. `created` tells 201 from 200; `warnings` are those of the headers."""

    object: Manifest
    created: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def metadata(self) -> dict[str, Any]:
        """The object's metadata."""
        found: dict[str, Any] = self.object.get("metadata") or {}
        return found

    @property
    def uid(self) -> str:
        """The object's uid; empty when the answer carries none."""
        return str(self.metadata.get("uid", ""))

    @property
    def resource_version(self) -> str:
        """The object's resourceVersion."""
        return str(self.metadata.get("resourceVersion", ""))

    @property
    def generation(self) -> int | None:
        """The object's generation, for kinds that have one."""
        found = self.metadata.get("generation")
        return int(found) if found is not None else None

    @property
    def terminating(self) -> bool:
        """Whether the object is being deleted: an apply to it answers 200 and is lost. Wait for 404, then create."""
        return bool(self.metadata.get("deletionTimestamp"))


@dataclass(frozen=True)
class Listing:
    """A LIST's objects and the resourceVersion from which a watch goes on."""

    items: list[Manifest]
    resource_version: str


@dataclass(frozen=True)
class Change:
    """One event of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Manifest = field(repr=False)


class Guard(Protocol):
    """The part of a running operation that stands before every write (`operations.engine` gives it)."""

    def before_write(self) -> None:
        """Raise if the operation is no longer this worker's."""

    @property
    def generation(self) -> int:
        """The generation of the environment's key, as last read."""

    def user_agent(self, step: str) -> str:
        """Name operation, epoch and step, for the cluster's audit log."""


class LogText(Protocol):
    """The text of a log, part by part."""

    def __iter__(self) -> Iterator[bytes]:
        """Give the parts as they come."""

    def stop(self) -> None:
        """End it from another thread, also while a part is waited for."""


class Kube(Protocol):
    """One cluster, with one identity. Plain dicts in and out.

    Every call may raise Unreachable cluster_unreachable (try again later), CredentialsRefused, Forbidden, and Rejected
    tls_not_trusted; the writes also what `clusters.kube.errors.translate` gives.
    """

    @property
    def window(self) -> int:
        """How many requests to have in flight at once; smaller for a while after the server throttled."""

    def bound(self, guard: Guard, step: str = "") -> Kube:
        """Give the same cluster and identity, bound to a running operation: its guard stands before each write."""

    def version(self, *, timeout: float = 5.0) -> dict[str, Any]:
        """Ask which version the server is."""

    def get(self, kind: str, name: str, namespace: str | None = None, *, timeout: float = 15.0) -> Manifest | None:
        """Read one object; None when it does not exist."""

    def list(self, kind: str, namespace: str | None = None, *, selector: str = "", fields: str = "") -> Listing:
        """Read all objects of a kind that a label (and field) selector matches, always as of now."""

    def apply(
        self,
        manifest: Manifest,
        manager: str,
        *,
        create_only: bool = False,
        uid: str | None = None,
        resource_version: str | None = None,
        dry_run: bool = False,
        force: bool = False,
    ) -> Answer:
        """Apply server-side. `create_only`: Exists when the name is taken; `uid`: Outdated when another has it."""

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Answer:
        """POST one object. Exists when the name is taken."""

    def patch_merge(self, kind: str, name: str, namespace: str | None, patch: Manifest) -> Answer:
        """Merge-patch one object."""

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        uid: str,
        resource_version: str | None = None,
        propagation: Propagation = "Background",
        dry_run: bool = False,
    ) -> Manifest | None:
        """Delete one object by its uid; None when it was gone already. Outdated when it is another object by now."""

    def rules(self, namespace: str) -> dict[str, Any]:
        """Ask what this identity may do in a namespace: the status of a SelfSubjectRulesReview."""

    def who(self) -> str:
        """Ask as whom the server sees this identity: a user name."""

    def may(
        self, verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = "", subresource: str = ""
    ) -> bool:
        """Ask whether this identity may do one thing (SelfSubjectAccessReview)."""

    def token(self, service_account: str, namespace: str, *, seconds: int = 3600) -> dict[str, Any]:
        """Ask for a token of a ServiceAccount: `{"token", "expirationTimestamp"}`."""

    def watch(
        self, kind: str, namespace: str | None, *, selector: str = "", resource_version: str, seconds: int = 300
    ) -> AbstractContextManager[Iterator[Change]]:
        """Follow changes from a LIST's resourceVersion; ends after `seconds`, or raises Outdated when it is too old."""

    def log(
        self,
        pod: str,
        namespace: str,
        container: str,
        *,
        tail: int = 200,
        follow: bool = False,
        previous: bool = False,
        limit: int = 1 << 20,
    ) -> AbstractContextManager[LogText]:
        """Read a container's log, `limit` bytes at most; `previous`: of its run before the last restart."""
