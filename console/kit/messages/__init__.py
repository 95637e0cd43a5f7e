"""The sentences of every code, in the reader's language.

An error has two: what happened and what still holds (`title`), and what to do next (`detail`). A message of a step or
of a log line has one (`text`). Rows and answers keep code and parameters; a sentence is made when it is read.

Apps add the codes of their steps and logs with `register_messages`, and words for parameter values (roles, rights,
kinds) with `register_labels`. An unknown code is a mistake of code and raises KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from console.kit.dates import moment_text
from console.kit.messages import clusters, conflicts, fields, registries, requests, running
from console.kit.messages.sentences import Sentence
from console.kit.phrases import joined, sentences_joined

if TYPE_CHECKING:
    from django.utils.functional import Promise

_SENTENCES: dict[str, Sentence] = {
    **requests.SENTENCES,
    **conflicts.SENTENCES,
    **fields.SENTENCES,
    **clusters.SENTENCES,
    **registries.SENTENCES,
    **running.SENTENCES,
}
_VARIANTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    **requests.VARIANTS,
    **conflicts.VARIANTS,
    **fields.VARIANTS,
    **running.VARIANTS,
}
_messages: dict[str, Promise | str] = {}
_labels: dict[str, dict[str, Promise | str]] = {"cause": dict(running.CAUSES), "reason": dict(fields.REASONS)}
_FAMILIES: Mapping[str, Mapping[str, str]] = {
    "environment_not_ready": {"state": "environment_state"},
    "publication_not_ready": {"state": "publication_state"},
    "kubeconfig_refused": {"reason": "kubeconfig_reason"},
    "yaml_refused": {"limit": "yaml_limit"},
}
"""Code → parameter → the name its labels are registered under, where one word means two things."""


def register_messages(messages: Mapping[str, Promise | str]) -> None:
    """Add sentences of steps and log lines: code → one sentence with %(name)s places. A code keeps one sentence.

    Raises ValueError for a code that already has another one.
    """
    for code, sentence in messages.items():
        if _messages.setdefault(code, sentence) is not sentence and str(_messages[code]) != str(sentence):
            raise ValueError(f"message {code} has two sentences")


def register_labels(param: str, labels: Mapping[str, Promise | str]) -> None:
    """Add the words that stand for the values of parameter `param` in every sentence, such as role → its name."""
    _labels.setdefault(param, {}).update(labels)


def codes() -> frozenset[str]:
    """Give every code that has a message of one sentence."""
    return frozenset(_messages)


def lines() -> Mapping[str, Promise | str]:
    """Give every message of one sentence, by code."""
    return dict(_messages)


def labels() -> Mapping[str, Mapping[str, Promise | str]]:
    """Give the words that stand for values, by the name they are registered under."""
    return {name: dict(table) for name, table in _labels.items()}


def sentences() -> Mapping[str, Sentence]:
    """Give every sentence of an error, by code (or code and variant)."""
    return dict(_SENTENCES)


def title(code: str, params: Mapping[str, Any]) -> str:
    """Say what happened and what still holds."""
    return str(_sentence(code, params).title) % shown(params, _words_of(code, params))


def detail(code: str, params: Mapping[str, Any]) -> str:
    """Say what to do next."""
    return str(_sentence(code, params).detail) % shown(params, _words_of(code, params))


def said(code: str, params: Mapping[str, Any]) -> str:
    """Give both sentences of a code, one after the other as the reader's language has it."""
    return sentences_joined(title(code, params), detail(code, params))


def text(code: str, params: Mapping[str, Any]) -> str:
    """Give the sentence of a step's message or a log line; an error's code gives what happened."""
    if code in _messages:
        return str(_messages[code]) % shown(params)
    return title(code, params)


def cause(code: str, params: Mapping[str, Any]) -> str:
    """Give the sentence of why a component is not ready (a code of CAUSES)."""
    return str(running.CAUSE_SENTENCES[code]) % shown({"component": "", "words": "", **params})


def shown(params: Mapping[str, Any], words: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Give the parameters as a sentence shows them: labels for words, lists joined, nothing for what is absent.

    `words`: parameter → the name its labels are registered under, where that is another one.
    """
    return {name: _shown((words or {}).get(name, name), value) for name, value in params.items()}


def _words_of(code: str, params: Mapping[str, Any]) -> Mapping[str, str]:
    # One word, two meanings: `admin` of a team and of the enterprise.
    if code == "role_required" and not params.get("team"):
        return {"roles": "enterprise_roles"}
    return _FAMILIES.get(code, {})


def _sentence(code: str, params: Mapping[str, Any]) -> Sentence:
    variant = _VARIANTS[code](params) if code in _VARIANTS else ""
    return _SENTENCES[f"{code}.{variant}" if variant else code]


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        if "consent" in value:
            items = _joined([str(item) for item in value.get("items", ())])
            return _("%(what)s (%(items)s)") % {"what": _shown(name, value["consent"]), "items": items}
        return str(value.get("name") or value.get("slug") or _joined([f"{key}: {item}" for key, item in value.items()]))
    if isinstance(value, (list, tuple)):
        return _joined([str(_shown(name, item)) for item in value])
    if not isinstance(value, str):
        return value
    return _moment(value) if name == "since" else _labels.get(name, {}).get(value, value)


def _moment(value: str) -> str:
    """Give a point in time (RFC 3339) in the reader's own zone; anything else as it is."""
    at = parse_datetime(value)
    if at is None or timezone.is_naive(at):
        return value
    local = timezone.localtime(at)
    return f"{moment_text(at)} {local:%Z}"


def _joined(words: list[str]) -> str:
    return joined(words) or "–"
