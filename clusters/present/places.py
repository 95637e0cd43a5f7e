"""The JSON of clusters and environments, the same in answers and lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from clusters.models import Cluster, Environment
from operations.models import Operation

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

CAPACITY = ("nodes_ready", "nodes_total", "cpu", "memory", "at")


def time_text(moment: datetime | None) -> str | None:
    """Give a time as answers hold it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def clusters_json(rows: Iterable[Cluster]) -> list[dict[str, Any]]:
    """Give the JSON of clusters, with one query for the environments on all of them."""
    clusters = list(rows)
    slugs: dict[uuid.UUID, list[str]] = {}
    placed = Environment.objects.present().filter(cluster__in=clusters).order_by("slug")
    for cluster_id, slug in placed.values_list("cluster_id", "slug"):
        slugs.setdefault(cluster_id, []).append(slug)
    return [_cluster_json(cluster, slugs.get(cluster.pk, [])) for cluster in clusters]


def cluster_json(row: Cluster) -> dict[str, Any]:
    """Give the JSON of one cluster."""
    return clusters_json([row])[0]


def _cluster_json(row: Cluster, environments: list[str]) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "name": row.name,
        "endpoint": row.endpoint,
        "uid": row.uid,
        "version": row.version,
        "health": {
            "state": row.health,
            "code": row.health_code,
            "seen_at": time_text(row.seen_at),
            "probed_at": time_text(row.probed_at),
        },
        "capacity": {key: row.capacity.get(key) for key in CAPACITY} if row.capacity else None,
        "credential": {"kind": row.credential_kind, "expires_at": time_text(row.credential_expires_at)},
        "node_address": row.node_address or row.capacity.get("node_address"),
        "ingress_class": row.ingress_class,
        "ingress_domain": row.ingress_domain,
        "environments": environments,
    }


def environments_json(rows: Iterable[Environment]) -> list[dict[str, Any]]:
    """Give the JSON of environments (read with team and cluster), with one query for their last operations."""
    environments = list(rows)
    ids = [row.pk for row in environments]
    last = dict(
        Operation.objects.filter(subject_type="environment", subject_id__in=ids)
        .order_by("subject_id", "-number")
        .distinct("subject_id")
        .values_list("subject_id", "number")
    )
    return [_environment_json(row, last.get(row.pk)) for row in environments]


def environment_json(row: Environment) -> dict[str, Any]:
    """Give the JSON of one environment."""
    return environments_json([row])[0]


def _environment_json(row: Environment, operation: int | None) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "name": row.name,
        "team": row.team.slug,
        "cluster": row.cluster.slug,
        "cluster_health": row.cluster.health,
        "namespace": row.namespace,
        "stage": row.stage,
        "accepts": row.accepts,
        "position": row.position,
        "state": row.state,
        "quota": row.quota,
        "operation": None if operation is None else f"op-{operation}",
    }
