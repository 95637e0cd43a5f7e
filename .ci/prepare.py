"""Make `.venv` hold what requirements/dev.lock names, by hash. Standard library only; quick when nothing changed.

Run it with any Python from 3.11 on; the Makefile does.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "dev.lock"
STAMP = VENV / "installed"


def wanted() -> str:
    """Name the content of the lock and the Python it is installed for."""
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info.major}.{sys.version_info.minor}"


def works() -> bool:
    """Tell whether the environment's own Python runs and has pip."""
    try:
        line = [str(VENV / "bin" / "python"), "-m", "pip", "--version"]
        return subprocess.run(line, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Make or mend the environment; gives the exit status."""
    if works() and STAMP.exists() and STAMP.read_text() == wanted():
        return 0
    print("Installing the locked packages into .venv (once for each content of the lock)", flush=True)
    if not works():
        try:
            venv.create(VENV, clear=VENV.exists(), with_pip=True)
        except subprocess.CalledProcessError:
            print("This Python cannot make environments with pip. On Debian and Ubuntu: apt-get install python3-venv")
            return 1
    line = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    line += ["--no-input", "--require-hashes", "--no-deps", "-r", str(LOCK)]
    if (status := subprocess.run(line, check=False).returncode) == 0:
        STAMP.write_text(wanted())
    return status


if __name__ == "__main__":
    sys.exit(main())
