"""Teams in the browser: J2 by its clicks, members, environments; and what pages refuse, by the plain client."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import Browser

from clusters.models import Environment
from operations.models import Operation
from teams.models import AuditEvent, Membership, Team, User
from tests.builders import add_member, make_team, make_user
from tests.cast import Cast
from tests.clusters.apps import make_app, make_place
from tests.clusters.working import make_cluster, make_environment
from tests.pages.conftest import PASSWORD, SignIn, person

BACKEND = "django.contrib.auth.backends.ModelBackend"


def as_(user: User) -> Client:
    """Give the plain client of a person."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def new_team(**more: str | list[str]) -> dict[str, Any]:
    """Give the fields of a new team's form."""
    return {"name": "Production Qingdao", "stage": "test", "cluster": "", "rows": "3", "key": "k-1", **more}


def test_a_team_with_its_environment_takes_four_clicks(base: str, signed_in: SignIn, admin: User) -> None:
    make_cluster(admin.enterprise, "intranet", health="online", name="内网集群")
    make_cluster(admin.enterprise, "aliyun-qingdao", health="online", name="阿里云-青岛")
    person(admin.enterprise, "lilei", name="李雷")
    page = signed_in(admin)
    clicks = 0

    def click(what: Any) -> None:
        nonlocal clicks
        clicks += 1
        what.click()
        page.wait_for_load_state()

    click(page.locator(".rail").get_by_role("link", name="Teams"))
    click(page.get_by_role("link", name="Create team"))
    page.fill("#id_name", "测试-内网")
    click(page.get_by_label("内网集群"))
    click(page.get_by_role("button", name="Create team"))
    assert clicks == 4
    assert page.url == f"{base}/teams/ce-shi-nei-wang"
    environment = Environment.objects.get(slug="ce-shi-nei-wang")
    assert (environment.cluster.slug, environment.stage, environment.accepts) == ("intranet", "test", "any")
    assert Operation.objects.get(subject_id=environment.pk).kind == "prepare_environment"
    assert "Preparing" in page.inner_text("main")


def test_a_team_is_made_by_keyboard_alone_with_members(base: str, signed_in: SignIn, admin: User) -> None:
    person(admin.enterprise, "lilei", name="李雷")
    page = signed_in(admin)
    page.goto(f"{base}/teams/new")
    assert page.evaluate("document.activeElement.id") == "id_name"
    page.keyboard.type("Shop floor")
    page.locator("#id_members_0_login").focus()
    page.keyboard.type("lilei")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator("#id_name").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}/teams/shop-floor")
    assert list(Membership.objects.values_list("user__login", "role")) == [("lilei", "developer")]


def test_without_scripts_more_rows_keep_what_was_typed(base: str, browser: Browser, admin: User) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{base}/teams/new")
    page.fill("#id_login", admin.login)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.fill("#id_name", "Shop")
    page.fill("#id_members_0_login", "nobody-yet")
    page.check("#id_members_0_roles_2")
    page.get_by_role("button", name="More rows").click()
    assert page.locator("fieldset.member").count() == 6
    assert page.input_value("#id_name") == "Shop"
    assert page.locator("#id_members_0_roles_2").is_checked()
    assert page.locator(".field-error").count() == 0
    page.click("#create")
    assert "nobody-yet" in page.inner_text("#problems")
    assert not Team.objects.exists()
    context.close()


def test_members_are_added_changed_and_removed(base: str, signed_in: SignIn, admin: User) -> None:
    team = make_team(admin.enterprise, "shop")
    lead = add_member(team, person(admin.enterprise, "lead", name="Lead"), "admin", granted_by=admin)
    person(admin.enterprise, "hanmei", name="韩梅")
    page = signed_in(lead)
    page.goto(f"{base}/teams/shop/members")
    page.fill("#id_login", "hanmei")
    page.locator("section.box").get_by_label("Tester").check()
    page.get_by_role("button", name="Add member").click()
    assert "hanmei is a member now" in page.inner_text("main")
    page.locator("#change-hanmei").get_by_label("Delivery").check()
    page.get_by_role("button", name="Save the roles of 韩梅").click()
    held = set(Membership.objects.filter(user__login="hanmei").values_list("role", flat=True))
    assert held == {"tester", "delivery"}
    page.locator("tr", has_text="Lead").locator("summary").click()
    page.get_by_role("button", name="Remove Lead from the team").click()
    assert "nobody who can manage members" in page.inner_text(".notice.bad")
    page.locator("tr", has_text="韩梅").locator("summary").click()
    page.get_by_role("button", name="Remove 韩梅 from the team").click()
    assert not Membership.objects.filter(user__login="hanmei").exists()


def test_only_enterprise_admins_make_teams_and_environments(cast: Cast) -> None:
    make_place(cast)
    for part in ("lead", "developer", "viewer", "neighbour", "loner", "stranger"):
        client = as_(cast.people[part])  # type: ignore[arg-type]
        wanted = 200 if part == "stranger" else 404  # everything in an enterprise of their own
        assert client.get("/teams/new").status_code == wanted, part
        assert client.get("/teams/shop/environments/new").status_code == 404, part
    assert as_(cast.admin).get("/teams/new").status_code == 200


def test_what_is_foreign_does_not_exist(cast: Cast) -> None:
    make_place(cast)
    for part in ("neighbour", "loner", "stranger"):
        client = as_(cast.people[part])  # type: ignore[arg-type]
        for path in ("/teams/shop", "/teams/shop/members", "/teams/shop/environments", "/environments/test-internal"):
            assert client.get(path).status_code == 404, (part, path)
    assert Client().get("/teams/shop").headers["Location"].startswith("/auth/sign-in")


def test_a_viewer_reads_why_controls_are_refused(cast: Cast) -> None:
    make_place(cast)
    client = as_(cast.viewer)
    text = client.get("/teams/shop/members").content.decode()
    assert 'aria-disabled="true"' in text and "Lead" in text
    assert "member_change" not in text and 'action="/teams/shop/members"' not in text
    refused = client.post("/teams/shop/members", {"login": "loner", "roles": ["admin"]})
    assert refused.status_code == 403
    assert AuditEvent.objects.filter(action="access.refused", actor=cast.viewer).exists()
    assert client.post("/environments/test-internal", {"name": "Mine", "accepts": "any"}).status_code == 403
    assert client.post("/environments/test-internal/removal").status_code == 403


def test_nobody_grants_what_they_lack(cast: Cast) -> None:
    add_member(cast.team, cast.tester, "tester", granted_by=cast.admin)
    answer = as_(cast.lead).post("/teams/shop/members", {"login": "nobody-of-that-name", "roles": ["tester"]})
    assert answer.status_code == 422
    assert "nobody-of-that-name" in answer.content.decode()
    answer = as_(cast.lead).post("/teams/shop/members/lead", {})
    assert answer.status_code == 302
    assert Membership.objects.filter(user=cast.lead, role="admin").exists()


def test_a_refusal_stands_beside_its_field_and_nothing_is_made(cast: Cast) -> None:
    away = make_cluster(cast.enterprise, "away", health="offline")
    client = as_(cast.admin)
    answer = client.post("/teams/new", new_team(name="Shop floor", slug="shop"))
    assert answer.status_code == 409
    text = answer.content.decode()
    assert 'id="id_slug_error"' in text and 'value="shop"' in text
    answer = client.post("/teams/new", new_team(cluster=away.slug))
    assert answer.status_code == 409
    assert not Team.objects.filter(name="Production Qingdao").exists()
    answer = client.post(
        "/teams/new",
        new_team(
            members_0_login="tester", members_0_roles=["tester"], members_2_login="ghost", members_2_roles="viewer"
        ),
    )
    assert answer.status_code == 422
    assert re.search(r"id=\"id_members_2_login\".*?field-error", answer.content.decode(), re.S)
    assert not Team.objects.filter(name="Production Qingdao").exists()


def test_a_team_form_sent_twice_makes_one_team(cast: Cast) -> None:
    make_cluster(cast.enterprise, "intranet", health="online")
    client = as_(cast.admin)
    for _ in range(2):
        answer = client.post("/teams/new", new_team(cluster="intranet"))
        assert answer.headers["Location"] == "/teams/production-qingdao"
    assert Environment.objects.filter(slug="production-qingdao").count() == 1


def test_an_environment_is_added_changed_and_let_go(cast: Cast) -> None:
    make_cluster(cast.enterprise, "intranet", health="online")
    client = as_(cast.admin)
    fields = {"cluster": "intranet", "stage": "production", "quota_cpu": "8", "quota_pods": "20", "key": "k-2"}
    answer = client.post("/teams/shop/environments/new", fields)
    row = Environment.objects.get(slug="shop")
    operation = Operation.objects.get(subject_id=row.pk)
    assert answer.headers["Location"] == f"/operations/{operation.name}"
    assert (row.accepts, row.quota) == ("release", {"cpu": "8", "pods": 20})
    Environment.objects.filter(pk=row.pk).update(state="failed")
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(state="running", started_at=now)
    outcome = {"outcome_code": "namespace_exists", "outcome_params": {"namespace": "shop"}}
    Operation.objects.filter(pk=operation.pk).update(state="failed", finished_at=now, **outcome)
    text = client.get("/teams/shop/environments").content.decode()
    assert "shop" in text and "Retry" in text and "Remove" in text
    answer = client.post("/environments/shop/retry", {"key": "k-3"})
    fresh = Operation.objects.get(retry_of=operation)
    assert answer.headers["Location"] == f"/operations/{fresh.name}"
    assert client.post("/environments/shop/removal").status_code == 302
    assert Environment.objects.get(pk=row.pk).removed_at is None
    Environment.objects.filter(pk=row.pk).update(state="failed")
    client.post("/environments/shop/removal")
    assert Environment.objects.get(pk=row.pk).removed_at is not None


def test_the_rule_changes_and_an_old_form_is_refused(cast: Cast) -> None:
    place = make_place(cast, quota={"cpu": "8"}, quota_used={"cpu": "2"})
    client = as_(cast.admin)
    text = client.get("/environments/test-internal").content.decode()
    assert "2 of 8" in text and 'value="25"' in text
    fields = {"name": "Test", "accepts": "release", "quota_cpu": "8", "version": str(place.row_version)}
    assert client.post("/environments/test-internal", fields).status_code == 302
    assert Environment.objects.get(pk=place.pk).accepts == "release"
    again = client.post("/environments/test-internal", {**fields, "name": "Older"})
    assert again.status_code == 412
    assert Environment.objects.get(pk=place.pk).name == "Test"


@pytest.mark.parametrize("path", ["/teams", "/teams/shop", "/teams/shop/environments", "/environments/test-internal"])
def test_the_number_of_queries_does_not_grow(cast: Cast, path: str) -> None:
    place = make_place(cast)
    make_app(place, "first")
    client = as_(cast.admin)
    few = cost(client, path)
    for number in range(20):
        make_app(place, f"extra{number}")
        team = make_team(cast.enterprise, f"extra{number}")
        add_member(team, make_user(cast.enterprise, f"extra{number}"), "viewer")
        make_environment(team, place.cluster)
        if number < 10:
            make_environment(cast.team, place.cluster)
    assert cost(client, path) == few
    assert few <= 26


def cost(client: Client, path: str) -> int:
    """Give how many queries a page costs."""
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)
