"""Components of a draft over REST: whole values, secrets that are never shown, and every refusal at its place."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from clusters.models import Application, Component
from teams.models import AuditEvent
from tests.cast import Cast
from tests.clusters.apps import IMAGE, add, draft, make_app, make_place, path_of

SECRET = "canary-in-a-variable"
PASSWORD = "canary-in-a-password"


@pytest.fixture
def app(cast: Cast) -> Application:
    """An empty application."""
    return make_app(make_place(cast))


def _web(**fields: Any) -> dict[str, Any]:
    return {
        "key": "web",
        "image": {"reference": "r.example.com/a/web:1", "user": "ci", "password": PASSWORD},
        "variables": [{"name": "A", "value": "1"}, {"name": "S", "secret": True, "value": SECRET}],
        **fields,
    }


def test_a_component_is_filled_in_and_its_secrets_are_never_shown(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    response = api.post(path_of(app, "components"), _web())
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/{path_of(app, 'components', 'web')}"
    assert response.json() == {
        "key": "web",
        "name": "web",
        "kind": "stateless",
        "image": {"reference": "r.example.com/a/web:1", "from": "registry", "user": "ci", "password": None},
        "command": [],
        "args": [],
        "replicas": {"default": 1, "min": 1, "max": 1, "step": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "ports": [],
        "variables": [
            {"name": "A", "value": "1", "secret": False, "offered": False, "generate": None},
            {"name": "S", "value": None, "secret": True, "offered": False, "generate": None},
        ],
        "files": [],
        "volumes": [],
        "probes": {},
        "run_as": None,
        "depends_on": [],
        "start_timeout": 300,
        "secrets_set": {"variables": ["S"], "password": True},
    }
    row = draft(app)
    assert row.secrets() == {"variables": {"S": SECRET}, "pull": {"user": "ci", "password": PASSWORD}}
    everywhere = [response.content, api.get(path_of(app, "components")).content, api.get(path_of(app)).content]
    everywhere += [str(list(Component.objects.values())).encode(), str(list(AuditEvent.objects.values())).encode()]
    assert not any(word.encode() in text for word in (SECRET, PASSWORD) for text in everywhere)


def test_what_is_read_may_be_sent_back_and_changes_nothing(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    api.post(path_of(app, "components"), _web())
    address = path_of(app, "components", "web")
    read = api.get(address)
    again = api.put(address, read.json())
    assert again.json() == read.json()
    assert again.headers["ETag"] == read.headers["ETag"]
    assert AuditEvent.objects.filter(action="component.changed").count() == 0
    assert draft(app).secrets()["variables"] == {"S": SECRET}


def test_secrets_are_kept_replaced_and_taken_away(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    api.post(path_of(app, "components"), _web())
    address = path_of(app, "components", "web")
    image = {"reference": "r.example.com/a/web:2", "user": "ci"}
    changed = api.put(address, {"image": image, "variables": [{"name": "S", "secret": True, "value": "other"}]})
    assert changed.json()["secrets_set"] == {"variables": ["S"], "password": True}
    assert draft(app).secrets() == {"variables": {"S": "other"}, "pull": {"user": "ci", "password": PASSWORD}}
    event = AuditEvent.objects.get(action="component.changed")
    assert event.after is not None and event.before is not None
    assert event.after["variables.S"] == event.before["variables.S"] == "(changed)"
    assert event.after["image"] == "r.example.com/a/web:2" and "image.password" not in event.after
    gone = api.put(address, {"image": IMAGE, "variables": [{"name": "S", "secret": True, "value": ""}]})
    assert gone.json()["secrets_set"] == {"variables": [], "password": False}
    assert draft(app).sealed is None


def test_another_account_needs_its_password(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    api.post(path_of(app, "components"), _web())
    image = {"reference": "r.example.com/a/web:1", "user": "somebody-else"}
    response = api.put(path_of(app, "components", "web"), {"image": image})
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [
        ("/image/password", "required")
    ]


def test_an_etag_that_is_old_is_refused(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app)
    address = path_of(app, "components", "web")
    tag = api.get(address).headers["ETag"]
    assert api.put(address, {"image": IMAGE, "args": ["x"]}, headers={"If-Match": tag}).status_code == 200
    assert api.put(address, {"image": IMAGE}, headers={"If-Match": tag}).status_code == 412
    assert api.delete(address, headers={"If-Match": tag}).status_code == 412
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_a_key_is_made_from_the_name_and_never_changes(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    keys = [
        api.post(path_of(app, "components"), {"name": name, "image": IMAGE}).json()["key"]
        for name in ("页面", "页面", "接口 v2")
    ]
    assert keys == ["ye-mian", "ye-mian-2", "jie-kou-v2"]
    other = api.put(path_of(app, "components", "ye-mian"), {"key": "web", "image": IMAGE})
    assert [(error["pointer"], error["code"]) for error in other.json()["errors"]] == [("/key", "not_allowed")]
    assert [item["key"] for item in api.get(path_of(app, "components")).json()["items"]] == keys


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"key": "db"}, "/key", "duplicate"),
        ({"key": None}, "/key", "required"),
        ({"image": None}, "/image", "required"),
        ({"image": {"reference": "no image"}}, "/image/reference", "reference_not_valid"),
        ({"depends_on": ["nobody"]}, "/depends_on/0", "unknown_component"),
        ({"key": "db-outside"}, "/key", "duplicate"),
        (
            {"ports": [{"number": 80, "outside": "http_route", "inside": False}]},
            "/ports/0/outside",
            "route_not_possible",
        ),
        ({"ports": [{"number": 80, "outside": "http_route", "host": "*.a.example"}]}, "/ports/0/host", "malformed"),
    ],
)
def test_a_wrong_component_is_refused_at_its_place(
    cast: Cast, app: Application, fields: dict[str, Any], pointer: str, code: str
) -> None:
    api = cast.api("developer")
    add(api, app, "db")
    response = api.post(path_of(app, "components"), {"key": "web", "image": IMAGE, **fields})
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
    assert Component.objects.count() == 1


def test_a_cycle_is_refused_with_its_path(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app, "db")
    add(api, app, "api", depends_on=["db"])
    response = api.put(path_of(app, "components", "db"), {"image": IMAGE, "depends_on": ["api"]})
    (error,) = response.json()["errors"]
    assert (error["code"], error["params"]) == ("dependency_cycle", {"path": ["api", "db", "api"]})


def test_an_unknown_field_is_refused_wherever_it_stands(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    response = api.post(path_of(app, "components"), {"key": "web", "image": {**IMAGE, "tag": "1"}})
    assert (response.status_code, response.json()["code"]) == (400, "unknown_field")
    assert [error["pointer"] for error in response.json()["errors"]] == ["/image/tag"]
    assert api.post(path_of(app, "components"), ["web"]).status_code == 422


def test_what_others_depend_on_is_not_deleted(cast: Cast, app: Application) -> None:
    api = cast.api("developer")
    add(api, app, "db")
    add(api, app, "web", depends_on=["db"])
    response = api.delete(path_of(app, "components", "db"))
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert response.json()["params"] == {"blockers": ["web"]}
    assert api.delete(path_of(app, "components", "web")).status_code == 204
    assert api.delete(path_of(app, "components", "db")).status_code == 204
    assert AuditEvent.objects.filter(action="component.deleted").count() == 2


def test_components_from_the_market_are_not_edited(cast: Cast) -> None:
    app = make_app(make_place(cast), origin="market")
    response = cast.api("developer").post(path_of(app, "components"), {"key": "web", "image": IMAGE})
    assert (response.status_code, response.json()["code"]) == (409, "market_application")


def test_only_who_edits_applications_edits_components(cast: Cast, app: Application) -> None:
    add(cast.api("lead"), app)
    address = path_of(app, "components", "web")
    for part in ("tester", "delivery", "viewer"):
        assert cast.api(part).get(address).status_code == 200
        assert cast.api(part).put(address, {"image": IMAGE}).status_code == 403
        assert cast.api(part).delete(address).status_code == 403
        assert cast.api(part).post(path_of(app, "components"), {"key": "b", "image": IMAGE}).status_code == 403


def test_a_console_may_bound_files_more_narrowly(cast: Cast, app: Application, settings: Settings) -> None:
    settings.WAYBILL_MAX_FILE = 10
    body = _web(files=[{"path": "/etc/app", "content": "x" * 11}])
    answer = cast.api("developer").post(path_of(app, "components"), body)
    assert answer.status_code == 422
    wrong = answer.json()["errors"][0]
    assert (wrong["pointer"], wrong["code"]) == ("/files/0/content", "too_long")
    assert not app.components.exists()
