"""The step before everything: is this still the cluster, and may anything be delivered to the environment?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clusters.kube import connect
from clusters.models import Environment
from console.kit.errors import Refused, Rejected

if TYPE_CHECKING:
    from operations.engine.step import StepWork
    from operations.engine.work import Work

IDENTITY = "kube-system"
"""The namespace whose uid is a cluster's identity."""


def check(work: Work, step: StepWork) -> None:
    """Check environment and cluster. Raises Refused environment_not_ready and Rejected cluster_replaced."""
    assert work.operation.environment_id is not None
    environment = Environment.objects.select_related("cluster").get(pk=work.operation.environment_id)
    if environment.state != Environment.State.READY or environment.removed_at is not None:
        raise Refused("environment_not_ready", environment=environment.name, state=environment.state)
    cluster = environment.cluster
    found = connect.for_cluster(cluster).bound(work, step.key).get("Namespace", IDENTITY)
    uid = str(found["metadata"]["uid"]) if found else ""
    if uid != cluster.uid:
        raise Rejected("cluster_replaced", cluster=cluster.name)
    step.conclude(cluster=uid)
