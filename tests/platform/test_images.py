"""The registry keeps its door; images made on the spot are what they are said to be."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tarfile
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from deploy.local.calls import Caller
from deploy.local.images import COMPONENTS, File, Image, archive, layer, pause_image, push_image, push_random
from deploy.local.plan import RegistryFacts, free_ports
from deploy.local.programs import ensure_sample
from deploy.local.registry import INDEX, MANIFEST, Registry, sha256


def test_the_registry_refuses_the_nameless_and_the_wrong_password(registry: RegistryFacts) -> None:
    anonymous = Caller("127.0.0.1", registry.port, ca_pem=registry.ca_pem, authorization=None)
    answer = anonymous.call("GET", "/v2/")
    assert answer.status == http.client.UNAUTHORIZED
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert not replace(Registry.of(registry), password="wrong").answers()


def test_the_registry_lets_both_accounts_in(registry: RegistryFacts) -> None:
    assert Registry.of(registry).answers()
    assert Registry(registry.address, registry.ca_pem, registry.pull_user, registry.pull_password).answers()


def test_the_registry_is_trusted_by_its_own_authority_only(registry: RegistryFacts, cluster: object) -> None:
    other = cluster.ca_pem  # type: ignore[attr-defined]
    assert not Registry(registry.address, other, registry.user, registry.password).answers()


def test_the_sample_is_an_index_of_two_platforms(
    registry: RegistryFacts, sample_images: dict[str, dict[str, str]]
) -> None:
    client = Registry.of(registry)
    digests = {}
    for version, references in sample_images.items():
        assert set(references) == set(COMPONENTS)
        for component, reference in references.items():
            repository, _, tag = reference.removeprefix(f"{registry.address}/").partition(":")
            answer = client.manifest(repository, tag)
            index = json.loads(answer.body)
            assert index["mediaType"] == INDEX
            assert [m["platform"]["architecture"] for m in index["manifests"]] == ["amd64", "arm64"]
            assert answer.headers["docker-content-digest"] == sha256(answer.body)
            digests[component, version] = sha256(answer.body)
    assert len(set(digests.values())) == len(digests), "every component of every version differs from all others"


def test_two_versions_share_the_layer_with_the_program(
    registry: RegistryFacts, sample_images: dict[str, dict[str, str]]
) -> None:
    assert sample_images
    client = Registry.of(registry)
    layers = []
    for version in ("1.0", "2.0"):
        index = json.loads(client.manifest("dev/web", version).body)
        manifest = json.loads(client.manifest("dev/web", index["manifests"][0]["digest"]).body)
        layers.append([entry["digest"] for entry in manifest["layers"]])
    assert layers[0][0] == layers[1][0]
    assert layers[0][1] != layers[1][1]


def test_the_same_files_make_the_same_bytes() -> None:
    files = [File("a", b"one"), File("b/c", b"two", 0o644)]
    first, second = layer(files), layer(files)
    assert first == second
    with tarfile.open(fileobj=BytesIO(first)) as archive:
        assert [(entry.name, entry.mtime, entry.uid) for entry in archive] == [("a", 0, 0), ("b/c", 0, 0)]


def test_a_single_image_is_found_by_its_digest(registry: RegistryFacts) -> None:
    image = Image(layers=[layer([File("hello", b"hello")])], entrypoint=["/hello"], port=80)
    digest = push_image(registry, "test/single", "1", [image])
    answer = Registry.of(registry).manifest("test/single", digest)
    assert answer.headers["content-type"] == MANIFEST
    assert sha256(answer.body) == digest


def test_random_images_tell_their_blobs(registry: RegistryFacts) -> None:
    made = push_random(registry, "test/random", "1", [10, 5000], seed="the same")
    assert [size for _, size in made.layers] == [10, 5000]
    assert push_random(registry, "test/random", "2", [10, 5000], seed="the same").digest == made.digest
    assert push_random(registry, "test/random", "3", [10, 5000]).digest != made.digest
    client = Registry.of(registry)
    assert all(client.has("test/random", digest) for digest, _ in [*made.layers, made.config])
    assert len(client.manifest("test/random", made.digest).body) == made.manifest_size


def test_an_image_in_a_file_names_itself_and_holds_all_it_names() -> None:
    content = archive(pause_image(b"program"), "node.local/pause:1")
    assert content == archive(pause_image(b"program"), "node.local/pause:1")
    with tarfile.open(fileobj=BytesIO(content)) as opened:
        files = {entry.name: opened.extractfile(entry).read() for entry in opened}  # type: ignore[union-attr]
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "node.local/pause:1"
    manifest = json.loads(files[f"blobs/{entry['digest'].replace(':', '/')}"])
    for named in [manifest["config"], *manifest["layers"]]:
        blob = files[f"blobs/{named['digest'].replace(':', '/')}"]
        assert (sha256(blob), len(blob)) == (named["digest"], named["size"])


@pytest.fixture
def sample() -> Path:
    """The sample program that runs on this machine."""
    machine = os.uname().machine
    return ensure_sample()["arm64" if machine == "aarch64" else "amd64"]


def test_the_sample_program_keeps_what_it_is_told_and_asks_for_the_password(sample: Path, tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    environment = {"LISTEN_PORT": port, "DATA_DIR": str(tmp_path), "DB_PASSWORD": "word"}
    with subprocess.Popen([sample, "db"], env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 10
            while subprocess.run([sample, "db", "ping"], env=environment, capture_output=True, check=False).returncode:
                assert time.monotonic() < end
            wrong = {**environment, "DB_PASSWORD": "other"}
            refused = subprocess.run([sample, "db", "ping"], env=wrong, capture_output=True, text=True, check=False)
            assert refused.returncode == 1
            assert "wrong password" in refused.stderr
        finally:
            process.terminate()
    assert process.returncode == 0
