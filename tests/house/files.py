"""The files of the house, as its tests look at them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_MADE = {".git", ".venv", ".waybill", "staticfiles", "__pycache__", "node_modules", "test-results"}
_MADE |= {".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or would be committed; without git, every file that no tool made."""
    line = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        told = subprocess.run(line, capture_output=True, check=True).stdout.decode().split("\0")
        found = [ROOT / name for name in told if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in ROOT.rglob("*") if not _MADE.intersection(path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in found if path.is_file()))


def texts(*suffixes: str) -> dict[Path, str]:
    """The files that are text (those with `suffixes`, or all), by their path in the house."""
    found = {}
    for path in files():
        if suffixes and path.suffix not in suffixes:
            continue
        try:
            found[path.relative_to(ROOT)] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found
