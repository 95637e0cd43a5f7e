"""Users, access tokens and the trail in the console."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import Browser

from teams import audit
from teams.models import AuditEvent, Token, User
from tests.builders import add_member, make_team, make_token
from tests.cast import Api
from tests.clusters.working import make_cluster, make_environment
from tests.pages.conftest import PASSWORD, SignIn, person
from tests.pages.judging import as_looked_at, judge, watched

ONCE = re.compile(r'id="once" value="([^"]+)"')
MADE = re.compile(r'id="made" value="([^"]+)"')


def as_(user: User) -> Client:
    one = Client()
    one.force_login(user)
    return one


@pytest.fixture
def client(admin: User) -> Client:
    """The admin without a browser."""
    return as_(admin)


# --- Users -----------------------------------------------------------------------------------------------------------


def test_a_user_is_added_signs_in_once_with_what_was_shown_and_chooses_a_password(
    signed_in: SignIn, base: str, admin: User, browser: Browser
) -> None:
    page = signed_in(admin)
    page.locator(".rail").get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Add user").click()
    page.fill("#id_name", "韩梅")
    page.fill("#id_login", "hanmei")
    page.get_by_label("Market admin").check()
    page.get_by_role("button", name="Add user").click()
    once = page.input_value("#once")
    assert "only time" in page.inner_text("main")
    page.get_by_role("link", name="Go on to the user").click()
    assert once not in page.content() and "one-time password" in page.inner_text("main")
    context = browser.new_context()
    theirs = signed_in(User.objects.get(login="hanmei"), once, within=context)
    assert theirs.url == f"{base}/account/password"
    context.close()


def test_a_user_is_changed_disabled_and_enabled(client: Client, admin: User) -> None:
    row = person(admin.enterprise, "hanmei", name="Han Mei")
    add_member(make_team(admin.enterprise, "shop", name="Shop"), row, "tester", granted_by=admin)
    shown = client.get("/users/hanmei").content.decode()
    assert "Shop" in shown and "Tester" in shown
    typed = {
        "name": "Mei",
        "email": "mei@example.com",
        "enterprise_roles": ["market_admin"],
        "version": row.row_version,
    }
    assert client.post("/users/hanmei", typed)["Location"] == "/users/hanmei"
    row.refresh_from_db()
    assert (row.name, row.email, row.enterprise_roles) == ("Mei", "mei@example.com", ["market_admin"])
    late = client.post("/users/hanmei", {**typed, "name": "Other"})
    assert late.status_code == 412 and "Saved meanwhile: Mei" in late.content.decode()
    theirs = as_(row)
    client.post("/users/hanmei/state", {"state": "disabled"})
    assert theirs.get("/operations").status_code == 302
    assert "cannot sign in" in client.get("/users/hanmei").content.decode()
    client.post("/users/hanmei/state", {"state": "active"})
    row.refresh_from_db()
    assert row.is_active
    words = set(AuditEvent.objects.filter(object_label="hanmei").values_list("action", flat=True))
    assert {"user.changed", "user.disabled", "user.enabled"} <= words


def test_a_reset_password_is_shown_once_and_works(client: Client, admin: User) -> None:
    row = person(admin.enterprise, "hanmei")
    answer = client.post("/users/hanmei/password")
    found = ONCE.search(answer.content.decode())
    assert found is not None and "no-store" in answer["Cache-Control"]
    row.refresh_from_db()
    assert row.check_password(found[1]) and row.must_change_password and not row.check_password(PASSWORD)


def test_refusals_stand_beside_the_form(client: Client, admin: User) -> None:
    person(admin.enterprise, "hanmei", email="mei@example.com")
    taken = client.post("/users/new", {"name": "Mei", "login": "hanmei"})
    assert taken.status_code == 409 and 'id="id_login_error"' in taken.content.decode()
    wrong = client.post("/users/new", {"name": "Mei", "login": "no good!", "email": "no address"})
    assert wrong.status_code == 422 and 'id="id_email_error"' in wrong.content.decode()
    wrong = client.post("/users/new", {"name": "Mei", "login": "no good!"})
    assert wrong.status_code == 422 and 'id="id_login_error"' in wrong.content.decode()
    last = client.post("/users/wangfang/state", {"state": "disabled"}, follow=True)
    assert "notice bad" in last.content.decode()
    admin.refresh_from_db()
    assert admin.is_active


def test_the_list_finds_people(client: Client, admin: User) -> None:
    person(admin.enterprise, "hanmei", name="韩梅")
    person(admin.enterprise, "gone", name="Gone", is_active=False)
    assert "hanmei" in client.get("/users", {"q": "梅"}).content.decode()
    shown = client.get("/users", {"state": "disabled"}).content.decode()
    assert "/users/gone" in shown and "/users/hanmei" not in shown
    assert "Nobody matches" in client.get("/users", {"q": "nobody at all"}).content.decode()


def test_users_are_managed_by_enterprise_admins_alone(client: Client, admin: User, developer: User) -> None:
    one = as_(developer)
    for path in ("/users", "/users/new", "/users/wangfang"):
        assert one.get(path).status_code == 404
        assert client.get(path).status_code == 200
    for path in ("/users/new", "/users/wangfang", "/users/wangfang/state", "/users/wangfang/password"):
        assert one.post(path, {"name": "x", "login": "x"}).status_code == 404
    assert client.get("/users/nobody").status_code == 404


# --- Tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_and_is_revoked(client: Client, admin: User) -> None:
    answer = client.post("/account/tokens", {"name": "ci", "days": "30"})
    found = MADE.search(answer.content.decode())
    assert answer.status_code == 201 and found is not None and "no-store" in answer["Cache-Control"]
    row = Token.objects.get()
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    assert Api(admin, found[1]).get("me").json()["login"] == "wangfang"
    shown = client.get("/account/tokens").content.decode()
    assert row.prefix in shown and found[1] not in shown
    again = client.post("/account/tokens", {"name": "ci", "days": "30"})
    assert again.status_code == 409 and 'id="id_name_error"' in again.content.decode()
    assert client.post("/account/tokens", {"name": "x", "days": "4000"}).status_code == 422
    client.post(f"/account/tokens/{row.prefix}/revocation")
    assert Api(admin, found[1]).get("me").status_code == 401
    gone = client.post(f"/account/tokens/{row.prefix}/revocation", follow=True)
    assert "no such token" in gone.content.decode()


def test_nobody_sees_or_ends_anothers_token(client: Client, admin: User, developer: User) -> None:
    row, _ = make_token(admin, name="of the admin")
    one = as_(developer)
    assert "of the admin" not in one.get("/account/tokens").content.decode()
    one.post(f"/account/tokens/{row.prefix}/revocation")
    row.refresh_from_db()
    assert row.revoked_at is None


# --- The trail -------------------------------------------------------------------------------------------------------


@pytest.fixture
def events(admin: User, developer: User) -> None:
    """A few lines: of a team and environment, of the enterprise, and a refusal."""
    team = developer.memberships.get().team
    place = make_environment(team, make_cluster(admin.enterprise, "one"), "shop-test", name="Shop test")
    audit.record(
        "environment.rule_changed",
        acting_user=admin,
        object_type="environment",
        object_id=place.pk,
        object_label="shop-test",
        team=team,
        environment_id=place.pk,
        before={"accepts": "any"},
        after={"accepts": "release"},
        reason="OPS-77",
    )
    audit.record("cluster.removed", acting_user=admin, object_type="cluster", object_id="1", object_label="old-one")
    audit.record(
        "access.refused",
        acting_user=developer,
        object_type="address",
        object_id="",
        object_label="POST /clusters",
        result="refused",
    )


@pytest.mark.usefixtures("events")
def test_the_trail_tells_who_did_what_where_and_what_changed(client: Client) -> None:
    shown = client.get("/audit").content.decode()
    for words in ("Rule of the environment changed", "Shop test", "OPS-77", "refused", "only ever added", "王芳"):
        assert words in shown
    assert re.search(r"accepts</code></th><td[^>]*>any</td><td[^>]*>release</td>", shown)
    assert 'href="/environments/shop-test"' in shown and 'href="/clusters/old-one"' in shown


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("query", "kept", "gone"),
    [
        ({"action": "cluster.removed"}, "old-one", "shop-test"),
        ({"action": "environment"}, "shop-test", "old-one"),
        ({"actor": "lilei"}, "POST /clusters", "old-one"),
        ({"team": "shop"}, "shop-test", "old-one"),
        ({"object": "old"}, "old-one", "shop-test"),
        ({"result": "refused"}, "POST /clusters", "old-one"),
        ({"until": "2020-01-01"}, "No event matches", "old-one"),
        ({"since": "2020-01-01"}, "old-one", "No event matches"),
        ({"since": "no day", "until": "2020-13-13"}, "old-one", "No event matches"),
    ],
)
def test_filters_narrow_it(client: Client, query: dict[str, str], kept: str, gone: str) -> None:
    shown = client.get("/audit", query).content.decode()
    table = shown.partition("</form>")[2].partition("<main")[2] or shown.partition("</h1>")[2].partition("</form>")[2]
    assert kept in table and gone not in table


@pytest.mark.usefixtures("events")
def test_a_team_admin_reads_the_teams_lines_and_others_none(admin: User, developer: User) -> None:
    assert as_(developer).get("/audit").status_code == 404
    lead = person(admin.enterprise, "lead")
    add_member(developer.memberships.get().team, lead, "admin", granted_by=admin)
    shown = as_(lead).get("/audit").content.decode()
    assert "shop-test" in shown and "old-one" not in shown
    assert 'href="/audit"' in as_(lead).get("/account/profile").content.decode()
    assert 'href="/audit"' not in as_(developer).get("/account/profile").content.decode()


def test_lists_cost_the_same_with_one_row_and_with_thirty(client: Client, admin: User) -> None:
    team = make_team(admin.enterprise, "shop")
    place = make_environment(team, make_cluster(admin.enterprise, "one"))
    client.get("/users")
    costs: dict[str, list[int]] = {"/users": [], "/audit": [], "/account/tokens": []}
    for number in range(30):
        add_member(team, person(admin.enterprise, f"user{number}"), "tester", "viewer", granted_by=admin)
        make_token(admin)
        audit.record(
            "environment.renamed",
            acting_user=admin,
            object_type="environment",
            object_id=place.pk,
            object_label=place.slug,
            team=team,
            environment_id=place.pk,
        )
        if number in (0, 29):
            for path, found in costs.items():
                with CaptureQueriesContext(connection) as queries:
                    assert client.get(path).status_code == 200
                found.append(len(queries))
    assert all(few == many for few, many in costs.values()), costs
    assert max(many for _, many in costs.values()) <= 11, costs


# --- Every page of platform management -------------------------------------------------------------------------------


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("language", "theme", "size"),
    [("en-GB", "light", (1280, 800)), ("zh-CN", "dark", (390, 844))],
    ids=["en-light-desktop", "zh-dark-phone"],
)
def test_these_pages_are_accessible_and_fit(
    base: str,
    browser: Browser,
    signed_in: SignIn,
    admin: User,
    language: str,
    theme: Literal["light", "dark"],
    size: tuple[int, int],
) -> None:
    make_token(admin)
    paths = ("/", "/clusters", "/clusters/new", "/clusters/one", "/settings/registry", "/users", "/users/new")
    more = ("/users/lilei", "/audit", "/account/tokens", "/account/profile")
    context = as_looked_at(browser, (language, theme, size))
    seen = watched(context)
    page = signed_in(admin, within=context)
    for path in (*paths, *more):
        page.goto(f"{base}{path}")
        judge(page)
    context.close()
    assert seen == []
