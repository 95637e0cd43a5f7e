"""What the document promises beyond its examples is what the addresses do: each of these was once otherwise."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import pytest
from django.test import Client

from clusters.api.components import ComponentBody
from clusters.spec import check_component
from console.api import api_patterns, document
from console.kit.api import bodies
from operations.actions.cancel import cancel
from tests.access.matrix import routes
from tests.access.rows_clusters import component
from tests.access.rows_clusters import furnish as furnish_clusters
from tests.access.rows_marketplace import SETTINGS
from tests.access.rows_operations import operation_on
from tests.cast import NOBODY, Cast
from tests.clusters.working import key

ROUTES = routes()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give every operation by `GET /api/v1/me`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def test_every_answer_has_its_status_and_every_refusal_is_a_problem(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        answers = operation["responses"]
        assert "default" not in answers, name
        assert {"400", "401", "403"} <= set(answers), name
        assert ("404" in answers) >= ("{" in name), name
        for status, answer in answers.items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], name
    assert described["components"]["schemas"]["Problem"]["type"] == "object"


def test_headers_that_are_promised_are_named(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        for status, answer in operation["responses"].items():
            headers = answer.get("headers", {})
            assert ("Location" in headers) == (status in ("201", "202")), name
            assert ("WWW-Authenticate" in headers) == (status == "401"), name
            assert ("Retry-After" in headers) == (status == "429"), name


def test_bodies_are_json_alone_and_hold_no_unknown_field(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        if "requestBody" in operation:
            assert list(operation["requestBody"]["content"]) == ["application/json"], name
    for name, schema in described["components"]["schemas"].items():
        if name.endswith("Body") and schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


def test_who_reads_if_match_says_so(described: dict[str, Any]) -> None:
    told = 0
    for pattern in api_patterns():
        view: Any = pattern.callback.view_class  # type: ignore[union-attr]
        for method, declared in view.operations().items():
            source = textwrap.dedent(inspect.getsource(getattr(view, method.lower())))
            reads = "expected_version()" in source or ("self._save(" in source)
            assert reads == ("etag_mismatch" in declared.refuses), f"{method} {pattern.pattern}"
            told += reads
    named = [name for name, one in operations(described).items() if "If-Match" in map(_name, one.get("parameters", []))]
    assert len(named) == told > 10


def _name(parameter: dict[str, Any]) -> str:
    return str(parameter["name"])


def test_the_items_of_a_list_need_not_have_every_name(described: dict[str, Any], cast: Cast) -> None:
    answer = cast.api("admin").get("teams", fields="slug").json()
    assert set(answer["items"][0]) == {"slug"}
    item = described["paths"]["/api/v1/teams"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert "required" not in item["properties"]["items"]["items"]


def test_the_document_says_what_kind_of_document_it_is(described: dict[str, Any]) -> None:
    answer = described["paths"]["/api/v1/openapi.json"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["application/vnd.oai.openapi+json"]


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("teams", {"count": "perhaps"}),
        ("teams", {"count": ""}),
        ("operations", {"mine": "maybe"}),
        ("operations", {"mine": "true,false"}),
        ("templates", {"scope": "world"}),
        ("templates", {"mark": ""}),
    ],
)
def test_a_word_that_a_parameter_does_not_know_is_refused(address: str, query: dict[str, str], cast: Cast) -> None:
    response = cast.api("admin").call("GET", address, None, **query)  # type: ignore[arg-type]  # no name of a keyword is used
    assert response.status_code == 422
    assert [fault["code"] for fault in response.json()["errors"]] == ["choice_unknown"]


@pytest.mark.parametrize("length", [254, 255, 300])
def test_an_address_for_mail_longer_than_its_column_is_refused(length: int, cast: Cast) -> None:
    email = "m" * (length - len("@example.com")) + "@example.com"
    body = {"login": "long", "name": "Long", "email": email, "enterprise_roles": []}
    assert len(body["email"]) == length
    response = cast.api("admin").post("users", body)
    assert response.status_code == (201 if length <= 254 else 422), response.content
    if length > 254:
        assert response.json()["errors"][0] | {"detail": ""} == {
            "pointer": "/email",
            "code": "too_long",
            "params": {"limit": 254},
            "detail": "",
        }


@pytest.mark.parametrize(
    "part",
    [
        {"command": None, "ports": None, "replicas": None, "resources": {"requests": None}, "kind": None},
        {"image": {"reference": "registry.example.com/dev/web:1", "user": "", "password": None, "from": None}},
        {"probes": {"readiness": {"kind": "command", "command": ["true", ""]}, "liveness": None}},
        {"ports": [{"number": 80, "outside": "http_route", "host": "shop.example.com", "path": "/shop"}]},
    ],
)
def test_what_a_component_may_be_is_what_its_schema_lets_through(part: dict[str, Any]) -> None:
    body = component() | part
    check_component(body)
    bodies.validate(ComponentBody, body)


@pytest.mark.parametrize("text", ["\u00e9", "-----BEGIN CERTIFICATE-----\n\u4e2d\n-----END CERTIFICATE-----\n", "none"])
def test_a_ca_that_is_no_certificate_is_told_at_its_place(text: str, cast: Cast) -> None:
    response = cast.api("admin").post("settings/registry/tests", SETTINGS | {"ca_pem": text}, headers=key())
    assert response.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in response.json()["errors"]] == [("/ca_pem", "malformed")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
def test_an_address_open_to_everyone_tells_everyone_which_methods_it_lacks(method: str, cast: Cast) -> None:
    response = cast.api(NOBODY).call(method, "openapi.json")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert cast.api(NOBODY).call(method, "clusters").status_code == 401


def test_work_whose_attempt_is_gone_is_not_tried_again(cast: Cast) -> None:
    furnish_clusters(cast)
    operation = operation_on(cast.things["made"], cast.developer)
    cancel(operation=operation, acting_user=cast.developer)
    response = cast.api("developer").post(f"operations/{operation.name}/retries", {}, headers=key())
    assert response.status_code == 409
    assert response.json()["code"] == "not_retryable"


def test_a_cookie_that_no_row_can_hold_is_nobody(db: None) -> None:
    client = Client(raise_request_exception=False)
    for value in ('"aaaaaaaaaaaa\\000"', "%00" * 9, "\u00e9" * 9, "a" * 5000):
        for address, status in (("/api/v1/me", 401), ("/", 302)):
            assert client.get(address, headers={"Cookie": f"waybill_session={value}"}).status_code == status
