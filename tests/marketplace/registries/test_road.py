"""The road of images through registries of every shape: sign in, probe, copy, put, tag, verify, and out again."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from deploy.local.images import File, Image, layer, push_image, push_random
from marketplace.registry import probe
from marketplace.registry.auth import TokenCache
from marketplace.registry.client import Registry, clean, pull
from marketplace.registry.ends import Wanted
from tests.marketplace.copying import Run, plain
from tests.marketplace.registries.shapes import SHAPES, Make, Shape
from tests.marketplace.servers import PlainPusher

PREFIX = "one/two/three"
"""Of several segments: wherever a registry keeps what belongs together."""


def images_of(store: str, pusher: PlainPusher, name: str) -> list[Wanted]:
    """Two images of one base; one has two platforms, with a child each."""
    base = layer([File("program", secrets.token_bytes(60_000))])
    variants = [Image([base, layer([File(arch, arch.encode())])], arch=arch) for arch in ("amd64", "arm64")]
    digests = {
        "web": push_image(pusher, f"{name}/web", "1", variants),
        "db": push_image(pusher, f"{name}/db", "1", [Image([base, layer([File("db", name.encode())])])]),
    }
    return [
        Wanted(part, plain(store), f"{name}/{part}", f"{PREFIX}/{name}/{part}", digest)
        for part, digest in digests.items()
    ]


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in SHAPES.items()])
def test_images_come_in_and_go_out_again(
    make: Make, store: str, goal: str, pusher: PlainPusher, name: str, tmp_path: Path
) -> None:
    images = images_of(store, pusher, name)
    with make(goal, tmp_path) as shape:
        _probe(shape, name)
        Run(shape.place, images).whole("1.0")
        _is_there(shape, images, pusher)
        before = len(shape.front.asked)
        Run(shape.place, images).whole("1.0")
        assert {one.method for one in shape.front.asked[before:]} <= {"GET", "HEAD"}, "the second time nothing is sent"

        out = [Wanted(one.path, shape.place, one.repository, f"out/{name}/{one.path}", one.digest) for one in images]
        Run(plain(goal), out).whole("1.0")
        there = PlainPusher(goal)
        for one in out:
            assert there.manifest(one.repository, "1.0").headers["docker-content-digest"] == one.digest
        assert shape.shown(), "the registry has shown its way"


def _probe(shape: Shape, name: str) -> None:
    repository = probe.repository(f"{PREFIX}/{name}")
    with Registry(shape.place, scopes=[clean(repository)], cache=TokenCache(), own=True) as registry:
        registry.ping()
        digest = probe.push(registry, f"{PREFIX}/{name}")
        assert registry.head(repository, digest, image=name) is not None
        assert registry.head(repository, "sha256:" + "0" * 64, image=name) is None
        assert registry.delete_manifest(repository, digest)


def _is_there(shape: Shape, images: list[Wanted], pusher: PlainPusher) -> None:
    """Every byte as the source has it, under the tag and by digest."""
    with Registry(shape.place, scopes=[pull(one.repository) for one in images], cache=TokenCache()) as registry:
        for one in images:
            held = registry.manifest(one.repository, "1.0", image=one.path)
            assert (held.digest, held.raw) == (one.digest, pusher.manifest(one.source_repository, "1").body)
            for child in held.children or (held,):
                manifest = registry.manifest(one.repository, child.digest, image=one.path)
                for blob in manifest.blobs:
                    assert registry.has_blob(one.repository, blob.digest)
            assert not registry.has_blob(one.repository, "sha256:" + "0" * 64)


def test_where_nothing_can_be_mounted_each_repository_gets_its_own_copy_and_elsewhere_one_does(
    store: str, goal: str, pusher: PlainPusher, name: str, tmp_path: Path
) -> None:
    made = [push_random(pusher, f"{name}/{part}", "1", [400_000], seed=name) for part in ("a", "b")]
    images = [
        Wanted(part, plain(store), f"{name}/{part}", f"lib/{name}/{part}", one.digest)
        for part, one in zip("ab", made, strict=True)
    ]
    sent = {}
    for shape_name in ("no_mount", "relative_location"):
        with SHAPES[shape_name](goal, tmp_path) as shape:
            moved = [
                Wanted(one.path, one.source, one.source_repository, f"{shape_name}/{one.repository}", one.digest)
                for one in images
            ]
            Run(shape.place, moved).whole()
            sent[shape_name] = sum(len(one.body) for one in shape.front.asked if one.method == "PUT")
    assert 800_000 < sent["no_mount"] < 820_000
    assert 400_000 < sent["relative_location"] < 420_000
