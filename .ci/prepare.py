"""Make `.venv` hold what requirements/dev.lock names, by hash. Standard library only; quick when nothing changed.

Run it with any Python from 3.11 on; the Makefile does. With `--kept` the packages are installed into the user's cache,
once for each content of the lock, and a `.venv` that is not there yet becomes a link to them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "dev.lock"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waybill" / "packages"
STAMP = "installed"


def wanted() -> str:
    """Name the content of the lock and the Python it is installed for."""
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info.major}.{sys.version_info.minor}"


def works(folder: Path) -> bool:
    """Tell whether the environment's own Python runs and has pip."""
    try:
        line = [str(folder / "bin" / "python"), "-m", "pip", "--version"]
        return subprocess.run(line, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def is_ready(folder: Path) -> bool:
    """Tell whether the environment holds what is wanted."""
    stamp = folder / STAMP
    return works(folder) and stamp.exists() and stamp.read_text() == wanted()


def install(folder: Path) -> int:
    """Make or mend the environment in `folder`; gives the exit status."""
    print(f"Installing the locked packages into {folder} (once for each content of the lock)", flush=True)
    if not works(folder):
        try:
            venv.create(folder, clear=folder.exists(), with_pip=True)
        except subprocess.CalledProcessError:
            print("This Python cannot make environments with pip. On Debian and Ubuntu: apt-get install python3-venv")
            return 1
    line = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    line += ["--no-input", "--require-hashes", "--no-deps", "-r", str(LOCK)]
    if (status := subprocess.run(line, check=False).returncode) == 0:
        (folder / STAMP).write_text(wanted())
    return status


def keep() -> int:
    """Let `.venv` be a link to the environment in the cache; gives the exit status."""
    folder = CACHE / hashlib.sha256(wanted().encode()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status = 0 if is_ready(folder) else install(folder)
    if status == 0 and VENV.resolve() != folder:
        VENV.unlink(missing_ok=True)
        VENV.symlink_to(folder)
    return status


def main() -> int:
    """Make or mend the environment; gives the exit status."""
    if "--kept" in sys.argv[1:] and (VENV.is_symlink() or not VENV.exists()):
        return keep()
    if is_ready(VENV):
        return 0
    if VENV.is_symlink():
        VENV.unlink()  # of another content of the lock; what lies in the cache stays as it is
    return install(VENV)


if __name__ == "__main__":
    sys.exit(main())
