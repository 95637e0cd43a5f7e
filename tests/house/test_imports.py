"""The contracts of who may import whom, and that a breach would be seen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.house.files import ROOT

LINTER = ROOT / ".venv" / "bin" / "lint-imports"


def lint(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the linter on a folder's own contracts."""
    line = [str(LINTER), "--no-cache", *words]
    said = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(line, cwd=folder, env=said, capture_output=True, text=True, check=False)


def test_imports_go_one_way() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout


def test_a_breach_is_seen(tmp_path: Path) -> None:
    for name, text in {"lower": "import upper\n", "upper": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    said = '[tool.importlinter]\nroot_packages = ["upper", "lower"]\n[[tool.importlinter.contracts]]\nname = "x"\n'
    (tmp_path / "pyproject.toml").write_text(said + 'type = "layers"\nlayers = ["upper", "lower"]\n')
    done = lint(folder=tmp_path)
    assert done.returncode == 1
    assert "lower is not allowed to import upper" in done.stdout
