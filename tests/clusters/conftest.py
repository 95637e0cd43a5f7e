"""People in a database that other threads see, and the engine at work in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from clusters.kube import connect
from clusters.kube.keys import MANAGER
from clusters.manifests.console import CONSOLE, console_manifests
from deploy.local.cluster import Cluster as LocalCluster
from operations.engine.loop import Loop
from tests.cast import Cast, make_cast

_SHARED = ("waybill-system", "waybill-prepare", "waybill-deploy")


@pytest.fixture
def people(transactional_db: None) -> Cast:
    """Give everyone, in rows that workers see."""
    return make_cast()


@pytest.fixture
def least_token(cluster: LocalCluster, namespace: str) -> Iterator[str]:
    """A token of an account that has exactly what the console's own manifests grant."""
    admin = connect.for_parts(cluster.name, cluster.endpoint, cluster.ca_pem, {"token": cluster.admin_token})
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": CONSOLE, "namespace": namespace}}
    admin.apply(account, MANAGER)
    granted = console_manifests({"kind": "ServiceAccount", "name": CONSOLE, "namespace": namespace})
    # Other tests share the cluster: the roles that all share stay, those of this account go.
    own = [{**item, "metadata": {**item["metadata"]}} for item in granted if item["metadata"]["name"] not in _SHARED]
    for item in own:
        item["metadata"]["name"] = f"{item['metadata']['name']}-{namespace}"
        if "roleRef" in item:
            item["roleRef"] = {**item["roleRef"], "name": f"{item['roleRef']['name']}-{namespace}"}
    for item in [item for item in granted if item["metadata"]["name"] in _SHARED] + own:
        admin.apply(item, MANAGER, force=True)
    yield str(admin.token(CONSOLE, namespace)["token"])
    for item in own:
        found = admin.get(item["kind"], item["metadata"]["name"], item["metadata"].get("namespace"))
        if found is not None:
            place = item["metadata"].get("namespace")
            admin.delete(item["kind"], item["metadata"]["name"], place, uid=found["metadata"]["uid"])
    admin.channel.close()


@pytest.fixture
def loop(people: Cast) -> Iterator[Loop]:
    """The engine of a worker, in this process."""
    engine = Loop(slots=4)
    engine.start()
    yield engine
    engine.stop()
    connect.close_all()
    connection.close()
