"""What all steps of one delivery share, for as long as one process works at it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from clusters.delivery import inventory
from clusters.delivery.live import Live
from clusters.kube import connect
from clusters.kube.protocol import Kube, Manifest
from clusters.manifests import Bundle, restored
from clusters.models import Application, Cluster, Environment, Revision
from clusters.spec import Component
from operations.models import Step

if TYPE_CHECKING:
    from clusters.delivery.ready import Watched
    from operations.engine.work import Work

TAKE_OVER = "take_over"
DRY_RUN = "dry_run"


@dataclass
class Run:
    """One application's delivery in this process: rows, cluster, inventory, and the last look at the live objects.

    `revision` is what is being brought about; an operation that makes none (start, stop) works on the deployed one.
    """

    work: Work
    application: Application
    revision: Revision
    rows: inventory.Rows
    live: Live = field(default_factory=Live)
    taken: bool = False
    watched: dict[str, Watched] = field(default_factory=dict)
    _sent: dict[uuid.UUID, dict[str, Manifest]] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        """Where it runs."""
        return self.application.environment

    @property
    def cluster(self) -> Cluster:
        """The cluster of the environment."""
        return self.environment.cluster

    @property
    def namespace(self) -> str:
        """The namespace of the environment."""
        return self.environment.namespace

    @property
    def application_id(self) -> str:
        """The application's id, as the ownership label carries it."""
        return str(self.application.pk)

    @property
    def manager(self) -> str:
        """The field manager of the application."""
        return self.application.field_manager

    @property
    def part_of(self) -> str:
        """The template's slug, or the application's own."""
        return part_of(self.application, self.revision)

    @property
    def components(self) -> list[Component]:
        """The components, values applied."""
        return cast("list[Component]", self.revision.document["components"])

    @cached_property
    def salt(self) -> bytes:
        """The application's salt."""
        return self.application.open_salt()

    @cached_property
    def forced(self) -> frozenset[str]:
        """The objects whose fields may be taken from other hands: consented to, found by the dry run."""
        return frozenset(observed(self.work, DRY_RUN).get("forced", ()))

    def former(self, object_id: str) -> Manifest | None:
        """Give what was sent last for an object, by the revision that sent it; None when nothing was."""
        row = self.rows.get(object_id)
        if row is None or row.revision_id == self.revision.pk:
            return None
        sent = self._sent.get(row.revision_id)
        if sent is None:
            stored = Revision.objects.get(pk=row.revision_id).content().get("manifests") or []
            sent = self._sent[row.revision_id] = {item.id: item.manifest for item in restored(stored).all()}
        return sent.get(object_id)

    @cached_property
    def stored(self) -> Bundle:
        """What the revision has sealed, as it runs when it is not stopped."""
        return restored(self.revision.content()["manifests"])

    @property
    def bundle(self) -> Bundle:
        """What is to be sent: the stored objects, without pods while the application is to be stopped."""
        is_stopped = self.application.desired == Application.Desired.STOPPED
        return self.stored.stopped(self.salt) if is_stopped else self.stored

    @property
    def is_removal(self) -> bool:
        """Whether the application is being uninstalled."""
        return self.revision.kind == Revision.Kind.UNINSTALL

    def kube(self, step: str | None = None) -> Kube:
        """Give the cluster with the environment's key, guarded by the lease, for a step's requests."""
        return connect.for_work(self.environment, self.work, step or self.work.key)


def part_of(application: Application, revision: Revision) -> str:
    """Give the `part-of` label: the template's slug, or the application's own."""
    source: dict[str, Any] = revision.source or {}
    return str(source.get("template") or application.slug)


def observed(work: Work, key: str) -> dict[str, Any]:
    """Give what a step of this operation has observed; empty when there is no such step."""
    found: dict[str, Any] | None = (
        Step.objects.filter(operation=work.operation, key=key).values_list("observed", flat=True).first()
    )
    return found or {}


_runs: WeakKeyDictionary[Work, Run] = WeakKeyDictionary()


def run_of(work: Work) -> Run:
    """Give the run of this claim; a process that has just taken the operation over starts with a fresh one."""
    run = _runs.get(work)
    if run is None:
        run = _runs[work] = _open(work)
    return run


def _open(work: Work) -> Run:
    assert work.operation.subject_id is not None
    application = Application.objects.select_related(
        "environment__cluster", "environment__team", "current_revision"
    ).get(pk=work.operation.subject_id)
    revision = Revision.objects.filter(operation=work.operation).select_related("rolls_back_to").first()
    revision = revision or application.current_revision
    if revision is None:
        raise RuntimeError("an application that was never deployed has nothing to work on")
    revision.application = application
    return Run(work, application, revision, inventory.rows_of(application))
