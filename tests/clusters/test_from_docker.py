"""Images of the console's Docker engine: chosen, refused where there is none, deployed by digest, and published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from clusters.actions.environments import sync_all
from clusters.duties.observe import observe_cluster
from clusters.kube import connect
from clusters.models import Application, Environment, Revision
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.images import File, Image, layer, machine_arch
from deploy.local.plan import RegistryFacts
from deploy.local.platform import Platform
from deploy.local.programs import ensure_sample
from deploy.local.registry import Registry as Pusher
from marketplace.models import Version
from operations.actions.enqueue import Subject
from operations.engine.loop import Loop
from operations.models import Operation
from tests.cast import Cast
from tests.clusters.apps import add, draft, make_app, make_place, path_of
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import prepare
from tests.clusters.working import connect_row, ended, key, make_environment, steps_of, unique
from tests.marketplace.archives import Listed, listed
from tests.marketplace.world import make_registry
from tests.real.docker import DockerEngine
from tests.waiting import until

ANY = "unix:///run/nowhere.sock"


# --- What is said over REST ------------------------------------------------------------------------------------------


def test_a_component_says_where_its_image_is_from(cast: Cast, settings: Any) -> None:
    settings.WAYBILL_DOCKER_HOST = ANY
    api, app = cast.api("developer"), make_app(make_place(cast))
    shown = add(api, app, image={"reference": "web:2.0", "from": "docker"})
    assert shown["image"] == {"reference": "web:2.0", "from": "docker", "user": None, "password": None}
    assert api.put(path_of(app, "components", "web"), shown).json() == shown, "what is read may be sent back"
    assert draft(app).definition["image"] == {"from": "docker", "reference": "web:2.0", "user": None}
    assert add(api, app, "api")["image"]["from"] == "registry"
    assert "from" not in draft(app, "api").definition["image"]


def test_where_no_engine_is_set_it_is_refused_with_what_to_do(cast: Cast, settings: Any) -> None:
    api, app = cast.api("developer"), make_app(make_place(cast))
    body = {"key": "web", "image": {"reference": "web:2.0", "from": "docker"}}
    answer = api.post(path_of(app, "components"), body)
    assert answer.status_code == 422
    fault = answer.json()["errors"][0]
    assert (fault["pointer"], fault["code"]) == ("/image/from", "docker_not_set")
    settings.WAYBILL_DOCKER_HOST = ANY
    assert api.post(path_of(app, "components"), body).status_code == 201
    make_registry(cast.admin, "registry.example.com")
    settings.WAYBILL_DOCKER_HOST = None
    answer = api.post(path_of(app, "deployments"), {}, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (409, "docker_not_set")
    assert "WAYBILL_DOCKER_HOST" in answer.json()["detail"]
    assert not Operation.objects.exists()


def test_without_an_image_registry_nothing_is_begun(cast: Cast, settings: Any) -> None:
    settings.WAYBILL_DOCKER_HOST = ANY
    api, app = cast.api("developer"), make_app(make_place(cast))
    add(api, app, image={"reference": "web:2.0", "from": "docker"})
    for query in ({}, {"dry_run": "true"}):
        answer = api.post(path_of(app, "deployments"), {}, headers=key(), **query)
        assert (answer.status_code, answer.json()["code"]) == (409, "registry_not_set")
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("image", "pointer", "code"),
    [
        ({"reference": "web", "from": "podman"}, "/image/from", "choice_unknown"),
        ({"reference": "web", "from": None, "user": ""}, None, None),
        ({"reference": "web", "from": "docker", "user": "ci", "password": "p"}, "/image/user", "not_allowed"),
        ({"reference": "no image", "from": "docker"}, "/image/reference", "reference_not_valid"),
        ({"reference": "tcp://10.0.0.1:2375/web", "from": "docker"}, "/image/reference", "reference_not_valid"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(
    cast: Cast, settings: Any, image: dict[str, Any], pointer: str | None, code: str | None
) -> None:
    settings.WAYBILL_DOCKER_HOST = ANY
    app = make_app(make_place(cast))
    answer = cast.api("developer").post(path_of(app, "components"), {"key": "web", "image": image})
    if code is None:
        assert answer.status_code == 201
    else:
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


def test_a_plan_has_time_to_bring_an_image(cast: Cast, settings: Any) -> None:
    settings.WAYBILL_DOCKER_HOST = ANY
    make_registry(cast.admin, "registry.example.com")
    api, app = cast.api("developer"), make_app(make_place(cast))
    add(api, app, image={"reference": "web:2.0", "from": "docker"})
    answer = api.post(path_of(app, "deployments"), {}, headers=key(), dry_run="true")
    row = Operation.objects.get(number=int(answer.json()["id"].removeprefix("op-")))
    assert row.deadline_seconds >= 1800


# --- On a cluster ----------------------------------------------------------------------------------------------------


@pytest.fixture
def app(people: Cast, cluster: LocalCluster, registry: RegistryFacts) -> Iterator[Application]:
    """An empty application in a prepared environment; the enterprise has a registry."""
    account = (registry.user, registry.password)
    make_registry(
        people.admin, registry.address, prefix="lib", account=account, ca_pem=registry.ca_pem, plain_http=False
    )
    place = make_environment(people.team, connect_row(people.enterprise, cluster), unique("engine"))
    prepare(place)
    yield make_app(place)
    cluster.api("DELETE", f"/api/v1/namespaces/{place.namespace}")
    connect.close_all()


@pytest.fixture
def loaded(docker_engine: DockerEngine, settings: Any) -> Iterator[Listed]:
    """An image of this test in the engine, which the settings name."""
    settings.WAYBILL_DOCKER_HOST = docker_engine.host
    name = unique("web")
    image = listed(Image(layers=[layer([File("program", name.encode() * 9000)])], entrypoint=["/program"]), f"{name}:1")
    docker_engine.load(image.bytes())
    yield image
    docker_engine.remove(f"{name}:1")


@pytest.mark.timeout(600)
def test_from_the_engine_to_pods_and_into_a_version(
    people: Cast, app: Application, loop: Loop, cluster: LocalCluster, registry: RegistryFacts, loaded: Listed
) -> None:
    api = people.api("developer")
    body = {"image": {"reference": loaded.tags[0], "from": "docker"}, "args": ["web"], "run_as": {"user": 10001}}
    add(api, app, "web", **body)

    planned = api.post(path_of(app, "deployments"), {}, headers=key(), dry_run="true").json()["id"]
    assert ended(planned).state == "succeeded", ended(planned).outcome_code
    plan = api.get(f"operations/{planned}").json()["plan"]
    assert plan["refusals"] == []

    answer = api.post(path_of(app, "deployments"), {"consents": [], "plan_id": planned}, headers=key())
    operation = ended(answer.json()["id"], seconds=180)
    assert operation.state == "succeeded", (operation.outcome_code, operation.outcome_params)
    assert steps_of(operation)["resolve"] == "done"
    assert operation.events.get(code="image_taken").params["image"] == loaded.tags[0]

    image = Revision.objects.get(operation=operation).document["components"][0]["image"]
    assert (image["from"], image["reference"]) == ("docker", loaded.tags[0])
    assert image["pull"] == f"{registry.address}/lib/waybill-engine@{image['digest']}"
    assert image["platforms"][0]["config"] == loaded.id
    namespace = Environment.objects.get(pk=app.environment_id).namespace
    pods = cluster.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [image["pull"]]
    assert pods[0]["status"]["containerStatuses"][0]["imageID"].endswith(image["digest"])

    unchanged = api.post(path_of(app, "deployments"), {}, headers=key())
    assert (unchanged.status_code, unchanged.json()["code"]) == (409, "nothing_changed")
    again = ended(api.post(path_of(app, "deployments"), {"refresh_images": True}, headers=key()).json()["id"])
    document = Revision.objects.get(operation=again).document
    assert (again.state, document["components"][0]["image"]) == ("succeeded", image)

    wish = {"template": {"slug": unique("m"), "name": unique("m")}, "number": "1.0", "confirm_by_itself": True}
    done = ended(api.post(path_of(app, "publications"), wish, headers=key()).json()["id"])
    assert done.state == "succeeded", (done.outcome_code, done.outcome_params)
    version = Version.objects.select_related("template").get()
    assert version.document is not None
    published = version.document["components"][0]["image"]
    assert published["digest"] == image["digest"] and "from" not in published and "reference" not in published
    held = Pusher.of(registry).manifest(f"lib/{version.template.slug}/web", "1.0")
    assert held.headers["docker-content-digest"] == image["digest"]


@pytest.mark.timeout(600)
def test_an_engine_that_is_away_is_waited_for_and_an_image_that_is_gone_is_told(
    people: Cast, app: Application, loop: Loop, docker_engine: DockerEngine, loaded: Listed
) -> None:
    api = people.api("developer")
    body = {"image": {"reference": loaded.tags[0], "from": "docker"}, "args": ["web"], "run_as": {"user": 10001}}
    add(api, app, "web", **body)
    docker_engine.stop()
    try:
        name = api.post(path_of(app, "deployments"), {}, headers=key()).json()["id"]
        row = Operation.objects.filter(number=int(name.removeprefix("op-")))
        until(lambda: row.get().state == "waiting", what="waiting for the engine")
        shown = api.get(f"operations/{name}").json()
        assert (shown["waiting_for"]["kind"], shown["waiting_for"]["name"]) == ("docker", docker_engine.host)
    finally:
        assert docker_engine.start() is None
    assert ended(name, seconds=120).state == "succeeded"

    body["image"] = {"reference": "nowhere/web:9", "from": "docker"}
    assert api.put(path_of(app, "components", "web"), {"key": "web", **body}).status_code == 200
    failed = ended(api.post(path_of(app, "deployments"), {}, headers=key()).json()["id"])
    assert (failed.state, failed.outcome_code) == ("failed", "docker_image_missing")
    assert api.get(f"operations/{failed.name}").json()["outcome"]["detail"].startswith("Build it or load it there")


@pytest.mark.timeout(300)
def test_real_nodes_pull_and_run_what_was_brought(
    people: Cast, real_platform: Platform, loop: Loop, docker_engine: DockerEngine, settings: Any
) -> None:
    settings.WAYBILL_DOCKER_HOST = docker_engine.host
    cluster, registry = next(iter(real_platform.clusters.values())), real_platform.registry
    account = (registry.user, registry.password)
    make_registry(
        people.admin, registry.address, prefix="lib", account=account, ca_pem=registry.ca_pem, plain_http=False
    )
    place = make_environment(people.team, connect_row(people.enterprise, cluster), unique("engine"))
    prepare(place)
    with transaction.atomic():
        about = Subject("registry", None, "Image registry", "/api/v1/settings/registry")
        synced = sync_all(enterprise=people.enterprise, subject=about, acting_user=people.admin)
    assert synced is not None
    assert ended(synced.name).state == "succeeded"
    app, api, name = make_app(place), people.api("developer"), unique("web")
    program = File("sample", ensure_sample()[machine_arch()].read_bytes())
    layers = [layer([program]), layer([File("name", name.encode(), 0o644)])]
    docker_engine.load(listed(Image(layers=layers, entrypoint=["/sample"]), f"{name}:1").bytes())
    ready = {"readiness": {"kind": "http", "port": "http", "path": "/health", "period": 1}}
    body = {"image": {"reference": f"{name}:1", "from": "docker"}, "args": ["web"], "run_as": {"user": 10001}}
    add(api, app, "web", **body, ports=[{"name": "http", "number": 8080}], probes=ready)
    deployed = ended(api.post(path_of(app, "deployments"), {}, headers=key()).json()["id"], seconds=200)
    assert deployed.state == "succeeded", (deployed.outcome_code, deployed.outcome_params)
    observe_cluster(place.cluster_id)
    status = api.get(path_of(app)).json()["status"]
    assert (status["state"], status["digests_match"]) == ("running", True)
    docker_engine.remove(f"{name}:1")
    remove_namespace(cluster, place.namespace)
    connect.close_all()


# --- The form --------------------------------------------------------------------------------------------------------


def test_the_form_offers_the_engine_only_where_one_is_set(cast: Cast, settings: Any, client: Client) -> None:
    app = make_app(make_place(cast))
    client.force_login(cast.developer)
    page = f"/environments/{app.environment.slug}/apps/{app.slug}/components"
    assert "Docker engine" not in client.get(f"{page}/new").content.decode()
    settings.WAYBILL_DOCKER_HOST = ANY
    assert "The console&#x27;s Docker engine" in client.get(f"{page}/new").content.decode()
    fields = {"name": "web", "kind": "stateless", "image_reference": "web:2.0", "image_from": "docker"}
    refused = client.post(f"{page}/new", {**fields, "image_user": "ci", "image_password": "p"})
    assert refused.status_code == 422 and "image_user_error" in refused.content.decode()
    assert client.post(f"{page}/new", fields).status_code == 302
    assert draft(app).definition["image"]["from"] == "docker"
    assert "from the Docker engine" in client.get(page).content.decode()
    shown = client.get(f"{page}/web").content.decode()
    assert 'value="docker" class="form-check-input" id="id_image_from_1" checked' in " ".join(shown.split())
