"""docs/dependencies.md explains exactly the packages that the project asks for."""

from __future__ import annotations

import re

from tests.house.files import ROOT


def asked_for(name: str) -> set[str]:
    """The packages that a list in requirements/ names."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[<>=~!; ]", line)[0].lower() for line in lines if line and not line.startswith(("#", "-r"))}


def test_every_direct_dependency_is_explained_and_no_other() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    core, dev = page.split("\n## ")[1:3]
    for part, name in ((core, "core"), (dev, "dev")):
        rows = re.findall(r"^\| ([a-z0-9-]+) \| (.+) \| (.+) \| (.+) \|$", part, re.MULTILINE)
        told = {row[0] for row in rows if row[0] != "package"}
        assert told == asked_for(name)
