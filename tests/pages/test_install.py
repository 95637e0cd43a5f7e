"""Installing from the market: the cards, the form, the plan beside it, and one operation however often it is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Browser

from clusters.models import Application, Cluster, Environment
from marketplace.models import Installation, Template, Version
from operations.models import Operation
from teams.models import Team, User
from tests.builders import add_member, make_team
from tests.cast import Cast
from tests.marketplace import world
from tests.pages.conftest import LIGHT_DESK, PASSWORD, SignIn, person
from tests.pages.judging import every_look, judge
from tests.pages.test_market import client_of, text_of

VARIABLES = [
    {"name": "LOG_LEVEL", "value": "info"},
    {"name": "SMTP_PASSWORD", "secret": True},
    {"name": "SESSION_KEY", "secret": True, "generate": {"length": 20, "alphabet": "hex"}},
]
PARAMETERS: list[dict[str, Any]] = [
    {"address": "web.variables.LOG_LEVEL", "label": "Log level", "type": "choice", "choices": ["info", "debug"]},
    {"address": "web.variables.SMTP_PASSWORD", "label": "Mail password", "type": "secret", "required": True},
]


def published(template: Template, number: str, by: User, *, mark: str = "test", **fields: Any) -> Version:
    """A version with parameters to fill in."""
    component = world.part("web", "registry.example.com/dev/web:1", f"sha256:{'ab' * 32}", **fields)
    parameters = PARAMETERS if fields.get("variables") else []
    return world.make_version(template, number, by, [component], parameters=parameters, mark=mark)


@pytest.fixture
def office(cast: Cast) -> Template:
    """A template with a Release version that asks for a password, and a newer one that is Test."""
    template = world.make_template(cast.team, "back-office", name="Back office")
    published(template, "2.0", cast.developer, mark="release", variables=VARIABLES)
    published(template, "2.1", cast.developer)
    return template


def place(team: Team, slug: str, **columns: Any) -> Environment:
    """A ready environment on a cluster that answers."""
    made = world.make_place(team, slug, **columns)
    Cluster.objects.filter(pk=made.cluster_id).update(health="online")
    return made


def sent(client: Any, path: str = "/market/back-office/install", **fields: Any) -> Any:
    """Send the form as the page fills it in, with what is typed."""
    page = client.get(path).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    filled = {"app_name": "Back office", "app_slug": "back-office", "version": "2.0", "key": key[1], "do": "install"}
    return client.post(path.partition("?")[0], filled | fields)


def test_the_page_is_filled_in_with_what_is_usual(cast: Cast, office: Template) -> None:
    place(cast.team, "only")
    page = client_of(cast.delivery).get("/market/back-office/install").content.decode()
    assert re.search(r'<option value="2.0" selected>2.0 ★ Release, newest Release', page)
    assert "2.1 Test" in page
    assert re.search(r'name="app_name"[^>]*value="Back office"', page)
    assert re.search(r'name="app_slug"[^>]*value="back-office"', page)
    assert re.search(r'value="only"[^>]* checked', page), "the only place there is"
    assert page.count('type="password"') == 1, "a generated secret is not asked for"
    assert "web.variables.SMTP_PASSWORD" in page
    assert "1 component" in page and "1 image" in page


def test_an_environment_that_cannot_be_chosen_says_why(cast: Cast, office: Template) -> None:
    place(cast.team, "test-one")
    place(cast.team, "prod-one", stage="production", accepts="release", name="Production one")
    away = place(cast.team, "away")
    Cluster.objects.filter(pk=away.cluster_id).update(health="offline")
    Environment.objects.filter(pk=place(cast.team, "unready").pk).update(state="failed")
    world.install(place(cast.team, "has-it", name="Has it"), published(office, "1.0", cast.developer), slug="old")
    path = "/market/back-office/install"
    page = text_of(client_of(cast.delivery).get(path))
    assert "Already runs here: 1.0 Test" in page
    assert "Its cluster does not answer" in page
    boxes = re.findall(r'name="environments"[^>]*value="([^"]+)"', client_of(cast.delivery).get(path).content.decode())
    assert set(boxes) == {"test-one", "prod-one"}
    developer = text_of(client_of(cast.developer).get(path))
    assert "Needs one of these roles here: Team admin, Delivery" in developer
    tested = text_of(client_of(cast.delivery).get(f"{path}?version=2.1"))
    assert "Takes Release versions only; 2.1 is Test." in tested


def test_installing_starts_one_operation_however_often_it_is_sent(cast: Cast, office: Template) -> None:
    place(cast.team, "only")
    client = client_of(cast.delivery)
    fields: dict[str, Any] = {
        "environments": ["only"],
        "values_web.variables.SMTP_PASSWORD": "s3cret",
        "key": "the-same",
    }
    first, second = sent(client, **fields), sent(client, **fields)
    operation = Operation.objects.get(kind="install")
    assert first.url == second.url == f"/operations/{operation.name}"
    app = Application.objects.get(slug="back-office")
    assert (app.environment.slug, app.name) == ("only", "Back office")
    revision = app.revisions.get()
    assert revision.values["web.variables.SMTP_PASSWORD"]["origin"] == "given"
    assert "web.variables.LOG_LEVEL" not in revision.values, "the version's own value is not an override"
    assert revision.source is not None and revision.source["number"] == "2.0"


def test_two_environments_are_one_more_tick(cast: Cast, office: Template) -> None:
    place(cast.team, "one")
    place(cast.team, "two")
    answer = sent(client_of(cast.delivery), environments=["one", "two"], **{"values_web.variables.SMTP_PASSWORD": "x"})
    batch = Operation.objects.get(is_batch=True)
    assert answer.url == f"/operations/{batch.name}"
    assert Installation.objects.count() == 2


def test_what_is_refused_stands_at_its_field_and_nothing_typed_is_lost(cast: Cast, office: Template) -> None:
    environment = place(cast.team, "only")
    client = client_of(cast.delivery)
    missing = sent(client, environments=["only"], app_name="My office")
    assert missing.status_code == 422
    assert 'value="My office"' in missing.content.decode() and "Error:" in missing.content.decode()
    Application.objects.create(environment=environment, slug="taken", name="Taken", origin="made")
    taken = sent(
        client, environments=["only"], app_slug="taken", **{"values_web.variables.SMTP_PASSWORD": "still-here"}
    )
    assert taken.status_code == 409
    page = taken.content.decode()
    assert 'id="id_app_slug_error"' in page and "still-here" in page
    nowhere = sent(client, **{"values_web.variables.SMTP_PASSWORD": "x"})
    assert nowhere.status_code == 422 and "Choose at least one environment." in text_of(nowhere)
    assert not Operation.objects.filter(kind="install").exists()


def test_the_name_suggested_is_free(cast: Cast, office: Template) -> None:
    environment = place(cast.team, "only")
    Application.objects.create(environment=environment, slug="back-office", name="Other", origin="made")
    page = client_of(cast.delivery).get("/market/back-office/install").content.decode()
    assert re.search(r'name="app_slug"[^>]*value="back-office-2"', page)


def test_another_version_is_another_look_and_starts_nothing(cast: Cast, office: Template) -> None:
    place(cast.team, "only")
    client = client_of(cast.delivery)
    looked = sent(client, do="look", version="2.1", environments=["only"], app_name="Mine")
    page = looked.content.decode()
    assert looked.status_code == 200 and 'value="Mine"' in page and 'type="password"' not in page
    assert not Operation.objects.exists()


def test_the_plan_is_asked_for_and_told(cast: Cast, office: Template) -> None:
    place(cast.team, "only")
    client = client_of(cast.delivery)
    fields: dict[str, Any] = {"environments": ["only"], "values_web.variables.SMTP_PASSWORD": "x"}
    asked = sent(client, do="plan", **fields)
    operation = Operation.objects.get(kind="plan")
    assert asked.status_code == 200 and f"/operations/{operation.name}/plan" in asked.content.decode()
    assert "Asking the cluster" in text_of(asked)
    document = {
        "kind": "install",
        "app": "back-office",
        "rows": "others",
        "from": None,
        "to": {"version": "1.0", "mark": "release"},
        "gate": {"accepts": "any", "allowed": True},
        "components": [],
        "quota": {},
        "valid_until": "2126-03-02T14:02:11Z",
        "objects": {"create": 3, "change": 0, "remove": 0, "keep": 0},
        "warnings": [{"code": "older_version", "params": {}}],
        "refusals": [],
        "consents": [{"consent": "overwrite_changes", "items": ["Deployment/x:.spec"]}],
        "changed_by_hand": [{"object": "Deployment/x", "field": ".spec", "manager": "kubectl", "live": 4, "ours": 2}],
        "checked": {"cluster": "c", "at": "2026-03-02T14:02:11Z", "took_ms": 3},
    }
    world.answered(operation, document)
    told = client.get(f"/operations/{operation.name}/plan")
    words = text_of(told)
    assert "The cluster would accept it." in words and "3 new" in words
    assert "older than the one that runs here" in words and "is 4 (kubectl)" in words
    assert f'name="plan_id" value="{operation.name}"' in told.content.decode()
    assert 'name="consents" value="overwrite_changes"' in told.content.decode()
    assert "The cluster would accept it." in text_of(sent(client, do=f"see:{operation.name}", **fields))
    assert client_of(cast.neighbour).get(f"/operations/{operation.name}/plan").status_code == 404
    stale = sent(client, plan_id=operation.name, **fields)
    assert stale.status_code == 412, "it was made of other rows"


def test_who_may_deliver_nowhere_reads_why(cast: Cast, office: Template) -> None:
    place(cast.team, "only")
    page = client_of(cast.viewer).get("/market/back-office/install").content.decode()
    assert 'aria-disabled="true"' in page and "Lead" in page
    refused = sent(client_of(cast.viewer), environments=["only"], **{"values_web.variables.SMTP_PASSWORD": "x"})
    assert refused.status_code == 422 and not Operation.objects.exists()


def test_the_cards_cost_the_same_for_one_environment_and_many(cast: Cast, office: Template) -> None:
    place(cast.team, "one")
    client = client_of(cast.delivery)

    def cost() -> int:
        client.get("/market/back-office/install?env=one")
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/market/back-office/install?env=one").status_code == 200
        return len(queries)

    few = cost()
    for number in range(12):
        place(cast.team, f"more-{number}")
    assert cost() == few


# --- In a real browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def zhaomin(admin: User) -> User:
    """Somebody who delivers, two places to deliver to, and a template for it."""
    team = make_team(admin.enterprise, "prod", name="生产")
    user = person(admin.enterprise, "zhaomin", name="赵敏")
    add_member(team, user, "delivery", granted_by=admin)
    place(team, "prod-qingdao", name="生产-青岛", stage="production", accepts="release")
    place(team, "prod-shanghai", name="生产-上海", stage="production", accepts="release")
    template = world.make_template(team, "admin-console", name="后台管理系统")
    published(template, "1.0", admin, mark="release")
    published(template, "2.0", admin)
    return user


def test_from_the_market_it_takes_three_clicks(base: str, signed_in: SignIn, zhaomin: User) -> None:
    page = signed_in(zhaomin)
    page.goto(f"{base}/market")
    page.get_by_role("link", name="Install 后台管理系统").click()
    page.get_by_text("生产-青岛", exact=True).click()
    page.wait_for_selector("[data-plan-box] [data-live]")
    assert "1 component" in page.inner_text("[data-plan-box]")
    page.get_by_role("button", name="Install", exact=True).click()
    page.wait_for_url(re.compile("/operations/op-"))
    operation = Operation.objects.get(kind="install")
    assert operation.input.get("plan") is None
    assert Application.objects.get().environment.slug == "prod-qingdao"


def test_without_scripts_it_installs_too(base: str, browser: Browser, signed_in: SignIn, zhaomin: User) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = signed_in(zhaomin, PASSWORD, within=context)
    page.goto(f"{base}/market/admin-console/install?env=prod-shanghai")
    assert page.is_checked('[value="prod-shanghai"]')
    page.get_by_role("button", name="Check on the cluster first").click()
    assert page.get_by_role("button", name="Show the answer").is_visible()
    page.get_by_role("button", name="Install", exact=True).click()
    assert "/operations/op-" in page.url
    context.close()


def test_the_page_is_accessible_and_fits(base: str, browser: Browser, signed_in: SignIn, zhaomin: User) -> None:
    published(Template.objects.get(), "1.1", zhaomin, mark="release", variables=VARIABLES)
    for page in every_look(browser, signed_in, zhaomin, LIGHT_DESK):
        page.goto(f"{base}/market/admin-console/install?env=prod-shanghai")
        judge(page)
        page.locator("button[value=install]").click()
        judge(page)
