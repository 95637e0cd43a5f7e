"""Deploying an application on a real cluster, from nothing to running."""

from __future__ import annotations

from clusters.models import AppliedObject
from operations.engine.loop import Loop
from tests.clusters.delivery.house import House, begin, done, make_app, part


def test_one_component_comes_to_run(house: House, loop: Loop) -> None:
    app = make_app(house)
    operation = done(begin(house, app, [part("web")]))
    app.refresh_from_db()
    assert app.current_revision is not None
    assert app.current_revision.state == "deployed"
    assert operation.changed == "all"
    workload = house.listed("deployments", "apps")["shop-app-web"]
    assert workload["status"]["readyReplicas"] == 1
    states = set(AppliedObject.objects.filter(application=app).values_list("kind", "state"))
    assert ("Deployment", "applied") in states
    record = house.listed("configmaps")["waybill-shop-app"]
    assert record["data"]["operation"] == operation.name
