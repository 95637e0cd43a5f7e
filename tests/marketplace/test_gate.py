"""The gate: one answer, the same at acceptance and in a worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.kit.errors import Refused, Rejected
from marketplace.gate import Question, Verdict, ask, evidence, pass_or_raise

OPEN = Question(
    number="2.1",
    state="published",
    mark="test",
    visible=True,
    environment="Production",
    accepts="any",
    newest_release="2.0",
    mark_event="e1",
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"mark": "release", "accepts": "release"}, None),
        ({"accepts": "release"}, "version_not_accepted"),
        ({"visible": False}, "version_not_published"),
        ({"state": "copying"}, "version_not_published"),
        ({"state": "withdrawn", "mark": "release"}, "version_not_published"),
        ({"accepts": "release", "once_deployed": True}, None),
        ({"state": "withdrawn", "visible": False, "once_deployed": True}, None),
    ],
)
def test_what_may_be_installed_where(change: dict[str, object], code: str | None) -> None:
    question = replace(OPEN, **change)  # type: ignore[arg-type]
    verdict = ask(question)
    assert (verdict.allowed, verdict.code) == (code is None, code)
    if code is None:
        assert pass_or_raise(question) == verdict
        return
    for running, family in ((False, Refused), (True, Rejected)):
        with pytest.raises(family) as refused:
            pass_or_raise(question, running=running)
        assert refused.value.code == code


def test_a_refusal_names_the_environment_and_the_newest_release() -> None:
    with pytest.raises(Refused) as refused:
        pass_or_raise(replace(OPEN, accepts="release"))
    assert refused.value.params == {"environment": "Production", "number": "2.1", "newest_release": "2.0"}


def test_a_way_back_after_the_mark_was_taken_back_is_open_and_warns() -> None:
    assert ask(replace(OPEN, accepts="release", once_deployed=True)) == Verdict(True, warning="mark_taken_back")
    assert ask(replace(OPEN, once_deployed=True)).warning is None


def test_the_evidence_is_what_the_gate_saw() -> None:
    assert evidence(OPEN) == {"accepts": "any", "mark": "test", "mark_event": "e1"}
