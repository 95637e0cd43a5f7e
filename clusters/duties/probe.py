"""The duty `probe_cluster`: does the cluster answer, and is it still the same one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from clusters.kube import connect
from clusters.models import Cluster
from console.kit.errors import Rejected, WaybillError
from console.kit.secrets import SecretLost

KIND = "probe_cluster"
SECONDS = 2.0
MISSES = 3


def probe_cluster(cluster_id: uuid.UUID | None) -> None:
    """Ask one cluster and write what it said. Never raises for what a cluster does."""
    cluster = Cluster.objects.connected().filter(pk=cluster_id or uuid.UUID(int=0)).first()
    if cluster is None:
        return
    try:
        _ask(cluster)
    except SecretLost:
        _missed(cluster, Rejected("credentials_refused", cluster=cluster.name))
    except WaybillError as error:
        _missed(cluster, error)
    else:
        _answered(cluster)


def _ask(cluster: Cluster) -> None:
    """Read kube-system: one request that proves the line, the credential and whose cluster it is."""
    kube = connect.for_cluster(cluster)
    namespace = kube.get("Namespace", "kube-system", timeout=SECONDS)
    uid = str((namespace or {}).get("metadata", {}).get("uid", ""))
    if uid != cluster.uid:
        raise Rejected("cluster_replaced", cluster=cluster.name)


def write_news(cluster: Cluster, **fields: Any) -> None:
    """Write what was seen of a cluster. It is news about the cluster, no change of the row: its version stays."""
    rows = Cluster.objects.connected().filter(pk=cluster.pk)
    rows.update(**fields, row_version=F("row_version"), updated_at=F("updated_at"))


def _answered(cluster: Cluster) -> None:
    now = timezone.now()
    write_news(
        cluster,
        health=Cluster.Health.ONLINE,
        health_code=None,
        health_params={},
        misses=0,
        probed_at=now,
        seen_at=now,
    )


def _missed(cluster: Cluster, error: WaybillError) -> None:
    """Count a miss: the third in a row makes the cluster unreachable, half an hour of them offline."""
    now, misses = timezone.now(), cluster.misses + 1
    health = cluster.health
    if misses >= MISSES:
        last = cluster.seen_at or cluster.created_at
        gone = now - last >= timedelta(seconds=settings.WAYBILL_OFFLINE_AFTER)
        health = Cluster.Health.OFFLINE if gone else Cluster.Health.UNREACHABLE
    write_news(
        cluster,
        health=health,
        health_code=error.code,
        health_params=error.params,
        misses=misses,
        probed_at=now,
    )
