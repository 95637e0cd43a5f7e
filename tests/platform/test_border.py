"""The local platform and the console do not know each other: they meet over HTTP alone."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.files import texts

CONSOLE = {"console", "teams", "operations", "clusters", "marketplace"}


def _imports(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module.partition(".")[0])
    return found


def test_neither_imports_the_other() -> None:
    crossing: list[Path] = []
    for path, source in texts(".py").items():
        imports = _imports(source)
        if path.parts[:2] == ("deploy", "local") and CONSOLE & imports:
            crossing.append(path)
        if path.parts[0] in CONSOLE and "deploy" in imports:
            crossing.append(path)
    assert crossing == []
    assert _imports("import a.b\nfrom c.d import e\n") == {"a", "c"}
