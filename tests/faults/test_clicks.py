"""Five hundred double-clicks on *Install* are one operation, one application, one revision."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from clusters.models import Application, Revision
from marketplace.models import Installation
from operations.models import Operation
from tests.cast import Api, Cast, make_cast
from tests.clusters.working import make_cluster, make_environment
from tests.faults.clicking import AT_ONCE, CLICKS, press, without, without_key
from tests.marketplace import world

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Everyone, a released version, and a place for it on a cluster that nobody asks."""
    cast = make_cast()
    world.make_version(world.make_template(cast.team, "goods"), "1.0", cast.developer, mark="release")
    cluster = make_cluster(cast.enterprise, health="online")
    make_environment(cast.team, cluster, "place")
    return cast


def click(cast: Cast, keys: list[str], *, slug: str = "shop") -> list[Any]:
    """Press *Install* once per key, sixteen at a time, each with a client and a connection of its own."""
    wish = {"template": "goods", "environments": ["place"], "app": {"slug": slug, "name": "Shop"}}
    token = cast.api("delivery").token
    clients = [Api(cast.delivery, token) for _ in range(AT_ONCE)]
    return press(
        len(keys),
        lambda number: clients[number % AT_ONCE].post("installations", wish, headers={"Idempotency-Key": keys[number]}),
    )


def counts() -> tuple[int, int, int, int]:
    """How much was started: operations, applications, revisions, installations."""
    return (
        Operation.objects.count(),
        Application.objects.count(),
        Revision.objects.count(),
        Installation.objects.count(),
    )


@pytest.mark.proof("R6")
def test_five_hundred_double_clicks_are_one_installation(cast: Cast) -> None:
    answers = click(cast, ["the-click"] * CLICKS)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert counts() == (1, 1, 1, 1)


@pytest.mark.proof("R6")
def test_many_people_installing_under_one_name_are_one_installation_and_refusals(cast: Cast) -> None:
    answers = click(cast, [f"key-{number}" for number in range(100)])
    codes = [answer.status_code for answer in answers]
    assert (codes.count(202), codes.count(409)) == (1, 99)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"slug_taken"}
    assert counts() == (1, 1, 1, 1)


@pytest.mark.control("R6")
def test_control_without_guards_double_clicks_are_doubled(cast: Cast) -> None:
    """Without the unique key the name alone keeps the clicks apart, by refusals; without both they are many."""
    tables = ("idempotency_key", "application", "operation")
    with without_key(*tables):
        refused = [answer.status_code for answer in click(cast, ["the-click"] * AT_ONCE)]
        assert (refused.count(202), refused.count(409)) == (1, AT_ONCE - 1)
        (name, definition) = unique_name()
        with without(f"DROP INDEX {name}", definition, *tables):
            click(cast, ["the-click"] * AT_ONCE, slug="other")
            assert counts()[0] > 2


def unique_name() -> tuple[str, str]:
    """The index that holds an application's name once per environment: its own name, and how it is made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'application'")
        rows: list[tuple[str, str]] = cursor.fetchall()
    return next(row for row in rows if "UNIQUE" in row[1] and "slug" in row[1])
