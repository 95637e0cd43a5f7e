"""Building: three layers for the console, from what seldom changes to what always does; one for a trial's servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy.image import layout, parts
from deploy.image.files import Layer, pack
from deploy.image.layout import Process

CONSOLE, SERVERS = "waybill", "waybill-servers"
WEB = ["python", "-m", "gunicorn", "-c", "python:console.gunicorn", "console.wsgi:application"]
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "console.settings",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
Part = Callable[[Path], None]
Say = Callable[[str], None]


def build(out: Path, *, servers: bool = False, say: Say = print) -> dict[str, str]:
    """Write the images to a layout; gives the digest of each by its name. PlatformError when something is missing here.

    `servers` adds the image of PostgreSQL and Valkey that a trial on a local cluster runs.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="waybill-image-") as scratch:
        work = Path(scratch)
        base = made(work, "Python", parts.base, say)
        console = [base, made(work, "packages", parts.packages, say), made(work, "console", parts.application, say)]
        process = Process(WEB, folder="/app", environment=ENVIRONMENT, ports=(8000, 8001))
        digests = {CONSOLE: layout.write(out, CONSOLE, process, console)}
        if servers:
            layer = made(work, "servers", parts.servers, say)
            line = ["python", f"/{parts.SERVERS}/serve.py", "postgres"]
            digests[SERVERS] = layout.write(out, SERVERS, Process(line, ports=(5432, 6379)), [base, layer])
    return digests


def made(work: Path, name: str, part: Part, say: Say) -> Layer:
    """Put one part together and pack it."""
    root = work / name
    root.mkdir()
    part(root)
    layer = pack(root, work / f"{name}.tar.gz")
    shutil.rmtree(root)
    say(f"{name}: {layer.size / 1e6:.1f} MB, {layer.digest}")
    return layer
