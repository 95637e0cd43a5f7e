"""Several volumes: of a stateful component and of a stateless one, from the draft over a version to the end of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clusters.kube import connect
from clusters.models import Application, AppliedObject
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from marketplace.models import Publication
from marketplace.runners.publish import wanted_of
from operations.engine.loop import Loop
from tests.cast import Cast
from tests.clusters.apps import path_of
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.working import ended
from tests.marketplace.deliver.made import Made, make_made

READY = {"readiness": {"kind": "command", "command": ["true"], "period": 1}}
DB = {
    "probes": READY,
    "kind": "stateful",
    "replicas": {"default": 2, "max": 2},
    "volumes": [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}, {"name": "logs", "path": "/var/log/db"}],
}
WEB: dict[str, Any] = {
    "probes": READY,
    "depends_on": ["db"],
    "volumes": [
        {"name": "uploads", "path": "/var/uploads", "size": "2Gi", "storage_class": "local"},
        {"name": "shared", "path": "/var/shared", "access": "ReadWriteMany"},
    ],
}
CLAIMS = {
    "data-files-db-0": "1Gi",
    "data-files-db-1": "1Gi",
    "logs-files-db-0": "1Gi",
    "logs-files-db-1": "1Gi",
    "files-web-uploads": "2Gi",
    "files-web-shared": "1Gi",
}


@pytest.fixture
def made(
    people: Cast, cluster: LocalCluster, registry: RegistryFacts, sample_images: dict[str, dict[str, str]], loop: Loop
) -> Iterator[Made]:
    """The application runs with all its volumes."""
    made = make_made(people, cluster, registry, sample_images["1.0"])
    made.add("db", **DB)
    made.add("web", **WEB)
    yield made
    for place in (made.app.environment, made.other):
        remove_namespace(cluster, place.namespace)
    connect.close_all()


def _claims(made: Made, place: Any = None) -> dict[str, str]:
    found = made.listed("persistentvolumeclaims", place)
    return {name: item["spec"]["resources"]["requests"]["storage"] for name, item in found.items()}


def _uids(made: Made, place: Any) -> dict[str, str]:
    found = made.listed("persistentvolumeclaims", place)
    return {name: item["metadata"]["uid"] for name, item in found.items()}


def _mounts(workload: dict[str, Any]) -> dict[str, str]:
    container = workload["spec"]["template"]["spec"]["containers"][0]
    return {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.timeout(300)
def test_every_claim_is_made_once_and_outlives_what_changes(made: Made) -> None:
    made.deploy()
    assert _claims(made) == CLAIMS
    assert _mounts(made.listed("deployments", group="apps")["files-web"]) == {
        "uploads": "/var/uploads",
        "shared": "/var/shared",
    }
    assert _mounts(made.listed("statefulsets", group="apps")["files-db"]) == {
        "data": "/var/lib/db",
        "logs": "/var/log/db",
    }
    made.publish("1.0")
    sources = {one.source.user for one in wanted_of(Publication.objects.get(number=1))}
    assert sources == {made.registry.pull_user}, "what is copied is read with the components' own account"
    made.change("web", **WEB, variables=[{"name": "LEVEL", "value": "debug"}])
    made.deploy()
    made.publish("1.1")
    document = made.api.get("templates/files/versions/1.1/document").json()
    assert not any({"user", "credential", "reference"} & set(part["image"]) for part in document["components"])
    assert [[volume["name"] for volume in part["volumes"]] for part in document["components"]] == [
        ["data", "logs"],
        ["uploads", "shared"],
    ]

    place = made.other
    wish = {"template": "files", "environments": [place.slug], "version": "1.0", "app": {"slug": "files"}}
    sizes = {"web.volumes.uploads.size": "3Gi", "db.volumes.logs.size": "2Gi"}
    made.done("installations", {**wish, "values": sizes})
    larger = {"files-web-uploads": "3Gi", "logs-files-db-0": "2Gi", "logs-files-db-1": "2Gi"}
    assert _claims(made, place) == {**CLAIMS, **larger}
    there = _uids(made, place)
    path = f"environments/{place.slug}/apps/files"
    shown = made.api.get(path).json()
    assert shown["status"] is not None

    made.done(f"{path}/upgrades", {"version": "1.1"})
    assert _uids(made, place) == there
    container = made.listed("deployments", place, "apps")["files-web"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "LEVEL", "value": "debug"} in container["env"]
    refused = made.api.post(
        f"{path}/upgrades",
        {"version": "1.1", "values": {"web.volumes.shared.size": "9Gi"}},
        headers={"Idempotency-Key": place.slug},
    )
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/values/web.volumes.shared.size", "not_allowed")
    ]
    made.done(f"{path}/rollbacks", {})
    assert _uids(made, place) == there
    record = made.api.get(f"{path}/revisions/3").json()
    assert (record["equals"]["equal"], record["not_restored"]) == (True, sorted(CLAIMS))

    _uninstalled_with_all_kept(made, there)


def _uninstalled_with_all_kept(made: Made, there: dict[str, str]) -> None:
    place = made.other
    path = f"environments/{place.slug}/apps/files"
    app = Application.objects.get(environment=place, slug="files")
    answer = made.api.delete(path)
    assert answer.status_code == 202, answer.content
    _end(answer)
    assert made.listed("deployments", place, "apps") == {}
    assert _uids(made, place) == there
    kept = AppliedObject.objects.filter(application=app).values_list("name", "state")
    assert set(kept) == {(name, "kept") for name in CLAIMS}


def _end(answer: Any) -> None:
    operation = ended(answer.json()["id"])
    assert operation.state == "succeeded", (operation.outcome_code, operation.outcome_params)


@pytest.mark.timeout(300)
def test_claims_go_when_the_person_says_so_by_name(made: Made) -> None:
    made.deploy()
    path = path_of(made.app)
    refused = made.api.delete(path, volumes="delete", confirm_name="file")
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_required")
    _end(made.api.delete(path, volumes="delete", confirm_name="files"))
    assert _claims(made) == {}
    assert not AppliedObject.objects.filter(application=made.app).exists()


@pytest.mark.timeout(300)
def test_one_volume_less_leaves_its_claim_and_the_others_in_place(made: Made) -> None:
    made.deploy()
    there = _uids(made, made.app.environment)
    made.change("web", **{**WEB, "volumes": WEB["volumes"][:1]})
    made.deploy()
    assert _uids(made, made.app.environment) == there
    assert _mounts(made.listed("deployments", group="apps")["files-web"]) == {"uploads": "/var/uploads"}
    made.change("web", **WEB)
    made.deploy()
    assert _uids(made, made.app.environment) == there
    assert set(_mounts(made.listed("deployments", group="apps")["files-web"])) == {"uploads", "shared"}
