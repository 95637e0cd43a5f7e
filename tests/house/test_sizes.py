"""Size budgets: quality lives in the tail, so the tail has a limit."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house.files import texts

FILE, FUNCTION_P95, FUNCTION, TEMPLATE_P95 = 400, 35, 80, 120


def p95(sizes: list[int]) -> int:
    """The size that 95 of 100 do not exceed; 0 for none."""
    return sorted(sizes)[max(0, -(-len(sizes) * 95 // 100) - 1)] if sizes else 0


def functions(source: str) -> dict[str, int]:
    """Each function of a module with its lines, from `def` to its last one."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None:
            found[f"{node.lineno} {node.name}"] = node.end_lineno - node.lineno + 1
    return found


def _python() -> dict[Path, str]:
    return {path: text for path, text in texts(".py").items() if "migrations" not in path.parts}


def test_no_python_file_is_longer_than_400_lines() -> None:
    sizes = {str(path): text.count("\n") for path, text in _python().items()}
    assert {path: lines for path, lines in sizes.items() if lines > FILE} == {}


def test_no_function_is_longer_than_80_lines_and_95_of_100_stay_within_35() -> None:
    sizes = {f"{path}:{name}": lines for path, text in _python().items() for name, lines in functions(text).items()}
    assert {name: lines for name, lines in sizes.items() if lines > FUNCTION} == {}
    assert p95(list(sizes.values())) <= FUNCTION_P95


def test_95_of_100_templates_stay_within_120_lines() -> None:
    sizes = [text.count("\n") for path, text in texts(".html").items() if path.parts[0] == "templates"]
    assert p95(sizes) <= TEMPLATE_P95


def test_the_measures_measure() -> None:
    assert p95(list(range(1, 101))) == 95
    assert p95([7]) == 7
    assert functions("def a():\n    x = 1\n    return x\n\nasync def b(): ...\n") == {"1 a": 3, "5 b": 1}
