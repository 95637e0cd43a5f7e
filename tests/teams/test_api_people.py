"""The addresses of people, as a client sees them: bodies, statuses, headers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from teams.models import AuditEvent, Token
from tests.builders import make_user
from tests.cast import Api, Cast

GOOD = "a long sentence is a good one"


def read(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json()


# --- Me -------------------------------------------------------------------------------------------------------------


def test_me_says_who_i_am_and_what_i_may(cast: Cast) -> None:
    api = cast.api("tester")
    data = read(api.get("me"))
    assert (data["login"], data["enterprise"], data["rights"]) == ("tester", {"slug": "main", "name": "Main"}, [])
    assert data["teams"] == [
        {
            "slug": "shop",
            "name": "Shop",
            "roles": ["tester"],
            "rights": ["deliver_test", "mark_version", "operate_application", "view_team"],
        }
    ]
    assert data["token"] == (api.token or "")[:8]
    assert read(cast.api("admin").get("me"))["rights"] == [
        "manage_clusters",
        "manage_market",
        "manage_registry",
        "manage_teams",
        "manage_users",
        "view_audit",
    ]


def test_my_password_changes_with_the_present_one(cast: Cast) -> None:
    user = make_user(cast.enterprise, password="the present one here", must_change_password=True)
    api = Api(user)
    wrong = read(api.put("me/password", {"current": "wrong", "new": GOOD}), 422)
    assert wrong["errors"][0]["pointer"] == "/current"
    weak = read(api.put("me/password", {"current": "the present one here", "new": "short"}), 422)
    assert weak["errors"][0]["code"] == "password_too_weak"
    assert "ten characters" in weak["errors"][0]["detail"]
    assert api.put("me/password", {"current": "the present one here", "new": GOOD}).status_code == 204
    user.refresh_from_db()
    assert user.check_password(GOOD)


def test_guessing_my_password_is_stopped(cast: Cast) -> None:
    user = make_user(cast.enterprise, password="the present one here")
    api = Api(user)
    for _ in range(10):
        read(api.put("me/password", {"current": "wrong", "new": GOOD}), 422)
    response = api.put("me/password", {"current": "the present one here", "new": GOOD})
    data = read(response, 429)
    assert response.headers["Retry-After"] == str(data["retry_after"])


# --- Tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_works(cast: Cast) -> None:
    api = cast.api("viewer")
    end = (timezone.now() + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    response = api.post("tokens", {"name": "ci", "expires_at": end})
    data = read(response, 201)
    assert (data["name"], data["expires_at"], data["last_used_at"]) == ("ci", end, None)
    assert response.headers["Location"] == f"/api/v1/tokens/{data['prefix']}"
    assert response.headers["Cache-Control"] == "no-store"
    made = Api(cast.viewer, data["token"])
    listed = read(made.get("tokens"))["items"]
    assert listed[0]["name"] == "ci"
    assert data["token"] not in str(listed)
    assert api.delete(f"tokens/{data['prefix']}").status_code == 204
    assert made.get("tokens").status_code == 401
    assert read(api.delete(f"tokens/{data['prefix']}"), 404)["code"] == "not_found"


def test_a_time_is_read_strictly(cast: Cast) -> None:
    for end, code in (("soon", "malformed"), (5, "wrong_type"), ("2001-01-01T00:00:00Z", "value_out_of_range")):
        data = read(cast.api("viewer").post("tokens", {"name": "ci", "expires_at": end}), 422)
        assert [(fault["pointer"], fault["code"]) for fault in data["errors"]] == [("/expires_at", code)]


# --- Users ----------------------------------------------------------------------------------------------------------


def test_a_user_is_made_changed_and_disabled(cast: Cast) -> None:
    admin = cast.api("admin")
    response = admin.post("users", {"login": "hanmei", "name": "韩梅", "email": None, "enterprise_roles": []})
    data = read(response, 201)
    assert (data["login"], data["is_active"], data["must_change_password"]) == ("hanmei", True, True)
    assert len(data["one_time_password"]) == 16
    assert response.headers["Location"] == "/api/v1/users/hanmei"
    assert response.headers["Cache-Control"] == "no-store"
    page = admin.get("users/hanmei")
    assert "one_time_password" not in read(page)
    changed = admin.patch("users/hanmei", {"is_active": False}, headers={"If-Match": page.headers["ETag"]})
    assert read(changed)["is_active"] is False
    assert changed.headers["ETag"] != page.headers["ETag"]
    again = read(admin.put("users/hanmei/one-time-password"))
    assert again["one_time_password"] != data["one_time_password"]


def test_people_are_found_by_login_and_name(cast: Cast) -> None:
    make_user(cast.enterprise, "hanmei", name="韩梅")
    admin = cast.api("admin")
    for text, logins in (("韩", ["hanmei"]), ("DELIV", ["delivery"]), ("%", []), ("stranger", [])):
        assert [item["login"] for item in read(admin.get("users", q=text))["items"]] == logins


def test_contact_and_roles_are_for_admins_and_oneself(cast: Cast) -> None:
    assert set(read(cast.api("lead").get("users/viewer"))) == {"login", "name", "is_active"}
    assert "email" in read(cast.api("viewer").get("users/viewer"))
    assert "email" in read(cast.api("admin").get("users/viewer"))


def test_one_knows_the_people_of_ones_teams(cast: Cast) -> None:
    def known(part: str) -> set[str]:
        return {item["login"] for item in read(cast.api(part).get("users"))["items"]}

    assert known("viewer") == {"lead", "developer", "tester", "delivery", "viewer"}
    assert known("loner") == {"loner"}
    assert known("market") == {"market"}
    assert known("lead") == known("admin") == set(cast.people) - {"stranger", "nobody"}
    assert known("stranger") == {"stranger"}


def test_the_last_admin_stays(cast: Cast) -> None:
    data = read(cast.api("admin").patch("users/admin", {"is_active": False}), 409)
    assert data["code"] == "last_admin"


# --- Teams and members ----------------------------------------------------------------------------------------------


def test_a_team_is_made_shown_and_renamed(cast: Cast) -> None:
    admin = cast.api("admin")
    body = {"slug": "prod-qingdao", "name": "生产-青岛", "members": [{"login": "delivery", "roles": ["delivery"]}]}
    response = admin.post("teams", body)
    data = read(response, 201)
    assert response.headers["Location"] == "/api/v1/teams/prod-qingdao"
    assert data["members"] == [{"login": "delivery", "name": "Delivery", "roles": ["delivery"]}]
    assert data["environments"] == []
    page = cast.api("delivery").get("teams/prod-qingdao")
    assert read(page) == data
    assert page.headers["ETag"] == response.headers["ETag"]
    assert read(admin.patch("teams/prod-qingdao", {"name": "Qingdao"}))["name"] == "Qingdao"
    assert read(admin.get("teams", q="QING"))["items"][0]["slug"] == "prod-qingdao"


def test_a_member_is_added_changed_and_removed(cast: Cast) -> None:
    lead = cast.api("lead")
    data = read(lead.put("teams/shop/members/loner", {"roles": ["tester", "developer", "tester"]}), 201)
    assert data == {"login": "loner", "name": "Loner", "roles": ["developer", "tester"]}
    assert read(lead.put("teams/shop/members/loner", {"roles": ["viewer"]}))["roles"] == ["viewer"]
    assert lead.delete("teams/shop/members/loner").status_code == 204
    assert read(lead.delete("teams/shop/members/loner"), 404)["code"] == "not_found"
    assert read(lead.put("teams/shop/members/ghost", {"roles": ["viewer"]}), 422)["code"] == "unknown_user"
    assert read(lead.delete("teams/shop/members/lead"), 409)["code"] == "last_admin"


# --- The audit trail ------------------------------------------------------------------------------------------------


def test_the_trail_is_filtered(cast: Cast) -> None:
    admin = cast.api("admin")
    admin.patch("teams/shop", {"name": "Store"})
    cast.api("lead").put("teams/shop/members/loner", {"roles": ["viewer"]})
    read(admin.post("users", {"login": "hanmei", "name": "H"}), 201)

    def found(**query: str) -> list[str]:
        return [
            item["action"] for item in read(admin.call("GET", "audit-events", None, headers=None, **query))["items"]
        ]

    assert found() == ["user.created", "member.added", "team.renamed"]
    assert found(actor="LEAD") == ["member.added"]
    assert found(action="team.renamed") == ["team.renamed"]
    assert found(action="member") == ["member.added"]
    assert found(team="shop") == ["member.added", "team.renamed"]
    assert found(team="depot") == []
    assert found(since=(timezone.now() - timedelta(minutes=1)).isoformat()) == found()
    assert found(since="2100-01-01T00:00:00Z") == []
    for text in ("yesterday", "2026-13-01T00:00:00Z"):
        assert read(admin.get("audit-events", since=text), 422)["errors"][0]["pointer"] == "?since"


def test_an_event_is_told_in_full(cast: Cast) -> None:
    api = cast.api("admin")
    response = api.patch("teams/shop", {"name": "Store"})
    event = read(api.get("audit-events"))["items"][0]
    assert {key: event[key] for key in event if key != "at"} == {
        "action": "team.renamed",
        "label": "Team renamed",
        "result": "done",
        "actor": {"login": "admin", "name": "Admin"},
        "token": (api.token or "")[:8],
        "object": {"type": "team", "name": "shop"},
        "team": "shop",
        "before": {"name": "Shop"},
        "after": {"name": "Store"},
        "reason": None,
        "request_id": response.headers["X-Request-Id"],
        "ip": "127.0.0.1",
    }


def test_a_teams_admin_reads_the_trail_of_that_team_alone(cast: Cast) -> None:
    cast.api("admin").patch("teams/shop", {"name": "Store"})
    cast.api("admin").patch("teams/depot", {"name": "Yard"})
    cast.api("stranger").patch("teams/foreign", {"name": "Far"})
    assert [item["team"] for item in read(cast.api("lead").get("audit-events"))["items"]] == ["shop"]
    assert [item["team"] for item in read(cast.api("neighbour").get("audit-events"))["items"]] == ["depot"]
    assert [item["team"] for item in read(cast.api("stranger").get("audit-events"))["items"]] == ["foreign"]
    assert read(cast.api("viewer").get("audit-events"), 403)["code"] == "role_required"


# --- Canaries -------------------------------------------------------------------------------------------------------


def test_no_password_and_no_token_is_ever_kept_or_told(cast: Cast) -> None:
    admin = cast.api("admin")
    password = read(admin.post("users", {"login": "hanmei", "name": "H"}), 201)["one_time_password"]
    end = (timezone.now() + timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = read(admin.post("tokens", {"name": "ci", "expires_at": end}), 201)["token"]
    again = read(admin.put("users/hanmei/one-time-password"))["one_time_password"]
    secret = "canary-of-a-password"
    admin.put("me/password", {"current": secret, "new": secret + "-new"})
    told = " ".join(
        admin.get(path).content.decode() for path in ("audit-events", "users", "tokens", "me", "users/hanmei")
    )
    kept = " ".join(str(row) for row in [*AuditEvent.objects.values(), *Token.objects.values("name", "prefix")])
    for canary in (password, token, token[8:], again, secret):
        assert canary not in told
        assert canary not in kept
