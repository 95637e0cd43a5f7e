"""A reader of Chinese meets no English sentence, a reader of English no Chinese one, and both read the same facts."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from django.utils import translation

from clusters.delivery import steps as delivery
from console.dev import texts
from console.kit import messages
from console.kit.codes import CAUSES, CODES
from operations import registry, words
from operations.engine.runner import Runner
from operations.models import Step
from teams import audit
from tests.cast import Api, Cast
from tests.house.files import ROOT
from tests.house.files import texts as files

HAN = re.compile(r"[\u4e00-\u9fff]")
PLACES = re.compile(r"%%|%\(\w+\)[0-9]*[a-z]")
SAME_IN_BOTH = {"Release", "TLS"}
"""Words Rainbond's users know in Latin letters."""


def _both(say: Callable[[], str]) -> tuple[str, str]:
    with translation.override("en"):
        english = say()
    with translation.override("zh-hans"):
        chinese = say()
    return english, chinese


def _not_chinese(sayings: dict[str, Callable[[], str]]) -> list[str]:
    told = []
    for name, say in sayings.items():
        english, chinese = _both(say)
        if english not in SAME_IN_BOTH and (english == chinese or not HAN.search(chinese)):
            told.append(f"{name}: {chinese!r}")
        if HAN.search(english):
            told.append(f"{name} in English: {english!r}")
    return told


def _kinds() -> list[str]:
    """The product's kinds: other tests register runners of their own, in this process too."""
    return [kind for kind in registry.kinds() if not type(registry.runner(kind)).__module__.startswith("tests.")]


# --- Everything that is said ----------------------------------------------------------------------------------------


def test_every_refusal_is_said_in_chinese() -> None:
    sentences = messages.sentences()
    parts = {f"{name}.{n}": part for name, pair in sentences.items() for n, part in enumerate(pair)}
    assert {name.partition(".")[0] for name in sentences} == set(CODES)
    assert _not_chinese({name: part.__str__ for name, part in parts.items()}) == []


def test_every_cause_and_every_message_of_a_step_or_of_the_log_is_said_in_chinese() -> None:
    params = {"component": "web", "words": "-"}
    said: dict[str, Callable[[], str]] = {code: partial(messages.cause, code, params) for code in CAUSES}
    said |= {
        f"message {code}": sentence.__str__
        for code, sentence in messages.lines().items()
        if not code.startswith(("test_", "toy"))
    }
    assert _not_chinese(said) == []


def test_every_code_a_step_or_the_log_names_has_a_sentence() -> None:
    called = re.compile(r"\.(?:log|message|warn|skip)\(\s*\"([a-z_]+)\"")
    named = {
        code
        for path, text in files(".py").items()
        if str(path).startswith(("operations/", "clusters/", "marketplace/"))
        for code in called.findall(text)
    }
    assert len(named) > 15
    assert named - set(messages.codes()) - set(CODES) == set()


def test_every_word_for_a_value_is_said_in_chinese() -> None:
    labels = {f"{name} {value}": word for name, table in messages.labels().items() for value, word in table.items()}
    assert len(labels) > 80
    assert _not_chinese({name: word.__str__ for name, word in labels.items()}) == []


def test_every_action_of_the_audit_trail_is_said_in_chinese() -> None:
    assert _not_chinese({action: partial(audit.label, action) for action in audit.actions()}) == []


def test_every_kind_of_operation_has_words_of_its_own_in_chinese() -> None:
    for kind in _kinds():
        own = words.of_kind(kind)
        assert kind == "batch" or own is not words.OTHER, kind
        assert _not_chinese({f"{kind} {n}": word.__str__ for n, word in enumerate(own)}) == []


# --- Steps ----------------------------------------------------------------------------------------------------------


def _literals(function: Callable[..., Any], module: ModuleType) -> Iterator[str]:
    """Give the keys a function names: text it holds, and text that stands in the constants it names."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    # The first line is the docstring.
    for node in [node for line in tree.body[1:] for node in ast.walk(line)]:
        held: object = node.value if isinstance(node, ast.Constant) else None
        if isinstance(node, ast.Name):
            held = getattr(module, node.id, None)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            held = getattr(getattr(module, node.value.id, None), node.attr, None)
        for key in held if isinstance(held, tuple) else (held,):
            if isinstance(key, str) and re.fullmatch(r"[a-z_]+:?", key):
                yield key


def _keys(runner: Runner) -> set[str]:
    steps = type(runner).steps
    return set(_literals(steps, sys.modules[steps.__module__]))


def test_every_step_has_a_name_in_chinese() -> None:
    keys = {"undo", *_literals(delivery.delivery_steps, delivery)}
    for kind in _kinds():
        keys |= _keys(registry.runner(kind))
    keys -= {"components", "path", "slug"}
    assert {"address", "take_over", "component:", "namespace", "copy:", "pull:", "remove:", "prune"} <= keys
    rows = {key: Step(key=f"{key}web" if key.endswith(":") else key) for key in keys}
    assert _not_chinese({key: partial(words.step, row) for key, row in rows.items()}) == []


# --- Catalogues and sources -----------------------------------------------------------------------------------------


def test_a_translation_has_the_places_of_its_text_and_chinese_punctuation() -> None:
    told = []
    for message in texts.load("zh_Hans"):
        if not message.id:
            continue
        text, said = (each if isinstance(each, str) else (each or ("",))[-1] for each in (message.id, message.string))
        if sorted(PLACES.findall(text)) != sorted(PLACES.findall(said)):
            told.append(f"other places: {text!r}")
        if re.search(r"[\u4e00-\u9fff)][,;!?](?!\w)|[\u4e00-\u9fff][.:](?=\s|$)|[(][^)]*[\u4e00-\u9fff]", said):
            told.append(f"half-width punctuation: {said!r}")
        if re.search(r"[\u4e00-\u9fff](?:[A-Za-z0-9]|%\()|[A-Za-z0-9][\u4e00-\u9fff]", said):
            told.append(f"no space between Han and Latin: {said!r}")
    assert told == []


def test_no_template_joins_words_with_half_width_marks() -> None:
    """A comma, colon or bracket between two texts of a page stands in the catalogue: Chinese has its own."""
    told = []
    for path, text in files(".html").items():
        bare = re.sub(r"{% blocktranslate.*?endblocktranslate %}", "{% said %}", text, flags=re.DOTALL)
        found = re.findall(r"(?:\}\}|%\})(?:, |: | \()(?:\{|<)|join:.,", bare)
        told += [f"{path}: {each}" for each in found]
    assert told == []


def test_no_source_but_the_switch_of_languages_holds_a_han_character() -> None:
    apps = ("console/", "teams/", "operations/", "clusters/", "marketplace/", "templates/", "static/")
    told = [
        f"{path}: {line.strip()}"
        for path, text in files(".py", ".html", ".txt", ".js").items()
        if str(path).startswith(apps)
        for line in text.splitlines()
        if HAN.search(line.replace('lang="zh-Hans">中文<', ""))
    ]
    assert told == []
    assert (ROOT / "templates/kit/_language.html").read_text(encoding="utf-8").count("中文") == 1


# --- What a client gets ---------------------------------------------------------------------------------------------

REFUSALS = [
    ("viewer", "GET", "teams/nowhere", None, 404, "not_found"),
    ("viewer", "GET", "teams?colour=red", None, 400, "unknown_parameter"),
    ("viewer", "DELETE", "me", None, 405, "method_not_allowed"),
    ("viewer", "POST", "users", {"login": "x", "name": "X", "enterprise_roles": []}, 403, "role_required"),
    ("admin", "POST", "teams", {"name": "Shop", "slug": "shop"}, 409, "slug_taken"),
    ("admin", "POST", "teams", {"name": "N", "colour": "red"}, 400, "unknown_field"),
    ("admin", "POST", "teams", {"name": ""}, 422, "invalid"),
    ("admin", "POST", "cluster-checks", {"endpoint": "https://k8s.example"}, 400, "idempotency_key_missing"),
    ("nobody", "GET", "me", None, 401, "sign_in_required"),
]


@pytest.mark.parametrize(("person", "method", "path", "body", "status", "code"), REFUSALS)
def test_a_problem_comes_in_the_language_asked_for(
    cast: Cast, person: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    api = cast.api(person)
    said = {}
    for language in ("zh-hans", "en"):
        answer = api.call(method, path, body, headers={"Accept-Language": language})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code)
        assert answer.headers["Content-Language"] == language
        said[language] = [problem["title"], problem["detail"], *(each["detail"] for each in problem.get("errors", ()))]
    assert len(said["en"]) == len(said["zh-hans"])
    assert all(HAN.search(text) for text in said["zh-hans"])
    assert not any(HAN.search(text) for text in said["en"])


def test_the_pages_before_signing_in_come_in_the_language_asked_for(cast: Cast) -> None:
    del cast
    for language, lang, words_of_it in (("zh-hans", "zh-Hans", "登录 Waybill"), ("en", "en", "Sign in to Waybill")):
        answer = Api(None).call("GET", "/auth/sign-in", headers={"Accept-Language": language})
        page = answer.content.decode()
        assert f'<html lang="{lang}"' in page
        assert words_of_it in page
        if language == "en":
            assert not HAN.search(page.replace("中文", ""))
