"""Deploying, starting, stopping over REST: what the revision holds, and every refusal with its code."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import Application, Cluster, Environment, Revision
from console.kit.canonical import digest
from console.kit.secrets import fingerprint
from operations.models import Operation
from tests.cast import Cast
from tests.clusters.apps import IMAGE, add, draft, make_app, make_place, path_of, settle, start
from tests.clusters.working import key


@pytest.fixture
def app(cast: Cast) -> Application:
    """An empty application."""
    return make_app(make_place(cast))


def _refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def _deploy(cast: Cast, app: Application, body: Any = None, part: str = "developer") -> Any:
    return cast.api(part).post(path_of(app, "deployments"), body or {"consents": []}, headers=key())


def test_a_deploy_makes_a_revision_of_the_draft(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    made = {"secret": True, "generate": {"length": 24, "alphabet": "hex"}}
    variables = [{"name": "P", "offered": True, **made}, {"name": "GIVEN", "secret": True, "value": "s3cret"}]
    image = {"reference": "r.example.com/a/db:1", "user": "ci", "password": "pull"}
    add(api, app, "db", image=image, variables=variables)
    add(api, app, "web", depends_on=["db"], variables=[{"name": "A", "value": "1"}])
    operation = start(api, app)
    assert (operation.kind, operation.state, operation.lock_key) == ("deploy", "queued", app.lock_key)
    assert (operation.team, operation.environment_id) == (cast.team, app.environment_id)
    assert operation.input == {"consents": []}
    revision = Revision.objects.get()
    assert (revision.number, revision.kind, revision.state) == (1, "deploy", "pending")
    assert (revision.operation, revision.source, revision.based_on) == (operation, None, None)
    content = revision.content()
    generated = content["values"]["db.variables.P"]
    assert len(generated) == 24 and set(generated) <= set("0123456789abcdef")
    assert content == {
        "values": {"db.variables.P": generated, "db.variables.GIVEN": "s3cret"},
        "pull": {"db": {"user": "ci", "password": "pull"}},
    }
    salt = app.open_salt()
    assert revision.values == {
        "db.variables.P": {"secret": fingerprint(salt, generated), "origin": "generated"},
        "db.variables.GIVEN": {"secret": fingerprint(salt, "s3cret"), "origin": "given"},
    }
    assert revision.document_hash == digest(revision.document)
    assert [component["key"] for component in revision.document["components"]] == ["db", "web"]
    assert revision.document["components"][0]["variables"][0]["fingerprint"] == fingerprint(salt, generated)
    assert "s3cret" not in str(revision.document)


def test_generated_secrets_stay_also_after_an_attempt_that_failed(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app, variables=[{"name": "P", "secret": True, "generate": {}}])
    settle(start(api, app), "failed")
    settle(start(api, app))
    api.put(
        path_of(app, "components", "web"),
        {"image": IMAGE, "args": ["x"], "variables": [{"name": "P", "secret": True, "generate": {}}]},
    )
    start(api, app)
    values = [revision.content()["values"]["web.variables.P"] for revision in Revision.objects.all()]
    assert len(values) == 3 and len(set(values)) == 1
    assert [revision.number for revision in Revision.objects.all()] == [3, 2, 1]


def test_what_does_not_run_yet_is_counted(cast: Cast, app: Application) -> None:
    api = cast.api("developer")

    def undeployed() -> int:
        count: int = api.get(path_of(app)).json()["undeployed_changes"]
        return count

    add(
        api,
        app,
        variables=[{"name": "S", "secret": True, "value": "one"}, {"name": "G", "secret": True, "generate": {}}],
    )
    add(api, app, "db")
    assert undeployed() == 2
    settle(start(api, app))
    assert undeployed() == 0
    assert _refusal(_deploy(cast, app)) == (409, "nothing_changed")
    body = api.get(path_of(app, "components", "web")).json()
    body["variables"][0]["value"] = "two"
    api.put(path_of(app, "components", "web"), body)
    assert undeployed() == 1
    body["variables"][0]["value"] = "one"
    api.put(path_of(app, "components", "web"), body)
    assert undeployed() == 0
    api.delete(path_of(app, "components", "db"))
    assert undeployed() == 1
    assert draft(app).application_id == app.pk


def test_an_unchanged_draft_runs_again_after_a_failure_and_for_its_tags(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app)
    settle(start(api, app))
    settle(start(api, app, {"refresh_images": True}), "failed")
    settle(start(api, app))
    assert _refusal(_deploy(cast, app)) == (409, "nothing_changed")
    assert Revision.objects.count() == 3


def test_one_at_a_time(cast: Cast, app: Application) -> None:
    add(cast.api("developer"), app)
    first = start(cast.api("developer"), app)
    response = _deploy(cast, app, part="lead")
    assert _refusal(response) == (409, "operation_in_progress")
    assert response.json()["blocking_operation"] == first.name
    assert cast.api("viewer").get(path_of(app)).json()["running_operation"] == first.name
    assert Revision.objects.count() == 1


def test_a_key_sent_twice_deploys_once(cast: Cast, app: Application) -> None:
    api, headers = cast.api("developer"), key()
    add(api, app)
    one, two = (api.post(path_of(app, "deployments"), {}, headers=headers) for _ in range(2))
    assert one.json()["id"] == two.json()["id"] and two.headers["Idempotent-Replayed"] == "true"
    assert Operation.objects.count() == 1
    assert _refusal(api.post(path_of(app, "deployments"), {})) == (400, "idempotency_key_missing")


def test_a_draft_that_cannot_run_is_refused_as_a_whole(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    response = _deploy(cast, app)
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [("/components", "required")]
    add(api, app, "db", ports=[{"number": 5432}])
    files = [{"path": "/etc/a", "content": "${NOBODY}"}]
    add(api, app, "web", depends_on=["db"], variables=[{"name": "DB_HOST", "value": "x"}], files=files)
    response = _deploy(cast, app)
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [
        ("/components/web/variables", "variable_conflict"),
        ("/components/web/files/0/content", "file_variable_unknown"),
    ]


def test_a_secret_without_a_value_is_refused(cast: Cast, app: Application) -> None:
    add(cast.api("developer"), app, variables=[{"name": "S", "secret": True}])
    response = _deploy(cast, app)
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [
        ("/values/web.variables.S", "value_missing")
    ]


def test_where_nothing_can_begin_it_is_refused_at_once(cast: Cast, app: Application) -> None:
    add(cast.api("developer"), app)
    places, clusters = Environment.objects.filter(pk=app.environment_id), Cluster.objects.all()
    places.update(state="preparing")
    assert _refusal(_deploy(cast, app)) == (409, "environment_not_ready")
    places.update(state="ready")
    clusters.update(health="offline")
    assert _refusal(_deploy(cast, app)) == (409, "cluster_unreachable")
    clusters.update(health="online")
    places.update(accepts="release")
    assert _refusal(_deploy(cast, app)) == (409, "made_not_accepted")
    assert Operation.objects.count() == 0


def test_only_who_edits_deploys_and_never_what_came_from_the_market(cast: Cast, app: Application) -> None:
    add(cast.api("developer"), app)
    for part in ("tester", "delivery", "viewer"):
        assert _refusal(_deploy(cast, app, part=part)) == (403, "role_required")
    market = make_app(app.environment, "bought", origin="market")
    assert _refusal(_deploy(cast, market)) == (409, "market_application")


def test_a_dry_run_starts_a_plan_and_changes_nothing(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app)
    plan = start(api, app, dry_run="true")
    assert (plan.kind, plan.lock_key, plan.input) == ("plan", None, {"kind": "deploy"})
    assert Revision.objects.count() == 0
    assert api.post(path_of(app, "deployments"), {}, headers=key(), dry_run="perhaps").status_code == 422
    stale = _deploy(cast, app, {"plan_id": plan.name})
    assert _refusal(stale) == (412, "plan_stale")


def test_starting_and_stopping_is_wanted_from_acceptance_on(cast: Cast, app: Application) -> None:
    api = cast.api("tester")
    address = path_of(app, "desired-state")
    assert _refusal(api.put(address, {"state": "stopped"})) == (409, "nothing_deployed")
    assert _refusal(cast.api("viewer").put(address, {"state": "stopped"})) == (403, "role_required")
    assert api.put(address, {"state": "asleep"}).status_code == 422
    add(cast.api("developer"), app)
    settle(start(cast.api("developer"), app))
    assert _refusal(api.put(address, {"state": "running"})) == (409, "nothing_changed")
    response = api.put(address, {"state": "stopped"})
    assert (response.status_code, response.json()["kind"]) == (202, "stop")
    assert api.get(path_of(app)).json()["desired"] == "stopped"
    assert _refusal(api.put(address, {"state": "running"})) == (409, "operation_in_progress")
    settle(Operation.objects.get(kind="stop"), "failed")
    again = api.put(address, {"state": "stopped"})
    assert (again.status_code, again.json()["kind"]) == (202, "stop")
    settle(Operation.objects.filter(kind="stop").latest("number"))
    assert api.put(address, {"state": "running"}).json()["kind"] == "start"
