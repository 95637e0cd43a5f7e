"""Connected clusters and environments as rows, and waiting for the engine."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from clusters.models import Cluster, Environment
from operations.engine import doorbell
from operations.models import Operation
from tests.waiting import until

if TYPE_CHECKING:
    from deploy.local.cluster import Cluster as LocalCluster
    from teams.models import Enterprise, Team


def unique(prefix: str = "t") -> str:
    """Give a slug that no other test on the shared clusters uses."""
    return f"{prefix}{uuid.uuid4().hex[:10]}"


def connect_row(enterprise: Enterprise, local: LocalCluster, slug: str = "intranet", **columns: Any) -> Cluster:
    """Make the row of a cluster that is connected, with its admin's token."""
    uid = local.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    return make_cluster(
        enterprise,
        slug,
        endpoint=local.endpoint,
        ca_pem=local.ca_pem,
        token=local.admin_token,
        **{"uid": uid, "health": "online", **columns},
    )


def make_cluster(enterprise: Enterprise, slug: str = "intranet", *, token: str = "t", **columns: Any) -> Cluster:
    """Make the row of a cluster that may not exist."""
    row = Cluster(
        **{
            "enterprise": enterprise,
            "slug": slug,
            "name": slug.title(),
            "endpoint": "https://127.0.0.1:1",
            "credential_kind": "token",
            "uid": str(uuid.uuid4()),
            "version": "v1.36.3",
            **columns,
        }
    )
    row.seal_credential({"token": token})
    row.save()
    return row


def make_environment(team: Team, cluster: Cluster, slug: str | None = None, **columns: Any) -> Environment:
    """Make the row of an environment."""
    slug = slug or unique("e")
    return Environment.objects.create(
        **{
            "enterprise": team.enterprise,
            "team": team,
            "cluster": cluster,
            "slug": slug,
            "name": slug.title(),
            "namespace": slug,
            "stage": "test",
            "accepts": "any",
            "state": "ready",
            **columns,
        }
    )


def ended(name: str, *, seconds: float = 60) -> Operation:
    """Wait until the operation `op-…` has ended; gives its row."""
    doorbell.ring()
    rows = Operation.objects.filter(number=int(name.removeprefix("op-")))
    until(lambda: not rows.get().is_active, seconds=seconds, what=f"the end of {name}")
    return rows.get()


def steps_of(operation: Operation) -> dict[str, str]:
    """Give step key → state."""
    return dict(operation.steps.order_by("seq").values_list("key", "state"))


def key() -> dict[str, str]:
    """Give a fresh Idempotency-Key header."""
    return {"Idempotency-Key": uuid.uuid4().hex}
