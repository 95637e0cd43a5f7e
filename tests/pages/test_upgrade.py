"""Upgrading and rolling back: what the pages say beforehand, what they start, and what they refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from clusters.actions.proposal import planner
from clusters.models import Application, AppliedObject, Environment, Revision
from clusters.planning import ClusterPart, complete
from console.kit import secrets
from console.kit.models import where
from marketplace.actions.install import Order, install
from marketplace.actions.returned import rolled_back_from
from marketplace.models import Delivery, Installation, Template, Version
from operations.models import Operation
from teams.models import User
from tests.builders import add_member, make_team
from tests.cast import Cast
from tests.marketplace import world
from tests.pages.conftest import DARK_DESK, SignIn, person
from tests.pages.judging import every_look, judge
from tests.pages.test_install import place
from tests.pages.test_market import client_of, text_of

LEVEL = {
    "address": "web.variables.LOG_LEVEL",
    "label": "Log level",
    "type": "choice",
    "choices": ["info", "debug", "warn"],
}


def publish(template: Template, number: str, by: User, components: list[Any], *, mark: str = "release") -> Version:
    """A version made of whole components, with a log level to choose."""
    return world.make_version(template, number, by, components, parameters=[LEVEL], mark=mark)


def one_of(key: str, letter: str, **fields: Any) -> Any:
    """A component whose image is told by its letter."""
    return world.part(key, f"registry.example.com/dev/{key}:1", f"sha256:{letter * 64}", **fields)


def level(text: str) -> list[dict[str, str]]:
    """The one variable of web."""
    return [{"name": "LOG_LEVEL", "value": text}]


def make_versions(template: Template, by: User) -> dict[str, Version]:
    """Three versions: 2.0 changes web, adds cache, drops report; 2.1 is not marked."""
    volume = {"name": "data", "path": "/data", "size": "1Gi"}
    report = one_of("report", "c", volumes=[volume])
    first = [one_of("web", "a", variables=level("info")), report, one_of("same", "d")]
    second = [one_of("web", "b", variables=level("warn")), one_of("cache", "e"), one_of("same", "d")]
    return {
        "1.0": publish(template, "1.0", by, first),
        "2.0": publish(template, "2.0", by, second),
        "2.1": publish(template, "2.1", by, second, mark="test"),
    }


def installed(user: User, environment: Environment, template: Template, number: str, **values: Any) -> Application:
    """Install as the action does, and say that the worker has deployed it."""
    install(acting_user=user, order=Order(template.slug, [environment.slug], version=number, values=values))
    app = Application.objects.get(environment=environment, slug=template.slug)
    finish(app, template.versions.get(number=number))
    return app


def finish(app: Application, version: Version | None = None) -> Revision:
    """End the last operation of an application well, as its runner does."""
    revision = app.revisions.order_by("-number")[0]
    operations = Operation.objects.filter(pk=revision.operation_id)
    operations.update(state="running")
    operations.update(state="succeeded", finished_at=revision.created_at)
    app.revisions.filter(state="deployed").update(state="superseded")
    Revision.objects.filter(pk=revision.pk).update(state="deployed")
    Application.objects.filter(pk=app.pk).update(current_revision=revision)
    if version is not None:
        Installation.objects.filter(application=app).update(version=version)
    return revision


@pytest.fixture
def template(cast: Cast) -> Template:
    """A template with its versions."""
    made = world.make_template(cast.team, "back-office", name="Back office")
    make_versions(made, cast.developer)
    return made


@pytest.fixture
def office(cast: Cast, template: Template) -> Application:
    """1.0 in production, with a value of its own."""
    production = place(cast.team, "prod", name="Production", stage="production", accepts="release")
    return installed(cast.delivery, production, template, "1.0", **{"web.variables.LOG_LEVEL": "debug"})


PAGE = "/environments/prod/apps/back-office/upgrade"
BACK = "/environments/prod/apps/back-office/revisions/{}/rollback"


def send(client: Any, path: str, do: str, **fields: Any) -> Any:
    """Send the page's form with its key."""
    found = re.search(r'name="key" value="([^"]+)"', client.get(path).content.decode())
    assert found is not None
    return client.post(path, {"key": found[1], "do": do, "to": "2.0"} | fields)


def test_the_page_lists_what_changes_and_what_stays_ours(cast: Cast, office: Application) -> None:
    answer = client_of(cast.delivery).get(PAGE)
    page, words = answer.content.decode(), text_of(answer)
    assert "Upgrade Back office in Production" in words
    assert re.search(r'<option value="2.0" selected>2.0 ★ Release, newest Release', page), "the newest accepted"
    assert re.search(r'<option value="2.1" disabled>2.1 Test, not accepted here', page)
    assert "1.0 ★ Release, runs here" in page
    assert "web @aaaaaaaaaaaa" in words and "web @bbbbbbbbbbbb" in words
    assert f"web@sha256:{'b' * 64}" in page, "the whole digest is there too"
    assert "1 changed" in words and "1 new" in words and "1 removed" in words
    assert "Removed. Its volumes are kept." in words and "cache @eeeeeeeeeeee" in words
    assert "Kept here. 2.0 says warn." in words
    assert re.search(r'name="reset" value="web.variables.LOG_LEVEL"', page)
    assert "Unchanged: same" in words


def test_an_upgrade_starts_once_and_keeps_the_value(cast: Cast, office: Application) -> None:
    client = client_of(cast.delivery)
    fields = {"values_web.variables.LOG_LEVEL": "debug", "key": "the-same-key"}
    first, second = send(client, PAGE, "upgrade", **fields), send(client, PAGE, "upgrade", **fields)
    operation = Operation.objects.get(kind="upgrade")
    assert first.url == second.url == f"/operations/{operation.name}"
    revision = office.revisions.get(kind="upgrade")
    assert revision.values["web.variables.LOG_LEVEL"] == {"value": "debug", "origin": "given"}
    busy = client.get(PAGE)
    assert 'aria-disabled="true"' in busy.content.decode() and operation.name in text_of(busy)


def test_a_value_goes_back_to_the_versions_own_by_a_tick(cast: Cast, office: Application) -> None:
    fields = {"values_web.variables.LOG_LEVEL": "debug", "reset": ["web.variables.LOG_LEVEL"]}
    looked = send(client_of(cast.delivery), PAGE, "look", **fields)
    assert "Back to what the version says" in text_of(looked)
    send(client_of(cast.delivery), PAGE, "upgrade", **fields)
    assert "web.variables.LOG_LEVEL" not in office.revisions.get(kind="upgrade").values


def test_another_value_is_set_with_the_upgrade(cast: Cast, office: Application) -> None:
    send(client_of(cast.delivery), PAGE, "upgrade", **{"values_web.variables.LOG_LEVEL": "info"})
    assert office.revisions.get(kind="upgrade").values["web.variables.LOG_LEVEL"]["value"] == "info"
    wrong = send(client_of(cast.delivery), PAGE, "upgrade", **{"values_web.variables.LOG_LEVEL": "shout"})
    assert wrong.status_code == 422


def test_what_is_refused_is_told_and_nothing_runs(cast: Cast, office: Application) -> None:
    client = client_of(cast.delivery)
    tested = send(client, PAGE, "upgrade", to="2.1", **{"values_web.variables.LOG_LEVEL": "debug"})
    assert tested.status_code == 409 and "accepts Release versions only" in text_of(tested)
    same = send(client, PAGE, "upgrade", to="1.0", **{"values_web.variables.LOG_LEVEL": "debug"})
    assert same.status_code == 409
    asked = send(client, PAGE, "plan", **{"values_web.variables.LOG_LEVEL": "debug"})
    plan = Operation.objects.get(kind="plan")
    assert asked.status_code == 200 and f"/operations/{plan.name}/plan" in asked.content.decode()
    stale = send(client, PAGE, "upgrade", plan_id=plan.name, **{"values_web.variables.LOG_LEVEL": "debug"})
    assert stale.status_code == 412, "the plan has no answer yet"
    assert not Operation.objects.filter(kind="upgrade").exists()
    viewer = client_of(cast.viewer).get(PAGE)
    assert viewer.status_code == 200 and 'aria-disabled="true"' in viewer.content.decode()
    assert client_of(cast.viewer).post(PAGE, {"to": "2.0", "key": "x"}).status_code == 403
    for stranger in (cast.neighbour, cast.stranger):
        assert client_of(stranger).get(PAGE).status_code == 404


def test_a_plan_that_moved_is_shown_anew_with_its_changed_lines_marked(cast: Cast, office: Application) -> None:
    client = client_of(cast.delivery)
    send(client, PAGE, "plan", **{"values_web.variables.LOG_LEVEL": "debug"})
    plan = Operation.objects.get(kind="plan")
    request = secrets.unseal(plan.sealed or "", where(plan, "sealed"))["request"]
    proposal = planner("upgrade")(plan, request)
    part = ClusterPart(cluster="c", objects=[])
    document = complete(
        proposal.preview(), part, rows=proposal.rows, at="", took_ms=1, valid_until="2126-03-02T14:02:11Z"
    )
    world.answered(plan, document)
    other = send(client, PAGE, "upgrade", plan_id=plan.name, **{"values_web.variables.LOG_LEVEL": "info"})
    words = text_of(other)
    assert other.status_code == 412 and not Operation.objects.filter(kind="upgrade").exists()
    assert "Something changed since you saw the plan: web.variables.LOG_LEVEL. Nothing ran." in words
    assert words.count("Changed since you looked") == 1
    assert re.search(r"debug → info Changed since you looked|LOG_LEVEL .{0,40} info Changed since you looked", words)
    assert 'data-plan="now"' in other.content.decode(), "it is asked for again"
    assert f'value="{plan.name}"' not in other.content.decode(), "what is confirmed next is not the old one"
    same = send(client, PAGE, "upgrade", plan_id=plan.name, **{"values_web.variables.LOG_LEVEL": "debug"})
    assert same.status_code == 302


def test_what_was_made_by_hand_has_no_upgrade(cast: Cast) -> None:
    app = world.deployed(place(cast.team, "test"), [one_of("web", "a")], slug="made")
    assert client_of(cast.developer).get(f"/environments/test/apps/{app.slug}/upgrade").status_code == 404


def test_the_way_back_says_what_returns_goes_and_stays(cast: Cast, office: Application, template: Template) -> None:
    client = client_of(cast.delivery)
    send(client, PAGE, "upgrade", **{"values_web.variables.LOG_LEVEL": "info"})
    finish(office, template.versions.get(number="2.0"))
    AppliedObject.objects.create(
        application=office,
        environment=office.environment,
        api_version="v1",
        kind="PersistentVolumeClaim",
        name="back-office-report-data",
        hash="0" * 64,
        revision=office.revisions.get(number=1),
        state="kept",
    )
    answer = client.get(BACK.format(1))
    words = text_of(answer)
    assert "Roll back Back office in Production to 1.0 Release" in words
    assert re.search(r"Returns web report to the recorded images", words)
    assert re.search(r"Goes cache was not there then", words)
    assert "is not restored: back-office-report-data" in words and "debug" in words
    assert "new volume" not in words, "it is there still"
    done = send(client, BACK.format(1), "rollback", key="again")
    operation = Operation.objects.get(kind="rollback")
    assert done.url == f"/operations/{operation.name}"
    revision = office.revisions.get(kind="rollback")
    assert revision.rolls_back_to is not None and revision.rolls_back_to.number == 1
    assert Delivery.objects.get(revision=revision).version.number == "1.0"


def test_only_what_was_deployed_once_is_a_way_back(cast: Cast, office: Application) -> None:
    client = client_of(cast.delivery)
    assert client.get(BACK.format(7)).status_code == 404
    here = send(client, BACK.format(1), "rollback")
    assert here.status_code == 409, "that is what runs"
    assert client_of(cast.viewer).post(BACK.format(1), {"key": "x"}).status_code == 403
    assert client_of(cast.neighbour).get(BACK.format(1)).status_code == 404


def test_the_way_back_is_open_when_the_mark_was_taken_back(cast: Cast, office: Application, template: Template) -> None:
    client = client_of(cast.delivery)
    send(client, PAGE, "upgrade", **{"values_web.variables.LOG_LEVEL": "info"})
    finish(office, template.versions.get(number="2.0"))
    client_of(cast.tester).post("/market/back-office/versions/1.0/mark", {"mark": "test"})
    words = text_of(client.get(BACK.format(1)))
    assert "The Release mark was taken back since" in words and "1.0 Test" in words
    assert send(client, BACK.format(1), "rollback").status_code == 302


def test_a_version_that_was_rolled_back_from_is_gone_to_again_only_when_agreed(
    cast: Cast, office: Application, template: Template
) -> None:
    client, second = client_of(cast.delivery), template.versions.get(number="2.0")
    said = "2.0 was rolled back from here by Delivery"
    assert said not in text_of(client.get(f"{PAGE}?to=2.0"))
    send(client, PAGE, "upgrade")
    finish(office, second)
    send(client, BACK.format(1), "rollback", key="back")
    finish(office, template.versions.get(number="1.0"))
    page = client.get(f"{PAGE}?to=2.0")
    assert text_of(page).count(said) == 1, "said where it is agreed to, and nowhere else"
    assert 'id="consent-again" required' in page.content.decode()
    warned = cast.api("delivery").post(
        f"environments/prod/apps/{office.slug}/upgrades?dry_run=true", {"version": "2.0"}, headers=world.key()
    )
    assert warned.status_code == 202, "over REST it is a warning of the plan, and no refusal"
    Operation.objects.filter(kind="plan").update(state="cancelled", finished_at=timezone.now())
    refused = send(client, PAGE, "upgrade", key="again")
    assert refused.status_code == 409 and "Agree below to go there again." in text_of(refused)
    assert Operation.objects.filter(kind="upgrade").count() == 1
    assert send(client, PAGE, "upgrade", key="agreed", consents="again").status_code == 302
    finish(office, second)
    assert said not in text_of(client.get(f"{PAGE}?to=2.0")), "it came to run: that was the answer"
    records = text_of(client.get("/environments/prod/apps/back-office/revisions"))
    assert "1.0 Release → to 2.0 Release" in records and "Rolled back 2.0 Release → to 1.0 Release" in records


def test_the_way_back_from_an_attempt_that_failed_counts_too(
    cast: Cast, office: Application, template: Template
) -> None:
    second, first = template.versions.get(number="2.0"), template.versions.get(number="1.0")
    client = client_of(cast.delivery)
    send(client, PAGE, "upgrade")
    failed = office.revisions.order_by("-number")[0]
    Operation.objects.filter(pk=failed.operation_id).update(state="running")
    Operation.objects.filter(pk=failed.operation_id).update(state="failed", finished_at=timezone.now())
    Revision.objects.filter(pk=failed.pk).update(state="failed")
    office.refresh_from_db()
    assert rolled_back_from(office, second) is None, "failed, and nobody went back yet"
    send(client, BACK.format(1), "rollback", key="back")
    finish(office, first)
    found = rolled_back_from(office, second)
    assert found is not None and found["params"]["by"] == "Delivery"
    assert rolled_back_from(office, first) is None


# --- In a real browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def zhaomin(admin: User) -> User:
    """Somebody who delivers, with 1.0 in production."""
    team = make_team(admin.enterprise, "prod-qingdao", name="生产-青岛")
    user = person(admin.enterprise, "zhaomin", name="赵敏")
    add_member(team, user, "delivery", granted_by=admin)
    made = world.make_template(team, "admin-console", name="后台管理系统")
    make_versions(made, admin)
    where = place(team, "prod", name="生产-青岛", stage="production", accepts="release")
    installed(user, where, made, "1.0", **{"web.variables.LOG_LEVEL": "debug"})
    return user


def test_from_the_app_an_upgrade_takes_two_clicks_and_so_does_the_way_back(
    base: str, signed_in: SignIn, zhaomin: User
) -> None:
    page = signed_in(zhaomin)
    page.goto(f"{base}/environments/prod/apps/admin-console")
    page.get_by_role("link", name="Review upgrade").click()
    page.wait_for_selector("[data-plan-box] [data-live]")
    page.get_by_role("button", name="Upgrade to 2.0").click()
    page.wait_for_url(re.compile("/operations/op-"))
    app = Application.objects.get()
    finish(app, Version.objects.get(number="2.0"))
    page.goto(f"{base}/environments/prod/apps/admin-console")
    page.get_by_role("link", name="Roll back to 1.0").click()
    page.get_by_role("button", name="Roll back to 1.0").click()
    page.wait_for_url(re.compile("/operations/op-"))
    assert [operation.kind for operation in Operation.objects.exclude(kind="plan").order_by("number")] == [
        "install",
        "upgrade",
        "rollback",
    ]


def test_the_pages_are_accessible_and_fit(base: str, browser: Browser, signed_in: SignIn, zhaomin: User) -> None:
    app = Application.objects.get()
    for page in every_look(browser, signed_in, zhaomin, DARK_DESK):
        for path in ("upgrade?to=2.0", "revisions/1/rollback"):
            page.goto(f"{base}/environments/prod/apps/{app.slug}/{path}")
            judge(page)
