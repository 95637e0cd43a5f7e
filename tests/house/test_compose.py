"""docker-compose.yml against what it names: settings that exist, secrets that are made, files that are there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml
from cryptography import x509

from console.kit import env
from deploy.compose.prepare import REGISTRY_USER, prepare
from tests.house.files import ROOT


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "made"
    prepare(folder)
    return folder


def test_the_console_starts_with_exactly_what_compose_gives_it(compose: dict[str, Any], made: Path) -> None:
    for name in ("web", "streams", "worker", "migrate"):
        said = {
            key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value).replace("/run/secrets", str(made))
            for key, value in compose["services"][name]["environment"].items()
        }
        read = env.read(said)
        assert read.public_url == "http://127.0.0.1:8080"
        subnet = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"]
        assert [str(network) for network in read.trusted_proxies] == [subnet]


def test_every_secret_and_file_it_mounts_is_made_or_committed(compose: dict[str, Any], made: Path) -> None:
    secrets = {name: ROOT / said["file"] for name, said in compose["secrets"].items()}
    for path in secrets.values():
        assert (made / path.name).is_file(), path
    for name, service in compose["services"].items():
        assert set(service.get("secrets", [])) <= set(secrets), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./deploy/compose/made/"):
                assert (made / Path(source).name).is_file(), source
            elif source.startswith("."):
                assert (ROOT / source).is_file(), source
            else:
                assert source in compose["volumes"], source


def test_what_is_made_is_kept_closed_and_true(made: Path) -> None:
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    prepare(made)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before
    assert made.stat().st_mode & 0o077 == 0
    user, _, hashed = (made / "registry_htpasswd").read_text().strip().partition(":")
    assert user == REGISTRY_USER
    assert bcrypt.checkpw((made / "registry_password").read_bytes(), hashed.encode())
    authority = x509.load_pem_x509_certificate((made / "registry-ca.crt").read_bytes())
    x509.load_pem_x509_certificate((made / "registry.crt").read_bytes()).verify_directly_issued_by(authority)


def test_the_modules_that_containers_run_are_there(compose: dict[str, Any]) -> None:
    words = " ".join(str(service.get("command", "")) for service in compose["services"].values())
    words += (ROOT / "Dockerfile").read_text(encoding="utf-8")
    modules = set(re.findall(r"\bconsole\.(\w+)", words))
    assert {"gunicorn", "wsgi", "asgi", "probe"} <= modules
    for module in modules:
        assert (ROOT / "console" / f"{module}.py").is_file(), module


@pytest.mark.skipif(shutil.which("docker") is None, reason="no Docker client")
def test_docker_compose_itself_accepts_the_file(made: Path) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the Docker client here has no compose command")
    line = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "--profile", "demo", "config", "--quiet"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
