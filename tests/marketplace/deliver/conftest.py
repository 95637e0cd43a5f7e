"""The stage of deliveries: real environments, everyone, and a worker's engine in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clusters.kube import connect
from deploy.local.cluster import Cluster as LocalCluster
from tests.cast import Cast
from tests.clusters.delivery.conftest import remove_namespace
from tests.marketplace.deliver.stage import Stage, make_stage


@pytest.fixture
def stage(people: Cast, cluster: LocalCluster, name: str) -> Iterator[Stage]:
    """Two environments of this test alone."""
    made = make_stage(people, cluster, name)
    yield made
    for environment in made.places.values():
        remove_namespace(cluster, environment.namespace)
    connect.close_all()
