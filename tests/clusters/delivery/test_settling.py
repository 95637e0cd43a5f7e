"""A cluster that knows for a moment less than it holds: the environment's key is refused, and soon no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from clusters.delivery import fence
from clusters.kube.errors import CredentialsRefused, Forbidden
from operations import registry
from operations.engine.claim import claim
from operations.engine.work import Work
from tests.clusters.delivery.house import House, begin, make_app, part


@pytest.fixture
def work(house: House) -> Work:
    """An operation under way in this thread."""
    operation = begin(house, make_app(house), [part("web")])
    claimed = claim("this thread", per_cluster=9, per_team=9)
    assert claimed is not None and claimed.operation.pk == operation.pk
    return Work(claimed.operation, claimed.lease, registry.runner(operation.kind))


def refused(*errors: Exception) -> Callable[[], str]:
    """Something that a cluster refuses so often before it does it."""
    left: Iterator[Exception] = iter(errors)

    def act() -> str:
        for error in left:
            raise error
        return "done"

    return act


def test_a_key_that_was_refused_is_tried_again(house: House, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "AGAIN", 0.05)
    errors = [Forbidden("list", "pods"), CredentialsRefused("here"), Forbidden("list", "pods")]
    assert fence.with_key(work, house.environment, refused(*errors)) == "done"


def test_a_key_that_stays_refused_is_told_so(house: House, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "AGAIN", 0.05)
    monkeypatch.setattr(fence, "SETTLES", 0.3)
    with pytest.raises(Forbidden):
        fence.with_key(work, house.environment, refused(*[Forbidden("list", "pods")] * 1000))
