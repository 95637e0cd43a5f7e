"""Every code has its sentences, and every sentence can be said."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from console.kit import messages
from console.kit.codes import CAUSES, CODES
from console.kit.messages import running

PLACES = re.compile(r"%\((\w+)\)s")
BASES = {name: name.partition(".")[0] for name in messages.sentences()}


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_two_sentences_that_take_its_parameters(code: str) -> None:
    params = dict.fromkeys(CODES[code].params, "x")
    for say in (messages.title, messages.detail):
        text = say(code, params)
        assert text
        assert text[-1] in ".?!x–"
        assert not PLACES.search(text)
        assert "%" not in text.replace("x %", "")


@pytest.mark.parametrize("name", sorted(messages.sentences()))
def test_a_sentence_belongs_to_a_code_and_knows_only_its_parameters(name: str) -> None:
    assert BASES[name] in CODES
    for part in messages.sentences()[name]:
        assert set(PLACES.findall(str(part))) <= set(CODES[BASES[name]].params)


def test_every_parameter_is_said_or_shown_elsewhere() -> None:
    """A parameter that no sentence says is one that the answer itself shows."""
    shown = {("not_ready", "words"), ("image_unsupported", "media_type")}
    for code, row in CODES.items():
        said = {
            place
            for name, base in BASES.items()
            if base == code
            for part in messages.sentences()[name]
            for place in PLACES.findall(str(part))
        }
        missing = {(code, param) for param in row.params if param not in said} - shown
        assert not missing


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_has_its_words_and_its_sentence(cause: str) -> None:
    assert cause in running.CAUSES
    assert "web" in messages.cause(cause, {"component": "web", "words": "why"})


def test_a_missing_role_in_the_enterprise_names_no_team() -> None:
    text = messages.title("role_required", {"right": "manage_users", "team": None, "roles": ["admin"], "who": []})
    assert text == "“Manage users” needs one of these roles in the enterprise: Enterprise admin. Nothing was changed."


def test_values_are_shown_as_people_read_them() -> None:
    shown = messages.shown({"roles": ["tester", "delivery"], "who": [], "x": None, "n": 5, "o": {"name": "web"}})
    assert shown == {"roles": "Tester, Delivery", "who": "–", "x": "–", "n": 5, "o": "web"}


def test_an_unknown_code_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        messages.title("no_such_code", {})
    with pytest.raises(KeyError):
        messages.text("no_such_code", {})


def test_a_message_of_one_sentence() -> None:
    messages.register_messages({"test_only_message": "%(node)s pulls"})
    messages.register_messages({"test_only_message": "%(node)s pulls"})
    assert messages.text("test_only_message", {"node": "n1"}) == "n1 pulls"
    assert messages.text("last_admin", {}) == messages.title("last_admin", {})
    with pytest.raises(ValueError, match="two sentences"):
        messages.register_messages({"test_only_message": "something else"})
    messages._messages.pop("test_only_message")


def test_sentences_are_made_in_the_readers_language() -> None:
    with translation.override("zh-hans"):
        assert messages.title("last_admin", {})
