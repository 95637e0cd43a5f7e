"""The OpenAPI document: served, whole, and true: its examples are bodies that are accepted."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from console.api import document
from console.kit.api import ANYONE, bodies
from console.kit.api.shape import differences, schema_of, shown
from tests.access.matrix import routes

ROUTES = routes()


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def test_is_served_to_everyone_as_openapi_3_1(db: None) -> None:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json()["openapi"].startswith("3.1.")


def test_describes_every_method_of_every_route(described: dict[str, Any]) -> None:
    told = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    assert len(told) == len(ROUTES)


def test_operation_ids_are_unique_and_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    ids = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    for reference in _references(described):
        target: Any = described
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in _references(item)]
    return [found for item in value for found in _references(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_an_operation_says_all_it_has_to(name: str, described: dict[str, Any]) -> None:
    _, declared = ROUTES[name]
    assert str(declared.summary)
    assert declared.answers, "no answer is declared"
    assert (declared.body is None) == (declared.example is None), "a body comes with an example"
    for status, example in declared.answers.items():
        assert 200 <= status < 300
        assert (example is None) == (status == 204), "an answer with content comes with an example"


@pytest.mark.parametrize("name", sorted(name for name, (_, declared) in ROUTES.items() if declared.body))
def test_the_example_of_a_body_is_accepted(name: str) -> None:
    _, declared = ROUTES[name]
    assert declared.body is not None
    bodies.validate(declared.body, shown(declared.example), partial=declared.partial)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_examples_of_answers_follow_their_own_schema(name: str) -> None:
    _, declared = ROUTES[name]
    for example in declared.answers.values():
        if example is not None:
            assert not list(differences(example, shown(example)))
            assert schema_of(example)


def test_who_may_is_declared_for_tools_too(described: dict[str, Any]) -> None:
    for name, (route, declared) in ROUTES.items():
        method = name.split(" ")[0].lower()
        path = "/api/v1/" + "/".join(_named(part) for part in route.split("/"))
        security = described["paths"][path][method].get("security", [])
        assert bool(security) == (declared.right != ANYONE)


def _named(part: str) -> str:
    return "{" + part.strip("<>").split(":")[-1] + "}" if part.startswith("<") else part


def test_the_viewer_needs_no_inline_code(db: None) -> None:
    page = Client().get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert "<style" not in text
    assert "style=" not in text
    assert text.count("<script") == text.count("<script src=")
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    script = Client().get("/api/docs?script=")
    assert script.status_code == 200
    assert "/api/v1/openapi.json" in script.content.decode()


def test_the_documentation_is_open_whatever_is_sent_along(db: None) -> None:
    assert Client().get("/api/docs", headers={"Authorization": "Bearer nonsense"}).status_code == 200


def test_every_problem_type_has_its_page(db: None) -> None:
    page = Client().get("/api/docs/problems/version_not_accepted")
    assert page.status_code == 200
    text = page.content.decode()
    assert "version_not_accepted" in text
    assert "{number} is still Test" in text
    assert "%(" not in text
    assert Client().get("/api/docs/problems/nothing_like_it").status_code == 404


def test_an_address_the_api_does_not_have_is_a_problem(db: None) -> None:
    for path in ("/api/v1/nothing", "/api/v2/teams", "/api/"):
        response = Client().get(path)
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"
