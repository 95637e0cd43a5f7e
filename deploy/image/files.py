"""Putting a file system together in a folder, and making a layer of it: the same files give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.local.plan import PlatformError

BUILT = 1_767_225_600
"""2026-01-01T00:00:00Z: every file says it was made then. Nothing of an image tells when or where it was built."""
CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyo")


@dataclass(frozen=True)
class Layer:
    """A layer as a file: its digest and size compressed, and the digest of what is in it."""

    path: Path
    digest: str
    size: int
    diff_id: str


class _Counted:
    """Passes bytes on and hashes them on the way."""

    def __init__(self, to: IO[bytes]) -> None:
        self._to = to
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write."""
        self.hash.update(data)
        self.size += len(data)
        return self._to.write(data)

    def flush(self) -> None:
        """Flush."""
        self._to.flush()

    @property
    def digest(self) -> str:
        """The digest of all that was written."""
        return f"sha256:{self.hash.hexdigest()}"


def pack(folder: Path, target: Path) -> Layer:
    """Make a layer of everything in a folder, owned by root; modes are kept to 'may be read' and 'may be run'."""
    with target.open("wb") as file:
        outer = _Counted(file)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=4, mtime=0, fileobj=outer) as compressed:
            inner = _Counted(compressed)  # type: ignore[arg-type]
            with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
                for path in sorted(folder.rglob("*")):
                    _add(archive, path, path.relative_to(folder).as_posix())
    return Layer(target, outer.digest, outer.size, inner.digest)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = BUILT
    if path.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        archive.addfile(entry)
    elif path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if path.stat().st_mode & 0o1000 else 0o755
        archive.addfile(entry)
    else:
        status = path.stat()
        entry.size, entry.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
        with path.open("rb") as content:
            archive.addfile(entry, content)


def put(source: Path, target: Path) -> None:
    """Copy one file; what a link leads to, not the link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def say(target: Path, text: str) -> None:
    """Write a file of our own words."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def compile_all(root: Path, *folders: str) -> None:
    """Compile the modules below `folders` of a file system: it will be read only, and starts many times.

    The compiled files name their place in the image, are believed without looking at their source's date, and come out
    the same each time: one process, in order, with a fixed seed.
    """
    line = [sys.executable, "-m", "compileall", "-q", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    line += ["-s", str(root), "-p", "/", *(str(root / folder) for folder in folders)]
    # What does not compile (templates of modules, another version's syntax) stays as source.
    subprocess.run(line, check=False, env={"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "")}, cwd=root)


def is_program(path: Path) -> bool:
    """Whether it is a program or library of this kind of machine."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(programs: Iterable[Path]) -> dict[str, Path]:
    """The libraries of this machine that programs need to start: their names, and where they lie.

    PlatformError when one of them is missing here, or this machine has no `ldd`.
    """
    told = shutil.which("ldd")
    listed = sorted(programs)
    if told is None or not listed:
        raise PlatformError("this machine has no ldd to say which libraries Python needs")
    done = subprocess.run([told, *map(str, listed)], capture_output=True, text=True, check=False)
    found: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow and rest.startswith("not found"):
            raise PlatformError(f"a library is missing on this machine: {name}")
        path = Path(rest.split(" (")[0] if arrow else name.split(" (")[0])
        if path.is_absolute() and path.is_file():
            found[name if arrow else str(path)] = path
    return found
