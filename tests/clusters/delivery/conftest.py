"""A prepared environment on a real cluster, and a worker's engine in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from clusters.kube import connect
from clusters.runners.deploy import DeployRunner, StartRunner, StopRunner
from deploy.local.cluster import Cluster as LocalCluster
from operations import registry
from operations.engine.loop import Loop
from tests.clusters.delivery.house import House, make_house


@pytest.fixture(autouse=True, scope="session")
def _runners() -> None:
    for runner in (DeployRunner(), StartRunner(), StopRunner()):
        registry.register(runner)


@pytest.fixture
def house(transactional_db: None, cluster: LocalCluster) -> Iterator[House]:
    """An environment of this test alone."""
    made = make_house(cluster)
    yield made
    remove_namespace(cluster, made.environment.namespace)
    connect.close_all()


@pytest.fixture
def loop(transactional_db: None) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=4)
    engine.start()
    yield engine
    engine.stop()
    connection.close()


def remove_namespace(cluster: LocalCluster, name: str) -> None:
    """Let a namespace go; pods that are played to hang would keep it."""
    for pod in cluster.get(f"/api/v1/namespaces/{name}/pods")["items"]:
        cluster.api("DELETE", f"/api/v1/namespaces/{name}/pods/{pod['metadata']['name']}?gracePeriodSeconds=0")
    cluster.api("DELETE", f"/api/v1/namespaces/{name}")
