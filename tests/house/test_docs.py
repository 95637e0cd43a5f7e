"""The guides say what is: links lead somewhere, settings stand with their defaults, manifests are the code's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from clusters.manifests.console import CONSOLE, console_manifests
from clusters.manifests.names import SYSTEM_NAMESPACE
from console.api import api_patterns
from console.kit.env import Environment, variable
from tests.house.files import ROOT

GUIDES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("guide", [*GUIDES, ROOT / "README.md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_guide_lead_to_files_that_are_there(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and not link.startswith("#")]
    assert [link for link in links if not (guide.parent / link.partition("#")[0]).exists()] == []


def test_every_setting_stands_in_the_guide_with_its_default() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", text, re.MULTILINE))
    known = {variable(name): field for name, field in Environment.model_fields.items()}
    assert set(rows) == set(known)
    units = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
    for name, said in rows.items():
        field = known[name]
        word = said.strip("`")
        number, _, unit = word.partition(" ")
        if field.is_required():
            assert word == "required", name
        elif isinstance(field.default, int) and not isinstance(field.default, bool):
            assert int(number) * units.get(unit, 1) == field.default, name
        elif isinstance(field.default, str):
            assert word == field.default, name


def test_the_rights_for_the_console_are_those_the_code_makes() -> None:
    documents = list(yaml.safe_load_all((ROOT / "docs/console-rights.yaml").read_text(encoding="utf-8")))
    subject = {"kind": "ServiceAccount", "name": CONSOLE, "namespace": SYSTEM_NAMESPACE}
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": CONSOLE, "namespace": SYSTEM_NAMESPACE},
    }
    system, *rest = console_manifests(subject)
    assert documents == [system, account, *rest]


def test_the_guides_name_every_address_as_it_is() -> None:
    """A path of the API in a guide is one the console has."""
    routes = {re.sub(r"<[^>]+>", "X", str(pattern.pattern)).removeprefix("api/v1") for pattern in api_patterns()}
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    named = {
        found.partition("?")[0] for found in re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) \"?(/[a-z][^\s`\"]*)", text)
    }
    shapes = [re.compile(route.replace("X", r"[^/]+") + "$") for route in routes]
    unknown = {path for path in named if not path.startswith("/events/") and not any(s.match(path) for s in shapes)}
    assert unknown == set()
