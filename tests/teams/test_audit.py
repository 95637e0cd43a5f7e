"""Writing the audit trail."""

from __future__ import annotations

import pytest

from console.kit.context import RequestContext, surrounding
from teams import audit
from teams.words import WORDS
from tests.builders import make_token
from tests.cast import Cast


def test_an_event_carries_the_request_it_came_with(cast: Cast) -> None:
    token, _ = make_token(cast.admin)
    with surrounding(RequestContext("r-1234567", "203.0.113.7", token.pk)):
        event = audit.record(
            "team.renamed",
            acting_user=cast.admin,
            team=cast.team,
            object_type="team",
            object_id=cast.team.pk,
            object_label="shop",
            before={"name": "a"},
            after={"name": "b"},
            reason="why",
        )
    event.refresh_from_db()
    assert (event.request_id, event.ip, event.token) == ("r-1234567", "203.0.113.7", token)
    assert (event.enterprise, event.team, event.actor, event.result) == (cast.enterprise, cast.team, cast.admin, "done")
    assert (event.before, event.after, event.reason) == ({"name": "a"}, {"name": "b"}, "why")


def test_an_action_nobody_registered_is_a_mistake(cast: Cast) -> None:
    with pytest.raises(KeyError):
        audit.record("team.flew", acting_user=cast.admin, object_type="team", object_id="x", object_label="x")


def test_an_event_without_an_enterprise_is_a_mistake(db: None) -> None:
    with pytest.raises(ValueError, match="enterprise"):
        audit.record("keys.rotated", acting_user=None, object_type="key", object_id="x", object_label="x")


def test_secret_fields_are_shown_as_changed_only() -> None:
    before, after = audit.changes(
        {"user": "a", "password": "one", "same": 1}, {"user": "b", "password": "two", "same": 1}, secret=["password"]
    )
    assert before == {"user": "a", "password": "(changed)"}
    assert after == {"user": "b", "password": "(changed)"}


def test_every_word_has_a_label(cast: Cast) -> None:
    assert set(WORDS) <= set(audit.actions())
    for action in WORDS:
        assert audit.label(action) != action
    assert audit.label("gone.long_ago") == "gone.long_ago"
