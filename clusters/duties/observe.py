"""The duty `observe_cluster`: one LIST per kind for a whole cluster, and a row for each application on it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from clusters.capacity import capacity_of
from clusters.duties.probe import write_news
from clusters.kube import connect
from clusters.kube.client import Client
from clusters.kube.errors import Forbidden
from clusters.kube.protocol import Manifest
from clusters.manifests import labels, names
from clusters.manifests.environment import QUOTA_KEYS
from clusters.models import Application, ApplicationStatus, Cluster, Environment, Revision
from clusters.observing import Seen, Subject, by_application, status_of
from clusters.present import time_text
from clusters.routing import routes_of

KIND = "observe_cluster"
KINDS = ("Deployment", "StatefulSet", "Pod", "Service", "PersistentVolumeClaim")
CAPACITY_EVERY = timedelta(seconds=60)
WIDTH = 8


def observe_cluster(cluster_id: uuid.UUID | None) -> None:
    """Look at one cluster and write what was seen. Raises what the cluster answers; the rows then grow old."""
    cluster = Cluster.objects.connected().filter(pk=cluster_id or uuid.UUID(int=0)).first()
    if cluster is None or cluster.is_away:
        return
    kube = connect.for_cluster(cluster)
    if _capacity_due(cluster):
        _write_capacity(cluster, kube)
    applications = _applications(cluster)
    if applications:
        _write_status(cluster, kube, applications)
    _write_quota(cluster, kube)


# --- Applications ------------------------------------------------------------------------------------------------


def _applications(cluster: Cluster) -> list[Application]:
    """Give the applications on a cluster of which something was sent there."""
    rows = Application.objects.present().filter(environment__cluster=cluster)
    sent = Q(current_revision__isnull=False) | Q(applied_objects__isnull=False)
    return list(rows.filter(sent).distinct().select_related("environment", "current_revision"))


def _subjects(applications: Iterable[Application]) -> list[Subject]:
    """Join each application with what was deployed and what is on its way, with one query for all."""
    rows = list(applications)
    newest: dict[uuid.UUID, Revision] = {}
    sent = Revision.objects.filter(application__in=rows, objects_applied__isnull=False).exclude(kind="uninstall")
    for revision in sent.order_by("application_id", "-number").distinct("application_id"):
        newest[revision.application_id] = revision
    return [_subject(row, newest.get(row.pk)) for row in rows]


def _subject(row: Application, newest: Revision | None) -> Subject:
    revisions = [row.current_revision] if row.current_revision is not None else []
    other = newest if newest is not None and newest.pk != row.current_revision_id else None
    # A first attempt shows even if it failed; later only what is still on its way stands beside the deployed one.
    if other is not None and (not revisions or other.state == Revision.State.PENDING):
        revisions.append(other)
    source = revisions[0].source if revisions else None
    return Subject(
        id=str(row.pk),
        slug=row.slug,
        namespace=row.environment.namespace,
        stopped=row.desired == Application.Desired.STOPPED,
        documents=[revision.document for revision in revisions],
        number=source.get("number") if source else None,
        under_way=newest is not None and newest.state == Revision.State.PENDING,
    )


def _write_status(cluster: Cluster, kube: Client, applications: list[Application]) -> None:
    observed_at = timezone.now()
    subjects = _subjects(applications)
    namespaces = sorted({subject.namespace for subject in subjects})
    asks: list[Callable[[], list[Manifest]]] = [
        lambda kind=kind: kube.list(kind, selector=labels.OWNED).items  # type: ignore[misc]
        for kind in KINDS
    ]
    asks += [
        lambda place=place: kube.list("Event", place, fields="type!=Normal").items  # type: ignore[misc]
        for place in namespaces
    ]
    with ThreadPoolExecutor(WIDTH, thread_name_prefix="observe") as pool:
        routes = pool.submit(_routes, kube, subjects)
        answers = list(pool.map(lambda ask: ask(), asks))
    ingresses = routes.result()
    seen = by_application(item for answer in [*answers[: len(KINDS)], ingresses or []] for item in answer)
    events = dict(zip(namespaces, answers[len(KINDS) :], strict=True))
    address, now = cluster.node_address or cluster.capacity.get("node_address"), time.time()
    rows = []
    for subject in subjects:
        found = seen.get(subject.id, Seen())
        columns = status_of(
            subject,
            found,
            events[subject.namespace],
            node_address=address,
            now=now,
            routes_seen=ingresses is not None,
        )
        rows.append(ApplicationStatus(application_id=uuid.UUID(subject.id), observed_at=observed_at, **columns))
    _save(rows)


def _routes(kube: Client, subjects: Iterable[Subject]) -> list[Manifest] | None:
    """Give what stands of HTTP routes, asked only where there is one; None where the console may not look at them."""
    if not any(routes_of(subject.components) for subject in subjects):  # type: ignore[arg-type]
        return []
    try:
        return kube.list("Ingress", selector=labels.OWNED).items
    except Forbidden:
        return None


def _save(rows: list[ApplicationStatus]) -> None:
    """Write all rows with one statement; an application removed meanwhile keeps what it had."""
    fields = [field.name for field in ApplicationStatus._meta.concrete_fields if field.name != "application"]
    with transaction.atomic():
        there = set(
            Application.objects.present()
            .filter(pk__in=[row.application_id for row in rows])
            .values_list("pk", flat=True)
        )
        ApplicationStatus.objects.bulk_create(
            [row for row in rows if row.application_id in there],
            update_conflicts=True,
            unique_fields=["application"],
            update_fields=fields,
        )


# --- Capacity and quota ------------------------------------------------------------------------------------------


def _capacity_due(cluster: Cluster) -> bool:
    at = cluster.capacity.get("at")
    if not at:
        return True
    return timezone.now() - datetime.fromisoformat(str(at)) >= CAPACITY_EVERY


def _write_capacity(cluster: Cluster, kube: Client) -> None:
    nodes = kube.list("Node").items
    pods = kube.list("Pod", fields="status.phase!=Succeeded,status.phase!=Failed").items
    cluster.capacity = capacity_of(nodes, pods, at=time_text(timezone.now()) or "")
    cluster.version = str(kube.version().get("gitVersion", ""))[:40]
    write_news(cluster, capacity=cluster.capacity, version=cluster.version)


def _write_quota(cluster: Cluster, kube: Client) -> None:
    """Keep how much of each environment's quota is used, where the console may see it."""
    rows = Environment.objects.present().filter(cluster=cluster, quota__isnull=False)
    places = {row.namespace: row for row in rows}
    if not places:
        return
    try:
        live = kube.list("ResourceQuota", selector=labels.OWNED).items
    except Forbidden:
        return
    for item in live:
        row = places.get(item["metadata"]["namespace"])
        if row is None or item["metadata"]["name"] != names.QUOTA:
            continue
        used = item.get("status", {}).get("used") or {}
        words = {word: used[key] for word, key in QUOTA_KEYS.items() if key in used}
        if words != row.quota_used:
            rows.filter(pk=row.pk).update(quota_used=words, row_version=F("row_version"), updated_at=F("updated_at"))
