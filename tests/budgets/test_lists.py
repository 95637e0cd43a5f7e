"""What many rows share is read once: lists of operations, whatever kind they are of and however they ended."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clusters.models import Application
from console.kit.among import among
from console.kit.models import uuid7
from marketplace.models import Publication
from operations.models import Operation
from teams.models import AuditEvent, Team
from tests.builders import add_member, make_team, make_user
from tests.cast import Cast
from tests.marketplace.world import deployed, install, make_place, make_template, make_version, operation_done, part

DIGEST = "sha256:" + "0" * 64


def queries_of(cast: Cast, path: str) -> int:
    """Count what one address costs the admin, as a page or as JSON."""
    client = Client()
    client.force_login(cast.admin)
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def failed(app: Application) -> Operation:
    """A deploy of an application that ended badly."""
    row = Operation.objects.create(
        enterprise=app.environment.enterprise,
        team=app.environment.team,
        kind="deploy",
        subject_type="app",
        subject_id=app.pk,
        subject={"type": "app", "name": app.name, "href": "/x"},
        deadline=timezone.now(),
        request_id="test",
    )
    Operation.objects.filter(pk=row.pk).update(state="running", started_at=timezone.now())
    ended = {"state": "failed", "finished_at": timezone.now(), "outcome_code": "deadline_passed"}
    Operation.objects.filter(pk=row.pk).update(**ended, outcome_params={"seconds": 60})
    row.refresh_from_db()
    return row


def published(app: Application, number: int, cast: Cast) -> Publication:
    """A publication whose images are copied."""
    key = uuid7()
    row = Operation.objects.create(
        enterprise=app.environment.enterprise,
        team=app.environment.team,
        kind="publish",
        input={"publication": str(key)},
        subject_type="publication",
        subject={"type": "publication", "name": "x", "href": "/x"},
        deadline=timezone.now(),
        request_id="test",
    )
    assert app.current_revision is not None
    return Publication.objects.create(
        id=key,
        application=app,
        number=number,
        revision=app.current_revision,
        template_slug="shop",
        version_number=f"1.{number}",
        operation=row,
        by=cast.admin,
    )


@pytest.mark.parametrize("path", ["/api/v1/operations", "/operations", "/teams", "/market", "/audit", "/"])
def test_a_list_costs_the_same_for_few_rows_and_many(cast: Cast, path: str) -> None:
    apps: list[Application] = []

    def grow(number: int) -> None:
        team = make_team(cast.enterprise)
        add_member(team, make_user(cast.enterprise), "viewer", "tester")
        components = [part("web", "registry.example.com/dev/web:1", DIGEST)]
        apps.append(deployed(make_place(team), components, slug=f"made-{number}"))
        failed(apps[-1])
        make_version(make_template(team), "1.0", cast.admin)
        operation_done(cast.enterprise, team=team)

    for number in range(2):
        grow(number)
        published(apps[-1], 1, cast)
    few = queries_of(cast, path)
    for number in range(2, 12):
        grow(number)
        published(apps[-1], 1, cast)
    assert queries_of(cast, path) == few


def test_a_set_that_is_read_first_holds_the_same_rows(cast: Cast) -> None:
    teams = Team.objects.filter(slug__in=["shop", "depot"])
    for team in [cast.team, cast.other_team, cast.foreign_team, None]:
        operation_done(cast.enterprise, team=team)
    rows: QuerySet[Operation] = Operation.objects.order_by("number")
    found = rows.filter(among("team", teams))
    assert list(found) == list(rows.filter(team__in=teams)) and found.count() == 2
    assert "ANY((ARRAY(" in str(found.query)
    assert not rows.filter(among("team", teams.none())).exists()


def test_the_newest_first_need_no_sorting(cast: Cast) -> None:
    """An order with NULLS LAST has no index: such a list sorts every row it could show."""
    client = Client()
    client.force_login(cast.admin)
    for path, table in (("/operations", "operation"), ("/audit", "audit_event")):
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        listed = [one["sql"] for one in queries if f'FROM "{table}"' in one["sql"] and "ORDER BY" in one["sql"]]
        assert listed and not any("NULLS LAST" in sql for sql in listed)
    assert AuditEvent._meta.get_field("at").null is False


def test_lists_are_sorted_by_what_was_counted_apart(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.admin)
    often, never = (make_version(make_template(cast.team, slug), "1.0", cast.admin) for slug in ("often", "never"))
    install(make_place(cast.team), often)
    for order, slugs in (("-installed", ["often", "never"]), ("installed", ["never", "often"])):
        shown = client.get(f"/market?sort={order}").context["page"].rows
        assert [(row.slug, row.installed_in) for row in shown] == [(slug, int(slug == "often")) for slug in slugs]
    teams = [team.slug for team in client.get("/teams?sort=-members").context["page"].rows]
    assert teams == ["shop", "depot"] and client.get("/teams?sort=members").context["page"].rows[0].slug == "depot"
    assert never.template.slug == "never"
