"""The base of REST endpoints: what every address does the same way, shown on the addresses of people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from rest_framework.request import Request

from console.kit.api import SIGNED_IN, Endpoint, operation
from teams.models import AuditEvent
from tests.builders import make_team, make_user
from tests.cast import Api, Cast


def problem(response: Any) -> dict[str, Any]:
    assert response.headers["Content-Type"] == "application/problem+json"
    data: dict[str, Any] = response.json()
    assert data["status"] == response.status_code
    return data


# --- Declarations ---------------------------------------------------------------------------------------------------


def test_a_handler_without_a_declaration_does_not_import() -> None:
    with pytest.raises(TypeError, match="declares no operation"):
        type("Page", (Endpoint,), {"get": lambda self, request: None})


def test_a_declaration_is_inherited_by_what_extends_the_endpoint() -> None:
    class First(Endpoint):
        @operation(SIGNED_IN, "first", answers={204: None})
        def get(self, request: Request) -> Any:
            return self.nothing()

    class Second(First):
        pass

    assert Second.operations().keys() == {"GET"}


# --- Bodies ---------------------------------------------------------------------------------------------------------


def test_an_unknown_field_is_refused_at_any_depth_and_nothing_is_done(cast: Cast) -> None:
    body = {"name": "New", "members": [{"login": "loner", "roles": ["tester"], "rank": 1}], "colour": "red"}
    data = problem(cast.api("admin").post("teams", body))
    assert data["status"] == 400
    assert data["code"] == "unknown_field"
    assert [fault["pointer"] for fault in data["errors"]] == ["/members/0/rank", "/colour"]
    assert cast.enterprise.teams.count() == 2


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "required"),
        ({"name": None}, "/name", "required"),
        ({"name": "  "}, "/name", "required"),
        ({"name": 5}, "/name", "wrong_type"),
        ({"name": True}, "/name", "wrong_type"),
        ({"name": "x" * 65}, "/name", "too_long"),
        ({"name": "a\u202eb"}, "/name", "not_allowed"),
        ({"name": "a", "slug": "No"}, "/slug", "not_a_slug"),
        ({"name": "a", "slug": "waybill-x"}, "/slug", "reserved"),
        ({"name": "a", "slug": "x" * 31}, "/slug", "too_long"),
        ({"name": "a", "members": {}}, "/members", "wrong_type"),
        ({"name": "a", "members": [5]}, "/members/0", "wrong_type"),
        ({"name": "a", "members": [{"login": "loner", "roles": []}]}, "/members/0/roles", "required"),
        ({"name": "a", "members": [{"login": "loner", "roles": ["boss"]}]}, "/members/0/roles/0", "choice_unknown"),
        ({"name": "a", "members": [{"login": "ghost", "roles": ["tester"]}]}, "/members/0/login", "unknown_user"),
    ],
)
def test_every_fault_of_a_field_has_its_pointer_and_code(cast: Cast, body: Any, pointer: str, code: str) -> None:
    data = problem(cast.api("admin").post("teams", body))
    assert (data["status"], data["code"]) == (422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in data["errors"]] == [(pointer, code)]
    assert data["errors"][0]["detail"]


def test_all_faults_are_told_at_once(cast: Cast) -> None:
    data = problem(cast.api("admin").post("users", {"login": "x" * 99, "name": "", "enterprise_roles": ["king"]}))
    assert {fault["pointer"] for fault in data["errors"]} == {"/login", "/name", "/enterprise_roles/0"}


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b"\xff\xfe", 400, "malformed_body"),
        (b'{"name": "a", "name": "b"}', 400, "malformed_body"),
        (b'{"name": NaN}', 400, "malformed_body"),
        (b'{"name": "a\\u0000b"}', 400, "malformed_body"),
        (b'{"name": "\\ud800"}', 400, "malformed_body"),
        (b"[" * 100 + b"]" * 100, 400, "body_too_deep"),
        (b"[" * 100_000, 400, "body_too_deep"),
        (b"[]", 422, "invalid"),
        (b"5", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'"' + b"x" * (2 * 1024**2) + b'"', 413, "body_too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_else(cast: Cast, raw: bytes, status: int, code: str) -> None:
    data = problem(cast.api("admin").post("teams", raw))
    assert (data["status"], data["code"]) == (status, code)
    assert data["title"]
    assert data["detail"]


def test_brackets_inside_of_texts_are_no_depth(cast: Cast) -> None:
    response = cast.api("admin").post("teams", {"name": "[" * 60 + '\\"['})
    assert response.status_code == 201


def test_another_media_type_is_refused(cast: Cast) -> None:
    admin = cast.api("admin")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        response = admin.client.post(
            "/api/v1/teams", "name=a", content_type=kind, headers={"Authorization": f"Bearer {admin.token}"}
        )
        data = problem(response)
        assert (data["status"], data["code"], data["params"]["media_type"]) == (415, "unsupported_media_type", kind)


def test_an_accept_header_changes_nothing(cast: Cast) -> None:
    response = cast.api("admin").get("me", headers={"Accept": "text/html"})
    assert response.headers["Content-Type"] == "application/json"


# --- Parameters and lists -------------------------------------------------------------------------------------------


def test_unknown_and_repeated_parameters_are_refused(cast: Cast) -> None:
    admin = cast.api("admin")
    for path in ("teams?colour=red", "me?limit=5", "teams?q=a&q=b", "teams/shop?q=a"):
        data = problem(admin.get(path))
        assert (data["status"], data["code"]) == (400, "unknown_parameter")
    assert admin.call("PATCH", "teams/shop?dry=true", {"name": "x"}).status_code == 400
    cast.team.refresh_from_db()
    assert cast.team.name == "Shop"


def _names(api: Api, path: str) -> list[list[str]]:
    """Walk a list by its links; gives the slugs of each page."""
    pages, address = [], f"/api/v1/{path}"
    while address:
        data = api.get(address).json()
        pages.append([item["slug"] for item in data["items"]])
        address = data["next"]
    return pages


def test_pages_hold_every_row_once_in_order_forwards_and_back(cast: Cast) -> None:
    for number in range(10):
        make_team(cast.enterprise, f"t{number}")
    admin = cast.api("admin")
    pages = _names(admin, "teams?limit=5")
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [slug for page in pages for slug in page] == sorted(cast.enterprise.teams.values_list("slug", flat=True))
    last = admin.get("teams?limit=5").json()
    second = admin.get(last["next"]).json()
    third = admin.get(second["next"]).json()
    assert third["next"] is None
    back = admin.get(third["previous"]).json()
    assert back["items"] == second["items"]
    first = admin.get(back["previous"]).json()
    assert first["items"] == last["items"]
    assert first["previous"] is None
    assert first["next"] is not None


def test_a_page_links_to_its_neighbours_and_counts_when_asked(cast: Cast) -> None:
    admin = cast.api("admin")
    response = admin.get("teams?limit=1&count=true")
    data = response.json()
    assert data["total"] == 2
    assert response.headers["Link"] == f'<{data["next"]}>; rel="next"'
    assert "total" not in admin.get("teams?limit=1").json()


def test_a_row_that_appears_meanwhile_moves_no_page(cast: Cast) -> None:
    admin = cast.api("admin")
    following = admin.get("teams?limit=1").json()["next"]
    make_team(cast.enterprise, "aaa")
    assert [item["slug"] for item in admin.get(following).json()["items"]] == ["shop"]


@pytest.mark.parametrize("cursor", ["x", "", "WyJuIl0:1tA:abc", "%00"])
def test_a_cursor_of_elsewhere_is_refused(cast: Cast, cursor: str) -> None:
    response = cast.api("admin").get("teams", cursor=cursor)
    assert problem(response)["code"] == "bad_cursor"


def test_a_cursor_of_another_list_is_refused(cast: Cast) -> None:
    admin = cast.api("admin")
    cursor = admin.get("users?limit=1").json()["next"].split("cursor=")[1]
    assert problem(admin.get(f"teams?cursor={cursor}"))["code"] == "bad_cursor"


@pytest.mark.parametrize("limit", ["0", "201", "-1", "a", "5.0", "9" * 50, "\u0665"])
def test_a_limit_has_bounds(cast: Cast, limit: str) -> None:
    data = problem(cast.api("admin").get("teams", limit=limit))
    assert (data["status"], data["errors"][0]["pointer"]) == (422, "?limit")


def test_only_the_fields_asked_for(cast: Cast) -> None:
    admin = cast.api("admin")
    assert admin.get("teams?fields=slug").json()["items"] == [{"slug": "depot"}, {"slug": "shop"}]
    assert problem(admin.get("teams?fields=slug,colour"))["errors"][0]["code"] == "choice_unknown"


# --- ETags ----------------------------------------------------------------------------------------------------------


def test_what_the_reader_has_is_not_sent_again(cast: Cast) -> None:
    admin = cast.api("admin")
    tag = admin.get("teams/shop").headers["ETag"]
    again = admin.get("teams/shop", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert admin.put("teams/shop/members/loner", {"roles": ["viewer"]}).status_code == 201
    assert admin.get("teams/shop", headers={"If-None-Match": tag}).status_code == 200


def test_a_write_on_what_was_read_goes_through_once(cast: Cast) -> None:
    admin = cast.api("admin")
    tag = admin.get("teams/shop").headers["ETag"]
    first = admin.patch("teams/shop", {"name": "One"}, headers={"If-Match": tag})
    assert first.status_code == 200
    second = admin.patch("teams/shop", {"name": "Two"}, headers={"If-Match": tag})
    assert problem(second)["code"] == "etag_mismatch"
    assert second.status_code == 412
    third = admin.patch("teams/shop", {"name": "Two"}, headers={"If-Match": first.headers["ETag"]})
    assert third.status_code == 200
    assert admin.patch("teams/shop", {"name": "Three"}, headers={"If-Match": "*"}).status_code == 200
    assert admin.patch("teams/shop", {"name": "Four"}).status_code == 200


@pytest.mark.parametrize("tag", ["nonsense", '"5"', '"x.0123456789abcdef"', '"99.0123456789abcdef"'])
def test_a_tag_that_is_none_of_ours_never_matches(cast: Cast, tag: str) -> None:
    response = cast.api("admin").patch("teams/shop", {"name": "One"}, headers={"If-Match": tag})
    assert problem(response)["code"] == "etag_mismatch"


def test_if_match_is_honoured_by_put_and_delete(cast: Cast) -> None:
    admin = cast.api("admin")
    tag = admin.get("teams/shop").headers["ETag"]
    put = admin.put("teams/shop/members/loner", {"roles": ["viewer"]}, headers={"If-Match": tag})
    assert put.status_code == 201
    late = admin.delete("teams/shop/members/loner", headers={"If-Match": tag})
    assert problem(late)["code"] == "etag_mismatch"


# --- Problems -------------------------------------------------------------------------------------------------------


def test_a_problem_has_exactly_these_members(cast: Cast) -> None:
    data = problem(cast.api("admin").post("teams", {"name": "a", "slug": "shop"}))
    assert data == {
        "type": "/api/docs/problems/slug_taken",
        "title": "The short name “shop” is taken. Nothing was saved.",
        "status": 409,
        "detail": "Choose another short name. It cannot be changed later.",
        "instance": "/api/v1/teams",
        "code": "slug_taken",
        "params": {"slug": "shop"},
        "request_id": data["request_id"],
        "errors": [
            {
                "pointer": "/slug",
                "code": "slug_taken",
                "params": {"slug": "shop"},
                "detail": "The short name “shop” is taken. Nothing was saved.",
            }
        ],
        "blocking_operation": None,
        "allowed_roles": None,
        "retry_after": None,
    }


def test_the_request_id_is_in_header_and_problem(cast: Cast) -> None:
    response = cast.api("admin").post("teams", {"name": "a", "slug": "shop"})
    assert response.headers["X-Request-Id"] == problem(response)["request_id"]


def test_a_missing_role_names_the_roles_that_would_do_and_who_can_help(cast: Cast) -> None:
    data = problem(cast.api("viewer").put("teams/shop/members/loner", {"roles": ["viewer"]}))
    assert (data["status"], data["code"], data["allowed_roles"]) == (403, "role_required", ["admin"])
    assert "Lead" in data["detail"]
    assert "Team admin" in data["title"]


def test_a_refusal_is_audited(cast: Cast) -> None:
    cast.api("viewer").put("teams/shop/members/loner", {"roles": ["viewer"]})
    event = AuditEvent.objects.get(action="access.refused")
    assert (event.actor, event.result) == (cast.viewer, "refused")
    assert event.object_label == "PUT /api/v1/teams/shop/members/loner"
    assert event.after == {"code": "role_required", "right": "manage_members", "team": "Shop"}


def test_nobody_is_asked_to_sign_in(cast: Cast) -> None:
    response = cast.api("nobody").get("me")
    assert problem(response)["code"] == "sign_in_required"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="waybill"'


def test_a_method_the_address_lacks(cast: Cast) -> None:
    for method in ("PUT", "OPTIONS", "TRACE"):
        response = cast.api("admin").call(method, "teams")
        assert (response.status_code, problem(response)["code"]) == (405, "method_not_allowed")
        assert response.headers["Allow"] == "GET, POST, HEAD"


def test_the_sentence_is_in_the_readers_language(cast: Cast) -> None:
    cast.viewer.language = "zh-hans"
    cast.viewer.save()
    response = cast.api("viewer").get("teams/nowhere", headers={"Accept-Language": "en"})
    assert response.headers["Content-Language"] == "zh-hans"
    other = cast.api("lead").get("teams/nowhere", headers={"Accept-Language": "zh-CN"})
    assert other.headers["Content-Language"] == "zh-hans"


def test_what_nobody_foresaw_is_an_answer_with_a_trace_and_without_a_word_of_it(cast: Cast) -> None:
    api = cast.api("admin")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE membership RENAME TO elsewhere")
    response = api.get("me")
    data = problem(response)
    assert (data["status"], data["code"]) == (500, "internal")
    assert data["params"]["trace"] == response.headers["X-Request-Id"]
    assert "membership" not in json.dumps(data)


# --- The session's door ---------------------------------------------------------------------------------------------


def test_a_session_writes_only_with_its_csrf_token(cast: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.admin)
    assert browser.get("/api/v1/me").status_code == 200
    body = {"name": "New"}
    refused = browser.post("/api/v1/teams", body, content_type="application/json")
    assert (refused.status_code, problem(refused)["code"]) == (403, "csrf_failed")
    browser.get("/auth/sign-in")
    browser.cookies["waybill_csrf"] = "a" * 32
    allowed = browser.post("/api/v1/teams", body, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert allowed.status_code == 201


def test_a_one_time_password_opens_nothing_but_its_own_change(cast: Cast) -> None:
    user = make_user(cast.enterprise, must_change_password=True)
    browser = Client()
    browser.force_login(user)
    data = problem(browser.get("/api/v1/teams"))
    assert (data["status"], data["code"]) == (403, "password_change_required")
    assert browser.get("/api/v1/me").json()["must_change_password"] is True
