"""Applications over REST: made, shown, renamed, removed; and every refusal with its code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clusters.models import Application, ApplicationStatus, Cluster, Environment
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.apps import add, make_app, make_place, path_of, settle, start
from tests.clusters.working import key


@pytest.fixture
def place(cast: Cast) -> Environment:
    """A ready test environment."""
    return make_place(cast)


def test_a_developer_makes_an_empty_application(cast: Cast, place: Environment) -> None:
    body = {"slug": "admin-console", "name": " 后台管理系统 "}
    response = cast.api("developer").post("environments/test-internal/apps", body)
    assert response.status_code == 201
    assert response.headers["Location"] == "/api/v1/environments/test-internal/apps/admin-console"
    assert response.json() == {
        "slug": "admin-console",
        "name": "后台管理系统",
        "environment": "test-internal",
        "origin": "made",
        "desired": "running",
        "status": {
            "state": "idle",
            "last_state": None,
            "cause": None,
            "observed_at": None,
            "digests_match": None,
        },
        "components": [],
        "access": [],
        "revision": None,
        "undeployed_changes": 0,
        "running_operation": None,
        "installed": None,
    }
    event = AuditEvent.objects.get(action="application.created")
    assert (event.actor, event.object_label) == (cast.developer, "test-internal/admin-console")
    assert event.after == {"slug": "admin-console", "name": "后台管理系统"}
    page = cast.api("viewer").get("environments/test-internal/apps").json()
    assert [item["slug"] for item in page["items"]] == ["admin-console"]


def test_a_slug_is_made_from_the_name(cast: Cast, place: Environment) -> None:
    api = cast.api("developer")
    slugs = [
        api.post("environments/test-internal/apps", {"name": name}).json()["slug"] for name in ("后台", "后台 2", "Api")
    ]
    assert slugs == ["hou-tai", "hou-tai-2", "app-api"]


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"slug": "shop", "name": "Other"}, 409, "slug_taken", "/slug"),
        ({"slug": "other", "name": "Shop"}, 409, "name_taken", "/name"),
        ({"slug": "api", "name": "Other"}, 422, "reserved", "/slug"),
        ({"slug": "No", "name": "Other"}, 422, "not_a_slug", "/slug"),
        ({"slug": "other", "name": "a\u202eb"}, 422, "not_allowed", "/name"),
        ({"slug": "other"}, 422, "required", "/name"),
        ({"slug": "other", "name": "x", "size": 1}, 400, "unknown_field", "/size"),
    ],
)
def test_what_cannot_be_made_is_refused(
    cast: Cast, place: Environment, body: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    make_app(place)
    response = cast.api("developer").post("environments/test-internal/apps", body)
    assert response.status_code == status
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
    assert Application.objects.count() == 1


def test_nothing_is_made_by_hand_where_only_releases_are_accepted(cast: Cast) -> None:
    make_place(cast, "prod", stage="production", accepts="release")
    response = cast.api("developer").post("environments/prod/apps", {"name": "Shop"})
    assert (response.status_code, response.json()["code"]) == (409, "made_not_accepted")


def test_the_name_may_change_and_the_slug_never(cast: Cast, place: Environment) -> None:
    app = make_app(place)
    make_app(place, "other")
    api = cast.api("developer")
    tag = api.get(path_of(app)).headers["ETag"]
    renamed = api.patch(path_of(app), {"name": "New"}, headers={"If-Match": tag})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "New")
    assert api.patch(path_of(app), {"name": "Newer"}, headers={"If-Match": tag}).json()["code"] == "etag_mismatch"
    assert api.patch(path_of(app), {"name": "Other"}).json()["code"] == "name_taken"
    assert api.patch(path_of(app), {"slug": "new"}).json()["code"] == "unknown_field"
    event = AuditEvent.objects.get(action="application.renamed")
    assert (event.before, event.after) == ({"name": "Shop"}, {"name": "New"})


def test_an_application_nothing_of_which_is_there_goes_at_once(cast: Cast, place: Environment) -> None:
    app = make_app(place)
    add(cast.api("developer"), app)
    assert cast.api("tester").delete(path_of(app)).json()["code"] == "role_required"
    assert cast.api("developer").delete(path_of(app), volumes="maybe").status_code == 422
    assert cast.api("developer").delete(path_of(app)).status_code == 204
    assert cast.api("developer").get(path_of(app)).status_code == 404
    assert AuditEvent.objects.filter(action="application.uninstalled").count() == 1
    assert (
        cast.api("developer").post("environments/test-internal/apps", {"slug": "shop", "name": "Shop"}).status_code
        == 201
    )


def test_a_deployed_application_is_uninstalled_by_an_operation(cast: Cast, place: Environment) -> None:
    app = make_app(place)
    api = cast.api("developer")
    add(api, app)
    settle(start(api, app))
    refused = api.delete(path_of(app), volumes="delete", confirm_name="nope")
    assert (refused.status_code, refused.json()["code"]) == (409, "confirmation_required")
    started = api.delete(path_of(app))
    assert started.status_code == 202
    assert (started.json()["kind"], started.json()["state"]) == ("uninstall", "queued")
    assert api.delete(path_of(app)).json()["code"] == "operation_in_progress"
    assert api.get(path_of(app)).json()["running_operation"] == started.json()["id"]


def _see(app: Application, *, age: float = 0, **columns: Any) -> None:
    observed_at = timezone.now() - timedelta(seconds=age)
    seen = {
        "key": "web",
        "name": "Web",
        "kind": "stateless",
        "state": "degraded",
        "ready": 1,
        "desired": 2,
        "image": "dev/web:2.0",
        "digest": "sha256:1",
        "digests_match": True,
        "restarts": 3,
        "cause": {"code": "probe_failing", "words": "statuscode: 503"},
    }
    ApplicationStatus.objects.update_or_create(
        application=app,
        defaults={
            "state": "degraded",
            "cause_code": "probe_failing",
            "cause_params": {"component": "web", "words": "statuscode: 503"},
            "components": [seen],
            "access": [{"component": "web", "port": "http", "node_port": 30001, "url": "http://10.0.0.1:30001"}],
            "events": [{"at": "2026-03-02T14:02:03Z", "type": "Warning", "reason": "Unhealthy", "object": "Pod/x"}],
            "digests_match": True,
            "observed_at": observed_at,
            **columns,
        },
    )


def test_health_is_shown_with_its_cause_in_words(cast: Cast, place: Environment) -> None:
    app = make_app(place)
    _see(app)
    data = cast.api("viewer").get(path_of(app)).json()
    assert data["status"]["state"] == data["status"]["last_state"] == "degraded"
    assert data["status"]["cause"]["code"] == "probe_failing"
    assert "web" in data["status"]["cause"]["text"] and "503" in data["status"]["cause"]["text"]
    component = data["components"][0]
    assert (component["state"], component["ready"], component["desired"]) == ("degraded", 1, 2)
    assert component["cause"]["code"] == "probe_failing"
    assert data["access"][0]["url"] == "http://10.0.0.1:30001"
    events = cast.api("viewer").get(path_of(app, "events")).json()
    assert [event["reason"] for event in events["items"]] == ["Unhealthy"]


def test_an_old_look_is_never_shown_as_how_things_are(cast: Cast, place: Environment) -> None:
    app = make_app(place)
    _see(app, age=31, state="running", cause_code=None, cause_params={})
    data = cast.api("viewer").get(path_of(app)).json()
    assert (data["status"]["state"], data["status"]["last_state"]) == ("unknown", "running")
    assert data["status"]["digests_match"] is None
    assert data["components"][0]["state"] == "unknown"
    _see(app, state="running")
    assert cast.api("viewer").get(path_of(app)).json()["status"]["state"] == "running"
    Cluster.objects.filter(pk=place.cluster_id).update(health="unreachable")
    assert cast.api("viewer").get(path_of(app)).json()["status"]["state"] == "unknown"


def test_only_who_may_see_the_team_sees_its_applications(cast: Cast, place: Environment) -> None:
    app = make_app(place)
    for part in ("neighbour", "loner", "stranger"):
        api = cast.api(part)
        for address in (path_of(app), path_of(app, "components"), path_of(app, "revisions"), path_of(app, "events")):
            assert api.get(address).content == api.get("environments/nowhere/apps/nothing").content.replace(
                b"/api/v1/environments/nowhere/apps/nothing", f"/api/v1/{address}".encode()
            )
        assert api.post(path_of(app, "deployments"), {}, headers=key()).status_code == 404
    assert cast.api("nobody").get(path_of(app)).status_code == 401


def test_a_list_costs_the_same_for_one_and_for_many(
    cast: Cast, place: Environment, django_assert_max_num_queries: Any
) -> None:
    api = cast.api("viewer")
    counts = []
    for number in range(12):
        app = make_app(place, f"app-{number}")
        add(cast.api("developer"), app)
        _see(app)
        if number in (0, 11):
            api.get("environments/test-internal/apps")
            with django_assert_max_num_queries(20) as captured:
                assert len(api.get("environments/test-internal/apps").json()["items"]) == number + 1
            counts.append(len(captured.captured_queries))
    assert counts[0] == counts[1]


def test_a_look_from_before_the_last_deployment_tells_nothing_of_it(cast: Cast, place: Environment) -> None:
    api, app = cast.api("developer"), make_app(place)
    add(api, app, "api")
    settle(start(api, app))
    _see(app, age=5, state="running")
    shown = api.get(path_of(app)).json()
    assert [(part["key"], part["state"]) for part in shown["components"]] == [("api", "unknown")]
    assert (shown["status"]["state"], shown["status"]["last_state"]) == ("unknown", "running")
    _see(app, age=-1, state="running")
    shown = api.get(path_of(app)).json()
    assert [part["key"] for part in shown["components"]] == ["web"]
    assert shown["status"]["state"] == "running"
