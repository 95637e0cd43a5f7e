"""The list of operations and each one's own page: what they are about, how long they take, what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from operations.actions.enqueue import Subject, enqueue
from operations.eta import seconds_left
from operations.models import Operation
from tests.cast import Cast, make_cast
from tests.clusters.working import make_cluster, make_environment
from tests.pages.conftest import DARK_DESK, PASSWORD, SignIn
from tests.pages.judging import every_look, judge


def _work(
    cast: Cast,
    *,
    name: str = "Shop",
    kind: str = "sync_environment",
    what: Mapping[str, Any] | None = None,
    **columns: object,
) -> Operation:
    """Make an operation on the team, started by its developer, of `what` besides, with these columns."""
    with transaction.atomic():
        row = enqueue(
            kind=kind,
            subject=Subject(type="team", id=cast.team.pk, name=name, href="/api/v1/teams/shop"),
            enterprise=cast.enterprise,
            initiator=cast.developer,
            team=cast.team,
            deadline_seconds=3600,
            **(what or {}),
        )
    Operation.objects.filter(pk=row.pk).update(state="running")
    Operation.objects.filter(pk=row.pk).update(**columns)
    return Operation.objects.get(pk=row.pk)


def _as(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_the_list_is_narrowed_by_name_kind_state_and_person_and_says_so_in_its_links(cast: Cast) -> None:
    _work(cast, name="Alpha")
    _work(cast, name="Beta", state="failed", finished_at=timezone.now())
    client = _as(cast.viewer)
    for query, shown, hidden in (
        ("q=alph", "Alpha", "Beta"),
        ("state=active", "Alpha", "Beta"),
        ("state=failed&kind=sync_environment", "Beta", "Alpha"),
    ):
        page = client.get(f"/operations?{query}").content.decode()
        assert shown in page and hidden not in page, query
    page = client.get("/operations?q=alph&mine=true").content.decode()
    assert "No operation matches" in page and "Clear filters" in page
    assert 'value="alph"' in page
    assert "Alpha" in _as(cast.developer).get("/operations?mine=true").content.decode()


def test_the_page_leads_to_what_the_work_is_about_and_says_how_much_was_changed(cast: Cast) -> None:
    now = timezone.now()
    row = _work(
        cast, state="failed", changed="part", started_at=now - timedelta(seconds=65), finished_at=now,
        outcome_code="deadline_passed", outcome_params={"seconds": 60},
    )  # fmt: skip
    page = _as(cast.lead).get(f"/operations/{row.name}").content.decode()
    assert '<a href="/teams/shop">Shop</a>' in page
    assert "Part of it was changed." in page
    assert "1 min 05 s" in page


def test_what_a_person_may_not_do_to_it_says_who_may(cast: Cast) -> None:
    row = _work(cast, state="failed", finished_at=timezone.now())
    page = _as(cast.viewer).get(f"/operations/{row.name}").content.decode()
    assert 'aria-disabled="true"' in page
    assert "Admin" in page.partition('id="retry-why"')[2]
    assert 'id="retry"' not in page


def test_the_parts_of_a_batch_are_told_apart_by_their_environments(cast: Cast) -> None:
    batch = _work(cast, what={"is_batch": True})
    for slug in ("one", "two"):
        place = make_environment(cast.team, make_cluster(cast.enterprise, slug), slug, name=f"Place {slug}")
        _work(cast, name="Alike", what={"parent": batch, "environment_id": place.pk})
    page = " ".join(_as(cast.viewer).get(f"/operations/{batch.name}").content.decode().split())
    assert page.count("Alike</a>") == 2
    assert "<p>Place one, " in page and "<p>Place two, " in page


def test_plans_are_no_work_to_list_alone_or_for_several_environments(cast: Cast) -> None:
    _work(cast, name="Alone", kind="plan")
    _work(cast, name="Both", kind="batch", what={"is_batch": True, "input": {"kind": "plan"}})
    _work(cast, name="Done", kind="batch", what={"is_batch": True, "input": {"kind": "install"}})
    page = _as(cast.viewer).get("/operations").content.decode()
    assert "Done" in page.partition("<tbody>")[2] and "Both" not in page and "Alone" not in page


def test_nothing_is_estimated_before_the_pace_says_something() -> None:
    assert seconds_left(elapsed=9, done=50, total=100, unit="bytes") is None
    assert seconds_left(elapsed=60, done=4, total=100, unit="bytes") is None
    assert seconds_left(elapsed=60, done=0, total=0, unit="bytes") is None
    assert seconds_left(elapsed=60, done=100, total=100, unit="bytes") is None
    assert seconds_left(elapsed=60, done=2, total=5, unit="components") is None
    assert seconds_left(elapsed=60, done=50, total=100, unit="bytes") == 60
    assert seconds_left(elapsed=60, done=5, total=20, unit="components") == 180


@pytest.mark.parametrize(("done", "words"), [(25, "about 3 min left"), (90, "less than a minute left"), (2, "")])
def test_the_page_tells_how_long_it_will_take_about(cast: Cast, done: int, words: str) -> None:
    began = timezone.now() - timedelta(seconds=60)
    row = _work(cast, state="running", started_at=began, done=done, total=100, unit="bytes")
    page = _as(cast.lead).get(f"/operations/{row.name}").content.decode()
    assert ("data-left" in page) is bool(words)
    assert words in page


def test_what_it_waits_for_fits_every_window(base: str, browser: Browser, signed_in: SignIn) -> None:
    cast = make_cast()
    cast.viewer.set_password(PASSWORD)
    cast.viewer.save()
    name = "阿里云-青岛的第二个很长的名字"
    away = {"kind": "cluster", "name": name, "since": "2026-03-02T14:02:05Z", "tries": 2}
    row = _work(cast, state="waiting", waiting_for=away)
    for page in every_look(browser, signed_in, cast.viewer, DARK_DESK):
        page.goto(f"{base}/operations/{row.name}")
        assert name in page.locator("[data-part=progress] .chip").inner_text()
        judge(page)
