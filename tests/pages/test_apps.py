"""Applications in the browser: J4 by its clicks, the draft, deploying, stopping, deleting; and what pages refuse."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from clusters.models import Application, ApplicationStatus, AppliedObject, Component, Environment, Revision
from operations.models import Operation
from teams.models import User
from tests.builders import add_member, make_team
from tests.cast import Cast
from tests.clusters.apps import add, make_app, make_place, settle, start
from tests.clusters.working import make_cluster, make_environment
from tests.pages.conftest import PASSWORD, SignIn, person
from tests.pages.test_teams import as_, cost

IMAGE = "registry.example.com/dev/web:2.0"
APP = "/environments/test-internal/apps/shop"
BARE = {"name": "web", "kind": "stateless", "image_reference": IMAGE}


@pytest.fixture
def lilei(admin: User) -> User:
    """A developer whose team has an environment."""
    user = person(admin.enterprise, "lilei", name="李雷")
    team = make_team(admin.enterprise, "shop", name="测试-内网")
    add_member(team, user, "developer", granted_by=admin)
    make_environment(team, make_cluster(admin.enterprise, "intranet", health="online"), "test-internal")
    return user


def deployed(cast: Cast, **fields: Any) -> Application:
    """Make an application with one component that is deployed, as rows say."""
    row = make_app(make_place(cast))
    add(cast.api("developer"), row, **fields)
    settle(start(cast.api("developer"), row))
    row.refresh_from_db()
    return row


def seen(row: Application, state: str = "running", **columns: Any) -> ApplicationStatus:
    """Say what the observing duty saw of an application a moment ago."""
    component = {
        "key": "web",
        "name": "web",
        "kind": "stateless",
        "state": state,
        "ready": 1,
        "desired": 1,
        "image": IMAGE,
        "digest": "sha256:" + "a" * 64,
        "restarts": 0,
        "cause": None,
    }
    values = {"state": state, "components": [component], "observed_at": timezone.now(), **columns}
    return ApplicationStatus.objects.create(application=row, **values)


def test_an_app_and_its_first_component_run_after_three_clicks(base: str, signed_in: SignIn, lilei: User) -> None:
    page = signed_in(lilei)
    page.goto(f"{base}/teams/shop")
    page.get_by_role("link", name="New app").click()
    page.fill("#id_name", "后台管理系统")
    page.get_by_role("button", name="Create app").click()
    page.wait_for_url("**/components/new")
    page.fill("#id_name", "web")
    page.fill("#id_image_reference", IMAGE)
    page.get_by_role("button", name="Create and start").click()
    page.wait_for_url(f"{base}/operations/op-*")
    row = Application.objects.get()
    assert (row.name, row.origin) == ("后台管理系统", "made")
    operation = Operation.objects.get(subject_id=row.pk)
    assert operation.kind == "deploy" and page.url.endswith(operation.name)
    page.goto(f"{base}/environments/test-internal/apps/{row.slug}")
    assert "李雷" in page.inner_text(".notice.prog:visible") and operation.name in page.inner_html(
        ".notice.prog:visible"
    )


def test_a_component_is_made_by_keyboard_alone(base: str, signed_in: SignIn, lilei: User) -> None:
    make_app(Environment.objects.get())
    page = signed_in(lilei)
    page.goto(f"{base}{APP}/components/new")
    assert page.evaluate("document.activeElement.id") == "id_name"
    page.keyboard.type("web")
    page.locator("#id_image_reference").focus()
    page.keyboard.type(IMAGE)
    page.locator("#s-ports summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("8080")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}{APP}/components")
    assert Component.objects.get().definition["ports"][0]["number"] == 8080


def test_without_scripts_a_draft_is_made_reviewed_and_deployed(base: str, browser: Browser, lilei: User) -> None:
    make_app(Environment.objects.get())
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{base}{APP}/components/new")
    page.fill("#id_login", lilei.login)
    page.fill("#id_password", PASSWORD)
    page.click("main button[type=submit]")
    page.fill("#id_name", "web")
    page.fill("#id_image_reference", IMAGE)
    page.locator("#s-variables summary").click()
    page.fill("#id_variables_0_name", "LOG_LEVEL")
    page.fill("#id_variables_0_value", "info")
    page.locator("#s-variables").get_by_role("button", name="More rows").click()
    assert page.locator("#s-variables fieldset").count() == 6
    assert page.input_value("#id_variables_0_value") == "info"
    page.fill("#id_variables_4_name", "TITLE")
    page.fill("#id_variables_4_value", "后台\nsecond line")
    page.click("#save")
    kept = Component.objects.get().definition["variables"]
    assert [(item["name"], item["value"]) for item in kept] == [("LOG_LEVEL", "info"), ("TITLE", "后台\nsecond line")]
    page.get_by_role("link", name="Review and deploy").click()
    assert "Added" in page.inner_text("main")
    page.click("#check")
    plan = Operation.objects.get(kind="plan")
    assert page.url == f"{base}{APP}/deploy?plan={plan.name}"
    page.click("#deploy")
    page.wait_for_url(f"{base}/operations/op-*")
    assert Operation.objects.filter(kind="deploy").count() == 1
    context.close()


def test_the_overview_keeps_itself_fresh(base: str, signed_in: SignIn, lilei: User) -> None:
    row = make_app(Environment.objects.get())
    Component.objects.create(application=row, key="web", name="web", definition=_definition())
    page = signed_in(lilei)
    page.goto(f"{base}{APP}")
    assert "Idle" in page.inner_text("h1")
    seen(row, "failed", cause_code="crash_loop", cause_params={"component": "web", "words": "exit code 1"})
    page.wait_for_selector("h1 .st.bad")
    assert "exit code 1" in page.inner_text(".notice.bad")


def _definition() -> dict[str, Any]:
    from clusters.spec import check_component

    return dict(check_component({"key": "web", "name": "web", "image": {"reference": IMAGE}}))


def test_what_was_seen_long_ago_is_never_shown_as_how_it_is(cast: Cast) -> None:
    row = deployed(cast)
    seen(row, observed_at=timezone.now() - timezone.timedelta(minutes=14))  # type: ignore[attr-defined]
    text = as_(cast.viewer).get(APP).content.decode()
    head = text[text.index("<h1>") : text.index("</h1>")]
    assert "Unknown" in head and "st ok" not in head
    assert "last seen" in text and "14 minutes ago" in text


def test_one_filled_button_follows_from_what_is_next(cast: Cast) -> None:
    row = deployed(cast)
    seen(row)
    client = as_(cast.developer)
    add(cast.api("developer"), row, "worker")
    text = client.get(APP).content.decode()
    assert text.count("btn-primary") == 1 and f"{APP}/deploy" in text
    Component.objects.filter(key="worker").delete()
    Application.objects.filter(pk=row.pk).update(desired="stopped")
    text = client.get(APP).content.decode()
    assert text.count("btn-primary") == 1 and 'value="running"' in text


def test_an_app_stops_starts_and_is_refused_twice(cast: Cast) -> None:
    row = deployed(cast)
    client = as_(cast.tester)
    answer = client.post(f"{APP}/desired-state", {"state": "stopped", "key": "k-1"})
    stop = Operation.objects.get(kind="stop")
    assert answer.headers["Location"] == f"/operations/{stop.name}"
    same = client.post(f"{APP}/desired-state", {"state": "stopped", "key": "k-1"})
    assert same.headers["Location"] == answer.headers["Location"]
    other = client.post(f"{APP}/desired-state", {"state": "running", "key": "k-2"}, follow=True)
    assert stop.name in other.content.decode()
    assert Operation.objects.filter(kind="start").count() == 0
    assert client.post(f"{APP}/desired-state", {"state": "sideways", "key": "k-3"}).status_code == 404
    assert as_(cast.viewer).post(f"{APP}/desired-state", {"state": "running", "key": "k"}).status_code == 403
    row.refresh_from_db()


def test_nothing_is_made_by_hand_where_only_release_versions_are_accepted(cast: Cast) -> None:
    make_place(cast, accepts="release", stage="production")
    client = as_(cast.developer)
    text = client.get("/environments/test-internal/apps/new").content.decode()
    assert '<form class="sheet"' not in text and "Release" in text
    answer = client.post("/environments/test-internal/apps/new", {"name": "Shop"})
    assert answer.status_code == 409
    assert not Application.objects.exists()


def test_refusals_of_a_component_stand_at_their_fields_and_nothing_is_kept(cast: Cast) -> None:
    make_app(make_place(cast))
    client = as_(cast.developer)
    fields = {**BARE, "image_reference": "not a reference", "ports_1_number": "8080", "ports_1_alias": "lower"}
    secret = {"variables_0_name": "KEY", "variables_0_value": "hush-hush", "variables_0_secret": "on"}
    answer = client.post(f"{APP}/components/new", {**fields, **secret})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_image_reference_error"' in text and 'id="id_ports_1_alias_error"' in text
    assert 'value="lower"' in text and "hush-hush" not in text
    assert not Component.objects.exists()


def test_create_and_start_is_both_or_neither(cast: Cast) -> None:
    make_app(make_place(cast))
    client = as_(cast.developer)
    start_it = {**BARE, "start": "true", "key": "k-1"}
    missing = {"variables_0_name": "KEY", "variables_0_secret": "on"}
    answer = client.post(f"{APP}/components/new", {**start_it, **missing})
    assert answer.status_code == 422 and not Component.objects.exists()
    for _ in range(2):
        answer = client.post(f"{APP}/components/new", start_it)
        assert answer.headers["Location"].startswith("/operations/op-")
    assert Component.objects.count() == 1


def test_an_old_form_of_a_component_is_refused(cast: Cast) -> None:
    row = make_app(make_place(cast))
    add(cast.api("developer"), row)
    client = as_(cast.developer)
    version = Component.objects.get().row_version
    changed = {**BARE, "args": "web", "version": str(version)}
    assert client.post(f"{APP}/components/web", changed).status_code == 302
    again = client.post(f"{APP}/components/web", {**changed, "args": "other"})
    assert again.status_code == 412 and Component.objects.get().definition["args"] == ["web"]


def test_a_component_others_need_is_not_taken_out(cast: Cast) -> None:
    row = make_app(make_place(cast))
    add(cast.api("developer"), row, "db")
    add(cast.api("developer"), row, "web", depends_on=["db"])
    client = as_(cast.developer)
    refused = client.post(f"{APP}/components/db/removal", follow=True)
    assert "web" in refused.content.decode() and Component.objects.count() == 2
    client.post(f"{APP}/components/web/removal")
    assert [component.key for component in Component.objects.all()] == ["db"]


def test_a_draft_that_cannot_run_says_where(cast: Cast) -> None:
    row = make_app(make_place(cast))
    add(cast.api("developer"), row, variables=[{"name": "KEY", "secret": True}])
    text = as_(cast.developer).get(f"{APP}/deploy").content.decode()
    assert "KEY" in text
    answer = as_(cast.developer).post(f"{APP}/deploy", {"key": "k-1"})
    assert answer.status_code == 422
    assert as_(cast.viewer).post(f"{APP}/deploy", {"key": "k-1"}).status_code == 403
    assert Operation.objects.count() == 0


def test_a_deploy_that_changes_nothing_looks_tags_up_anew(cast: Cast) -> None:
    deployed(cast)
    client = as_(cast.developer)
    assert client.post(f"{APP}/deploy", {"key": "k-1"}).status_code == 409
    text = client.get(f"{APP}/deploy").content.decode()
    assert 'name="refresh_images"' in text
    assert client.post(f"{APP}/deploy", {"key": "k-2", "refresh_images": "true"}).status_code == 302


def test_volumes_go_only_with_the_name_typed(cast: Cast) -> None:
    row = deployed(cast)
    assert row.current_revision is not None
    AppliedObject.objects.create(
        application=row,
        environment=row.environment,
        api_version="v1",
        kind="PersistentVolumeClaim",
        name="data-shop-web-0",
        hash="h",
        revision=row.current_revision,
        state="kept",
    )
    client = as_(cast.developer)
    assert "data-shop-web-0" in client.get(f"{APP}/settings").content.decode()
    refused = client.post(f"{APP}/removal", {"volumes": "delete", "confirm_name": "shoq"})
    assert refused.status_code == 409 and 'id="id_confirm_name_error"' in refused.content.decode()
    assert Operation.objects.filter(kind="uninstall").count() == 0
    answer = client.post(f"{APP}/removal", {"volumes": "delete", "confirm_name": "shop"})
    assert answer.headers["Location"].startswith("/operations/op-")
    assert as_(cast.tester).post(f"{APP}/removal", {"volumes": "keep"}).status_code == 403


def test_an_app_that_never_ran_is_gone_at_once_and_one_is_renamed(cast: Cast) -> None:
    row = make_app(make_place(cast))
    client = as_(cast.developer)
    assert client.post(f"{APP}/settings", {"name": "后台"}).status_code == 302
    row.refresh_from_db()
    assert row.name == "后台"
    assert client.post(f"{APP}/removal", {"volumes": "keep"}).headers["Location"] == "/environments/test-internal"
    assert client.get(APP).status_code == 404


def test_records_tell_what_came_of_each_attempt(cast: Cast) -> None:
    secret = {"name": "KEY", "secret": True, "value": "hush-hush"}
    row = deployed(cast, variables=[secret])
    add(cast.api("developer"), row, "worker")
    settle(start(cast.api("developer"), row), "failed")
    client = as_(cast.viewer)
    text = client.get(f"{APP}/revisions").content.decode()
    assert "revision 1" in text and "revision 2" in text and "Failed" in text and "Current" in text
    text = client.get(f"{APP}/revisions/1").content.decode()
    assert "hush-hush" not in text and "secret " in text and "Deployment/shop-web" in text
    text = client.get(f"{APP}/revisions/2?from=1").content.decode()
    assert "worker" in text and "Added" in text
    for path in (f"{APP}/revisions/9", f"{APP}/revisions/2?from=9", f"{APP}/revisions/2?from=x"):
        assert client.get(path).status_code == 404
    assert Revision.objects.count() == 2


def test_an_app_from_the_market_has_no_draft(cast: Cast) -> None:
    make_app(make_place(cast), origin="market")
    client = as_(cast.developer)
    for path in ("/components", "/components/new", "/deploy"):
        assert client.get(f"{APP}{path}").status_code == 404
    assert f"{APP}/components" not in client.get(APP).content.decode()


def test_events_stand_with_their_ages(cast: Cast) -> None:
    row = deployed(cast)
    event = {
        "at": "2026-03-02T14:02:03Z",
        "type": "Warning",
        "reason": "Unhealthy",
        "object": "Pod/shop-web-1",
        "words": "Readiness probe failed <script>",
        "count": 4,
    }
    seen(row, events=[event])
    text = as_(cast.viewer).get(f"{APP}/events").content.decode()
    assert "Unhealthy" in text and "&lt;script&gt;" in text and "2026-03-02T14:02:03" in text
    assert f"{APP}/components/web/log" in text
    assert as_(cast.viewer).get(f"{APP}/components/web/log").status_code == 200
    assert as_(cast.viewer).get(f"{APP}/components/other/log").status_code == 404


PATHS = ("", "/parts", "/settings", "/events", "/components", "/components/new", "/components/web", "/deploy",
         "/revisions", "/revisions/1")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_foreign_apps_do_not_exist_and_members_see_all(cast: Cast, path: str) -> None:
    seen(deployed(cast))
    for part in ("neighbour", "loner", "stranger"):
        assert as_(cast.people[part]).get(f"{APP}{path}").status_code == 404, part  # type: ignore[arg-type]
    for part in ("admin", "developer", "tester", "viewer"):
        assert as_(cast.people[part]).get(f"{APP}{path}").status_code == 200, part  # type: ignore[arg-type]
    assert Client().get(f"{APP}{path}").status_code == 302


@pytest.mark.parametrize("path", ["", "/components", "/deploy", "/revisions"])
def test_the_number_of_queries_does_not_grow(cast: Cast, path: str) -> None:
    row = deployed(cast)
    seen(row)
    client = as_(cast.developer)
    few = cost(client, f"{APP}{path}")
    for number in range(12):
        add(cast.api("developer"), row, f"extra{number}")
        settle(start(cast.api("developer"), row))
    assert cost(client, f"{APP}{path}") <= few
    assert few <= 24
