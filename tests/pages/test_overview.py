"""Where people land, and what an enterprise admin sees there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deploy.local.console import Console
from operations.models import Operation
from teams import audit
from teams.models import Team, User
from tests.builders import add_member, make_team
from tests.clusters.working import make_cluster, make_environment
from tests.marketplace.world import make_template, make_version
from tests.pages.conftest import person
from tests.pages.test_clusters import CAPACITY
from tests.pages.test_pages import an_operation


def shown(user: User, path: str = "/") -> str:
    one = Client()
    one.force_login(user)
    answer = one.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def team(admin: User) -> Team:
    return make_team(admin.enterprise, "shop", name="Shop")


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        (("developer",), "/teams/shop"),
        (("admin",), "/teams/shop"),
        (("viewer",), "/teams/shop"),
        (("tester",), "/market"),
        (("delivery", "viewer"), "/market"),
        (("tester", "developer"), "/teams/shop"),
    ],
    ids=" ".join,
)
def test_people_land_where_their_work_is(admin: User, team: Team, roles: tuple[str, ...], place: str) -> None:
    one = Client()
    one.force_login(add_member(team, person(admin.enterprise, "lilei"), *roles, granted_by=admin))
    answer = one.get("/")
    assert (answer.status_code, answer["Location"]) == (302, place)
    landed = one.get(place).content.decode()
    assert 'href="/clusters"' not in landed and "Overview" not in landed.partition("</aside>")[0]


def test_a_market_admin_lands_in_the_market(admin: User) -> None:
    one = Client()
    one.force_login(person(admin.enterprise, "hanmei", enterprise_roles=["market_admin"]))
    assert one.get("/")["Location"] == "/market"


def test_people_without_a_team_are_told_who_can_add_them(admin: User) -> None:
    assert "Ask one of these people to add you to a team: 王芳." in shown(person(admin.enterprise, "loner"))


def test_the_list_of_first_steps_ticks_itself_off(admin: User) -> None:
    page = shown(admin)
    assert "0 of 4 set-up steps" in page and 'class="btn btn-primary" href="/clusters/new"' in page
    make_cluster(admin.enterprise, "one", health="online")
    page = shown(admin)
    assert "1 connected, 1 online" in page and 'class="btn btn-primary" href="/teams/new"' in page
    template = make_template(make_team(admin.enterprise, "shop", name="Shop"))
    assert 'class="btn btn-primary" href="/settings/registry"' in shown(admin)
    publishing = an_operation(admin, kind="publish", state="running")
    page = shown(admin)
    assert "王芳 is publishing" in page and f'data-events="/events/operations/{publishing.name}"' in page
    make_version(template, "1.0", admin)
    page = shown(admin)
    assert "First delivery" not in page and "data-live" in page, "the last step ends it without another visit"
    Operation.objects.update(state="succeeded", finished_at=timezone.now())
    page = shown(admin)
    assert 'data-every="5000"' in page and "data-events" not in page, "the tiles go on telling how things stand"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("cluster_check", "王芳 is checking a connection."),
        ("prepare_environment", "后台管理系统 is being prepared."),
        ("registry_test", "王芳 is testing 后台管理系统."),
    ],
)
def test_what_is_being_set_up_is_told(admin: User, kind: str, sentence: str) -> None:
    running = an_operation(admin, kind=kind, state="running")
    page = shown(admin)
    assert f'<a class="same" href="/operations/{running.name}">{sentence}</a>' in page
    assert "0 of 4 done" in page


def test_what_the_demo_still_brings_is_told_as_long_as_it_is_at_it(admin: User, settings: Any, tmp_path: Path) -> None:
    settings.WAYBILL_DATA_DIR = tmp_path
    console = Console(tmp_path, 1)
    console.is_coming("clusters")
    page = shown(admin)
    assert "The demo is building and starting" in page and 'data-every="3000"' in page
    assert "btn-primary" not in page, "nobody is sent to do what comes by itself"
    console.is_coming("road")
    assert "The demo is setting up clusters" in shown(admin)
    left = (tmp_path / "coming.json").read_text()
    console.is_coming(None)
    assert "The demo" not in shown(admin)
    (tmp_path / "coming.json").write_text(left)
    assert "The demo" not in shown(admin), "left behind by a process that was killed"
    console.is_coming("clusters")
    settings.WAYBILL_DEV = False
    assert "The demo" not in shown(admin)


def test_the_tiles_count(admin: User, team: Team) -> None:
    one = make_cluster(admin.enterprise, "one", health="online", capacity=CAPACITY)
    make_cluster(admin.enterprise, "two", health="offline")
    make_environment(team, one, "first")
    make_environment(team, one, "second", state="failed")
    template = make_template(team)
    make_version(template, "1.0", admin, mark="release")
    assert ">0</p>" in _tile(admin, "Versions awaiting a mark")
    make_version(template, "1.1", admin)
    make_version(make_template(team), "1.0", admin)
    old = an_operation(admin, state="running")
    past = timezone.now() - timedelta(hours=30)
    Operation.objects.filter(pk=old.pk).update(state="failed", started_at=past, finished_at=past)
    an_operation(admin, state="running")
    assert "1 of 2" in _tile(admin, "Clusters online") and "1 Offline" in _tile(admin, "Clusters online")
    assert "1 Ready" in _tile(admin, "Environments") and "1 Failed" in _tile(admin, "Environments")
    assert ">2</p>" in _tile(admin, "Versions awaiting a mark")
    assert "1 In progress" in _tile(admin, "Operations, 24 h") and "Failed" not in _tile(admin, "Operations, 24 h")


def _tile(admin: User, title: str) -> str:
    return shown(admin).partition(title)[2].partition("</dd>")[0]


def test_the_latest_events_are_told_and_nothing_costs_more_with_more_of_it(admin: User, team: Team) -> None:
    one = Client()
    one.force_login(admin)
    one.get("/")
    costs, page = [], ""
    for number in range(12):
        cluster = make_cluster(admin.enterprise, f"c{number}", health="online", capacity=CAPACITY)
        make_environment(team, cluster, f"e{number}")
        audit.record(
            "cluster.changed",
            acting_user=admin,
            object_type="cluster",
            object_id=cluster.pk,
            object_label=cluster.slug,
        )
        if number in (0, 11):
            with CaptureQueriesContext(connection) as queries:
                page = one.get("/").content.decode()
            costs.append(len(queries))
    assert 'Cluster changed: <a class="same text-break" href="/clusters/c11">' in page
    assert page.count("Cluster changed") == 10
    assert costs[0] == costs[1] <= 18
