"""Upgrades converge exactly: what is new comes, what is dropped goes, volumes stay, and nothing else is touched."""

from __future__ import annotations

from typing import Any

from clusters.health.ready import STEADY_WITH_PROBE
from clusters.models import AppliedObject, Revision
from operations.engine.loop import Loop
from operations.models import Operation
from tests.clusters.delivery.house import House, begin, done, failed, make_app, part

DISK = [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}]


def stateful(key: str = "db", **fields: Any) -> Any:
    port = {"name": "db", "number": 5432, "alias": "DB", "inside": True}
    return part(key, kind="stateful", ports=[port], volumes=DISK, **fields)


def versions(house: House) -> dict[str, str]:
    """The resourceVersion of every configuration object and the generation of every workload."""
    seen: dict[str, str] = {}
    for kind, group in (("services", ""), ("secrets", ""), ("networkpolicies", "networking.k8s.io")):
        seen |= {
            f"{kind}/{name}": item["metadata"]["resourceVersion"] for name, item in house.listed(kind, group).items()
        }
    for kind in ("deployments", "statefulsets"):
        found = house.listed(kind, "apps")
        seen |= {f"{kind}/{name}": f"generation {item['metadata']['generation']}" for name, item in found.items()}
    return seen


def sent(operation: Operation) -> dict[str, int]:
    """What the dry run found there was to do."""
    step = operation.steps.get(key="dry_run")
    counts: dict[str, int] = step.observed["counts"]
    return counts


def test_levels_start_in_order_and_the_volume_is_claimed(house: House, loop: Loop) -> None:
    app = make_app(house)
    web = part("web", depends_on=["db"], ports=[{"name": "http", "number": 8080, "outside": "node_port"}])
    operation = done(begin(house, app, [web, stateful()]))
    keys = [step.key for step in operation.steps.order_by("seq")]
    assert keys.index("component:db") < keys.index("component:web")
    env = house.listed("deployments", "apps")["shop-app-web"]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "DB_HOST", "value": "shop-app-db"} in env
    assert "data-shop-app-db-0" in house.listed("persistentvolumeclaims")
    assert house.listed("services")["shop-app-web-outside"]["spec"]["ports"][0]["nodePort"]
    db, web_step = operation.steps.get(key="component:db"), operation.steps.get(key="component:web")
    assert db.finished_at is not None
    assert web_step.started_at is not None
    assert db.finished_at <= web_step.started_at


def test_components_of_one_level_start_side_by_side(house: House, loop: Loop) -> None:
    app = make_app(house)
    operation = done(begin(house, app, [part(key) for key in ("one", "two", "three")]))
    first = operation.steps.filter(key__startswith="component:").order_by("seq")[0]
    made = [item["metadata"]["creationTimestamp"] for item in house.listed("deployments", "apps").values()]
    assert len(made) == 3 and first.finished_at is not None
    # Kubernetes tells whole seconds, cut off: what was sent after the first had started would be told a second later.
    assert max(made) <= first.finished_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_last_component_waits_until_everything_stands(house: House, loop: Loop) -> None:
    app = make_app(house)
    chain = [part("db"), part("api", depends_on=["db"]), part("web", depends_on=["api"])]
    operation = done(begin(house, app, chain))
    steps = list(operation.steps.filter(key__startswith="component:").order_by("seq"))
    first, last = steps[0], steps[-1]
    assert (first.key, last.key) == ("component:db", "component:web")
    assert first.finished_at is not None
    assert last.finished_at is not None
    assert (last.finished_at - first.finished_at).total_seconds() >= STEADY_WITH_PROBE, "nothing is deployed before"


def test_what_falls_after_the_next_level_was_sent_is_no_success(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("report")]))
    falling = part("db", start_timeout=15, variables=[{"name": "PLAY", "value": "flaps"}])
    wanted = [falling, part("web", depends_on=["db"])]
    operation = failed(begin(house, app, wanted), "not_ready", component="db", cause="crash_loop", seconds=60)
    assert operation.steps.get(key="component:db").state == "done"
    assert operation.steps.get(key="component:web").state == "failed"
    assert "shop-app-report" in house.listed("deployments", "apps"), "nothing is taken away for what never stood"
    assert app.revisions.get(number=2).state == "failed"


def test_an_upgrade_sends_what_changed_and_nothing_else(house: House, loop: Loop) -> None:
    app = make_app(house)
    file = {"path": "/etc/web/app.conf", "content": "one"}
    before = [part("web", variables=[{"name": "A", "value": "1"}], files=[file]), stateful(), part("report")]
    done(begin(house, app, before))
    old_files = set(house.listed("configmaps"))
    settled = versions(house)
    file = {"path": "/etc/web/app.conf", "content": "two"}
    after = [part("web", variables=[{"name": "A", "value": "2"}], files=[file]), stateful(), part("worker")]
    operation = done(begin(house, app, after))

    assert sent(operation)["change"] == 1  # the workload of web
    assert sent(operation)["create"] == 2  # its new file, and the workload of worker
    assert sent(operation)["remove"] == 2  # its old file, and the workload of report
    now = versions(house)
    assert "deployments/shop-app-report" not in now
    untouched = {name for name in settled if "web" not in name and "report" not in name}
    assert {name: now[name] for name in untouched} == {name: settled[name] for name in untouched}
    container = house.listed("deployments", "apps")["shop-app-web"]["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "A", "value": "2"}]
    assert len(set(house.listed("configmaps")) & old_files - {"kube-root-ca.crt", "waybill-shop-app"}) == 0
    rows = set(AppliedObject.objects.filter(application=app).values_list("kind", "name"))
    assert ("Deployment", "shop-app-report") not in rows
    former = Revision.objects.get(application=app, number=1)
    assert former.state == "superseded"


def test_the_same_again_touches_nothing(house: House, loop: Loop) -> None:
    app = make_app(house)
    components = [part("web", variables=[{"name": "S", "secret": True}]), stateful()]
    done(begin(house, app, components, secrets={"web.variables.S": "x"}))
    settled = versions(house)
    operation = done(begin(house, app, components, secrets={"web.variables.S": "x"}))
    assert versions(house) == settled
    counts = sent(operation)
    assert (counts["create"], counts["change"], counts["remove"]) == (0, 0, 0)
    waited = [step for step in operation.steps.filter(key__startswith="component:") if step.finished_at]
    took = sum((step.finished_at - step.started_at).total_seconds() for step in waited)  # type: ignore[operator, misc]
    assert took < 3, "what stood since it was deployed is not watched once more"


def test_a_dropped_component_leaves_its_volume(house: House, loop: Loop) -> None:
    app = make_app(house)
    disk = [{"name": "data", "path": "/data", "size": "1Gi"}]
    done(begin(house, app, [part("web"), stateful(), part("files", volumes=disk, replicas={"max": 1})]))
    operation = done(begin(house, app, [part("web")]))
    claims = house.listed("persistentvolumeclaims")
    assert {"data-shop-app-db-0", "shop-app-files-data"} == set(claims)
    kept = AppliedObject.objects.filter(application=app, state="kept").values_list("name", flat=True)
    assert set(kept) == set(claims)
    assert sorted(operation.steps.get(key="prune").observed["kept"]) == sorted(claims)
    assert "shop-app-db" not in house.listed("statefulsets", "apps")
    # Brought back, the component finds its data again.
    done(begin(house, app, [part("web"), stateful()]))
    assert (
        house.listed("persistentvolumeclaims")["data-shop-app-db-0"]["metadata"]["uid"]
        == (claims["data-shop-app-db-0"]["metadata"]["uid"])
    )


def test_stop_takes_the_pods_and_start_brings_them_back(house: House, loop: Loop) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web", replicas={"default": 2, "max": 2})]))
    app.refresh_from_db()
    app.desired = "stopped"
    app.save()
    done(begin(house, app, kind="stop"))
    assert house.listed("deployments", "apps")["shop-app-web"]["spec"]["replicas"] == 0
    assert not [pod for pod in house.listed("pods").values() if "deletionTimestamp" not in pod["metadata"]]
    app.desired = "running"
    app.save()
    done(begin(house, app, kind="start"))
    assert house.listed("deployments", "apps")["shop-app-web"]["status"]["readyReplicas"] == 2
