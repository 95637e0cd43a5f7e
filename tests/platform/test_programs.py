"""Programs are built once for what they are made of, by one builder at a time, and never half."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local import minors
from deploy.local.authority import Authority
from deploy.local.programs import KUBERNETES, MINOR, NODE, OTHERS, Build, Recipe, built, chosen, ensure, ensure_recipe
from deploy.local.toolchain import BuildError, find
from tests.real.platform import FRESH

pytestmark = pytest.mark.usefixtures(FRESH)
MAIN = 'package main\n\nfunc main() { println("%s") }\n'


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A small program in a folder of its own, and a cache that is empty."""
    monkeypatch.setenv("GOCACHE", str(Path.home() / ".cache/go-build"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "recipes/small"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module small\n\ngo 1.26.0\n")
    (folder / "main.go").write_text(MAIN % "one")
    if find().go is None:
        pytest.skip("no Go compiler is on PATH, and one is not installed for this")
    return Recipe("small", "a small program", "no time", (Build("small"),), place=tmp_path / "recipes")


def _says(folder: Path) -> str:
    return subprocess.run([folder / "small"], capture_output=True, text=True, check=True).stderr.strip()


def test_a_program_is_built_once_for_its_sources(recipe: Recipe) -> None:
    said: list[str] = []
    assert built(recipe) is None
    first = ensure_recipe(recipe, said.append)
    assert _says(first) == "one"
    assert said[0] == "Building a small program, once, no time."
    said.clear()
    assert ensure_recipe(recipe, said.append) == first == built(recipe)
    assert said == []
    (recipe.folder / "main.go").write_text(MAIN % "two")
    second = ensure_recipe(recipe, said.append)
    assert second != first
    assert (_says(first), _says(second)) == ("one", "two")


def test_a_build_that_fails_leaves_nothing_that_looks_built(recipe: Recipe) -> None:
    (recipe.folder / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(BuildError, match="undefined: nothing"):
        ensure_recipe(recipe, lambda _: None)
    assert built(recipe) is None
    left = list((Path(os.environ["XDG_CACHE_HOME"]) / "waybill/programs").iterdir())
    assert [path.suffix for path in left] == [".lock"]


def test_two_who_need_the_same_program_build_it_once(recipe: Recipe) -> None:
    said: list[str] = []
    barrier = threading.Barrier(2)

    def need() -> Path:
        barrier.wait()
        return ensure_recipe(recipe, said.append)

    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result() for future in [pool.submit(need), pool.submit(need)])
    assert first == second
    assert sum(line.startswith("Built") for line in said) == 1


def test_programs_that_are_there_already_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("localkube", "kwok", "registry"):
        (tmp_path / name).touch()
    monkeypatch.setenv("KUBE_ASSETS", str(tmp_path))
    found = ensure(lambda _: None)
    assert (found.localkube, found.kwok, found.registry) == tuple(
        tmp_path / n for n in ("localkube", "kwok", "registry")
    )


def test_the_version_of_kubernetes_is_the_locked_one() -> None:
    assert KUBERNETES.release() == NODE.release() == "v1.36.3"


def test_the_programs_of_a_node_are_locked_with_kubernetes_and_built_apart() -> None:
    assert NODE.folder == KUBERNETES.folder
    assert NODE.key("1.26.0") != KUBERNETES.key("1.26.0")


@pytest.mark.parametrize(
    ("host", "days", "words"),
    [("localhost", 30, None), ("elsewhere.test", 30, "Hostname mismatch"), ("localhost", 1, "certificate has expired")],
)
def test_certificates_good_misnamed_and_expired(tmp_path: Path, host: str, days: int, words: str | None) -> None:
    authority = Authority.at(tmp_path, "ca")
    assert Authority.at(tmp_path, "ca").pem == authority.pem
    starts = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3)
    certificate, key = authority.issue("server", hosts=[host], starts=starts, days=days).write(tmp_path, "server")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cadata=authority.pem)
    left, right = socket.socketpair()
    left.settimeout(10)
    right.settimeout(10)

    def serve() -> None:
        try:
            serving.wrap_socket(left, server_side=True).close()
        except OSError:
            left.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        if words is None:
            trusting.wrap_socket(right, server_hostname="localhost").close()
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match=words):
                trusting.wrap_socket(right, server_hostname="localhost")
    finally:
        right.close()
        server.join()


def test_another_minor_of_kubernetes_is_chosen_by_name_and_has_played_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MINOR, raising=False)
    assert chosen() is None
    for minor, recipe in OTHERS.items():
        monkeypatch.setenv(MINOR, minor)
        assert chosen() is recipe
        assert (recipe.release() or "").startswith(f"v{minor}."), "what is built is what is named"
        assert "sigs.k8s.io/kwok" not in (recipe.folder / "go.mod").read_text()
        assert (recipe.folder / "main.go").read_text() == (KUBERNETES.folder / "main.go").read_text()
        with pytest.raises(BuildError, match="played"):
            chosen(node=True)
    monkeypatch.setenv(MINOR, minors.usual())
    assert chosen(node=True) is None
    monkeypatch.setenv(MINOR, "1.2")
    with pytest.raises(BuildError, match=r"1\.34, 1\.36, 1\.37"):
        chosen()
