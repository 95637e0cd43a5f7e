"""Claiming: fair across teams, capped per team and cluster, and never what is not due."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from operations.engine import claim as claims
from operations.engine.claim import claim
from operations.engine.lease import free
from operations.models import Fence, Operation
from teams.models import Team
from tests.operations import toy
from tests.operations.people import Shop, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> Shop:
    """An enterprise."""
    return make_shop()


def take(count: int = 1, *, urgent: bool = False, **caps: int) -> list[str]:
    """Claim up to `count` operations and give their names in order."""
    limits = {"per_cluster": 4, "per_team": 8, **caps}
    found = [claim("worker", urgent=urgent, **limits) for _ in range(count)]
    return [claimed.operation.name for claimed in found if claimed is not None]


def begin(shop: Shop, team: Team | None = None, **options: Any) -> Operation:
    return toy.begin(shop.enterprise, shop.user, team or shop.team, **options)


def other_team(shop: Shop, slug: str) -> Team:
    team: Team = Team.objects.create(enterprise=shop.enterprise, slug=slug, name=slug.title())
    return team


def test_teams_take_turns_however_much_one_has_queued(shop: Shop) -> None:
    busy = [begin(shop) for _ in range(5)]
    quiet = [begin(shop, team) for team in (other_team(shop, "quiet"), other_team(shop, "calm"))]
    assert take(4) == [busy[0].name, quiet[0].name, quiet[1].name, busy[1].name]


def test_a_team_has_a_cap_and_others_go_on(shop: Shop) -> None:
    mine = [begin(shop) for _ in range(4)]
    theirs = begin(shop, other_team(shop, "quiet"))
    assert set(take(9, per_team=3)) == {*(operation.name for operation in mine[:3]), theirs.name}


def test_a_cluster_has_a_cap_and_others_go_on(shop: Shop) -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    on_one = [begin(shop, cluster_id=one) for _ in range(6)]
    on_two = begin(shop, cluster_id=two)
    on_none = begin(shop)
    names = {*(operation.name for operation in on_one[:4]), on_two.name, on_none.name}
    assert set(take(9)) == names


def test_control_without_counting_nobody_is_capped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.faults import unguarded

    monkeypatch.setattr(claims, "CLAIM", claims.CLAIM)
    unguarded.caps()
    for _ in range(6):
        begin(shop, cluster_id=uuid.UUID(int=1))
    assert len(take(9)) == 6


def test_what_must_end_passes_the_caps(shop: Shop) -> None:
    rows = [begin(shop) for _ in range(3)]
    assert len(take(9, per_team=1)) == 1
    Operation.objects.filter(pk=rows[1].pk).update(cancel_requested_at=timezone.now())
    Operation.objects.filter(pk=rows[2].pk).update(deadline=timezone.now() - timedelta(seconds=1))
    assert take(9, per_team=1) == []
    assert take(9, per_team=1, urgent=True) == [rows[1].name, rows[2].name]


def test_what_is_not_due_is_left(shop: Shop) -> None:
    later = begin(shop)
    Operation.objects.filter(pk=later.pk).update(not_before=timezone.now() + timedelta(seconds=60))
    begin(shop, kind="batch", is_batch=True)
    held = begin(shop)
    assert take() == [held.name]
    assert take() == []


def test_a_kind_without_a_runner_here_is_left_to_others(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations import registry

    begin(shop)
    monkeypatch.setattr(registry, "kinds", lambda: ("else",))
    assert take() == []


def test_a_lease_that_ran_out_counts_and_changes_the_key_and_a_freed_one_does_not(shop: Shop) -> None:
    place = uuid.uuid4()
    operation = begin(shop, environment_id=place)
    first = claim("one", per_cluster=4, per_team=8)
    assert first is not None
    assert (first.lease.epoch, first.lease.generation, first.crashed) == (1, 1, False)
    assert free(first.lease) is True
    assert free(first.lease) is False
    second = claim("two", per_cluster=4, per_team=8)
    assert second is not None
    assert (second.lease.epoch, second.lease.generation, second.crashed) == (2, 1, False)
    assert take() == []
    for crash in (1, 2):
        Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        late = claim("three", per_cluster=4, per_team=8)
        assert late is not None
        assert (late.lease.epoch, late.lease.generation, late.crashed) == (2 + crash, 1 + crash, True)
        assert late.operation.attempts == crash
    assert Fence.objects.get(environment_id=place).generation == 3
