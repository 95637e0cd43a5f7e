"""Revisions over REST: the records, their manifests without secrets, and what one changes over another."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import Application, Revision
from console.kit.secrets import fingerprint
from operations.models import Step
from tests.cast import Cast
from tests.clusters.apps import IMAGE, add, make_app, make_place, path_of, settle, start

SECRET = "canary-in-a-secret"


@pytest.fixture
def app(cast: Cast) -> Application:
    """An application with two deployed revisions and one on its way."""
    app = make_app(make_place(cast))
    api = cast.api("developer")
    variables: list[dict[str, Any]] = [
        {"name": "LEVEL", "value": "info"},
        {"name": "S", "secret": True, "value": SECRET},
    ]
    add(api, app, variables=variables, ports=[{"number": 80}])
    settle(start(api, app))
    variables[0]["value"] = "debug"
    api.put(path_of(app, "components", "web"), {"image": IMAGE, "variables": variables, "args": ["x"]})
    settle(start(api, app))
    api.put(path_of(app, "components", "web"), {"image": IMAGE})
    start(api, app)
    return app


def test_revisions_are_listed_newest_first(cast: Cast, app: Application) -> None:
    items = cast.api("viewer").get(path_of(app, "revisions")).json()["items"]
    assert [(item["number"], item["state"], item["based_on"]) for item in items] == [
        (3, "pending", 2),
        (2, "deployed", 1),
        (1, "superseded", None),
    ]
    newest = Revision.objects.get(number=2)
    assert items[1] == {
        "number": 2,
        "kind": "deploy",
        "state": "deployed",
        "version": None,
        "rolls_back_to": None,
        "based_on": 1,
        "by": "developer",
        "at": newest.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": 0,
        "operation": newest.operation.name,
        "reason": None,
        "values": {"web.variables.S": {"secret": fingerprint(app.open_salt(), SECRET), "origin": "given"}},
        "digests_match": None,
        "equals": None,
        "not_restored": [],
    }


def test_a_revision_is_shown_with_its_document_and_what_was_compared(cast: Cast, app: Application) -> None:
    row = Revision.objects.get(number=2)
    Step.objects.create(
        operation=row.operation,
        seq=9,
        key="verify",
        state="done",
        observed={
            "digests_match": True,
            "checked_at": "2026-03-02T14:21:11+00:00",
            "equal": False,
            "differences": [{"object": "Deployment/shop-web", "field": ".spec.replicas", "live": 4, "ours": 2}],
            "not_restored": ["data-shop-db-0"],
        },
    )
    data = cast.api("viewer").get(path_of(app, "revisions", "2")).json()
    assert data["components"][0]["variables"] == [
        {"name": "LEVEL", "value": "debug"},
        {"name": "S", "secret": True, "fingerprint": fingerprint(app.open_salt(), SECRET)},
    ]
    assert {item["kind"] for item in data["objects"]} == {"Secret", "Deployment"}
    assert data["equals"] == {
        "checked_at": "2026-03-02T14:21:11+00:00",
        "equal": False,
        "differences": [".spec.replicas"],
    }
    assert (data["digests_match"], data["not_restored"]) == (True, ["data-shop-db-0"])


def test_manifests_are_shown_with_secrets_as_fingerprints(cast: Cast, app: Application) -> None:
    response = cast.api("viewer").get(path_of(app, "revisions", "1", "manifests"))
    items = response.json()["items"]
    assert [(item["kind"], item["manifest"]["kind"]) for item in items] == [
        ("Secret", "Secret"),
        ("Service", "Service"),
        ("Deployment", "Deployment"),
    ]
    assert items[0]["manifest"]["data"] == {"S": f"secret {fingerprint(app.open_salt(), SECRET)}"}
    assert SECRET.encode() not in response.content
    assert cast.api("viewer").get(path_of(app, "revisions", "3", "manifests")).json()["items"] == []


def test_differences_are_told_against_the_former_or_any_other(cast: Cast, app: Application) -> None:
    api = cast.api("viewer")
    data = api.get(path_of(app, "revisions", "2", "differences")).json()
    assert (data["from"], data["to"]) == (1, 2)
    assert data["components"] == [
        {
            "key": "web",
            "action": "change",
            "changes": [
                {"field": "args", "from": [], "to": ["x"], "because": "version"},
                {"field": "variables.LEVEL", "from": "info", "to": "debug", "because": "version"},
                *[
                    {"field": f"ports.tcp-80.{name}", "from": value, "to": None, "because": "version"}
                    for name, value in (
                        ("number", 80),
                        ("protocol", "TCP"),
                        ("alias", "WEB"),
                        ("inside", True),
                        ("outside", "none"),
                    )
                ],
            ],
        }
    ]
    assert data["objects"]["change"] == ["Deployment/shop-web"]
    assert data["objects"]["remove"] == ["Service/shop-web"]
    first = api.get(path_of(app, "revisions", "1", "differences")).json()
    assert (first["from"], first["components"]) == (None, [{"key": "web", "action": "add", "changes": []}])
    back = api.get(path_of(app, "revisions", "1", "differences") + "?from=2").json()
    assert (back["from"], back["objects"]["create"]) == (2, ["Service/shop-web"])
    for wrong in ("9", "x", "-1"):
        response = api.get(path_of(app, "revisions", "1", "differences") + f"?from={wrong}")
        assert [error["code"] for error in response.json()["errors"]] == ["unknown_revision"]


def test_a_revision_that_is_not_there_is_not_found(cast: Cast, app: Application) -> None:
    assert cast.api("viewer").get(path_of(app, "revisions", "99")).status_code == 404
    assert cast.api("neighbour").get(path_of(app, "revisions", "1", "manifests")).status_code == 404
