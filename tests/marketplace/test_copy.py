"""Copying an application between real registries: every blob once, exact bytes, resumable, with the bytes counted."""

from __future__ import annotations

import secrets
import tracemalloc

import pytest

from console.kit.errors import Rejected, Unreachable
from deploy.local.images import File, Image, layer, push_image, push_random
from deploy.local.registry import INDEX, MANIFEST, encode
from marketplace.registry.client import Registry, fallback_tag
from marketplace.registry.ends import Limits, Wanted
from marketplace.registry.layout import Layout
from tests.marketplace.copying import Run, plain
from tests.marketplace.servers import Front, Meter, PlainPusher, digest_of

MIB = 1024 * 1024


def wanted(source: str, repository: str, digest: str, *, goal: str) -> Wanted:
    return Wanted(
        path=goal, source=plain(source), source_repository=repository, repository=f"lib/{goal}", digest=digest
    )


def test_both_platforms_arrive_with_every_manifest_byte_kept(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    base = layer([File("program", secrets.token_bytes(5000))])
    images = [Image([base, layer([File(arch, arch.encode())])], arch=arch) for arch in ("amd64", "arm64")]
    digest = push_image(pusher, name, "2.0", images)
    Run(plain(goal), [wanted(store, name, digest, goal=name)]).whole("2.0")
    there, here = PlainPusher(goal), pusher
    assert there.manifest(f"lib/{name}", "2.0").body == here.manifest(name, "2.0").body
    assert there.manifest(f"lib/{name}", digest).body == here.manifest(name, digest).body
    with Registry(plain(goal)) as registry:
        index = registry.manifest(f"lib/{name}", digest, image=name)
        assert [(child.os, child.architecture) for child in index.children] == [("linux", "amd64"), ("linux", "arm64")]
        for child in index.children:
            assert there.manifest(f"lib/{name}", child.digest).body == here.manifest(name, child.digest).body


def test_each_blob_travels_once_and_the_second_time_none(
    metered_store: Meter, metered_goal: Meter, pusher: PlainPusher, name: str
) -> None:
    shared, blobs = 2 * MIB, 0
    images: list[Wanted] = []
    for part in ("web", "api", "db"):
        own = MIB + 1000 * len(images)
        made = push_random(pusher, f"{name}/{part}", "1", [shared, own], seed=f"{name} shared")
        images.append(wanted(metered_store.address, f"{name}/{part}", made.digest, goal=f"{name}/{part}"))
        blobs = blobs or shared
        blobs += own + made.config[1]
    run = Run(plain(metered_goal.address), images)
    metered_goal.reset()
    metered_store.reset()
    progress = run.whole()
    assert blobs <= metered_goal.up <= blobs * 1.02
    assert blobs <= metered_store.down <= blobs * 1.02
    assert all(one.finished and one.done == one.total for one in progress.values())
    sent = sum(one.total - one.there for one in progress.values())
    assert sent == blobs

    metered_goal.reset()
    assert run.layouts() == {}
    assert metered_goal.up < 3000


def test_what_is_there_under_its_tag_costs_one_question_an_image_and_nothing_is_said_to_the_source(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    with Front(store) as source, Front(goal) as target:
        images: list[Wanted] = []
        for part in ("web", "api", "db"):
            made = push_random(pusher, f"{name}/{part}", "1", [1000], seed=f"{name}{part}")
            images.append(wanted(source.address, f"{name}/{part}", made.digest, goal=f"{name}/{part}"))
        run = Run(plain(target.address), images)
        run.whole("1.0")
        source.asked.clear()
        target.asked.clear()
        run.whole("1.0")
        assert sorted((one.method, one.path) for one in target.asked) == sorted(
            ("GET", f"/v2/lib/{name}/{part}/manifests/1.0") for part in ("web", "api", "db")
        )
        assert source.asked == []

        # Under another number nothing is sent but the tag, from the bytes that are there.
        target.asked.clear()
        run.whole("1.1")
        sent = [one for one in target.asked if one.method not in {"GET", "HEAD"}]
        assert {(one.method, one.path.rpartition("/")[2]) for one in sent} == {("PUT", "1.1")}
        assert len(sent) == 3


def test_a_tag_that_names_another_image_is_moved_and_one_that_names_it_is_not_pushed_again(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    made = [push_random(pusher, f"{name}/{part}", "1", [1000], seed=f"{name}{part}") for part in ("a", "b", "c")]
    with Front(goal) as target:
        place = plain(target.address)
        Run(
            place,
            [
                wanted(store, f"{name}/{part}", one.digest, goal=part + name)
                for part, one in zip("ab", made[:2], strict=True)
            ],
        ).whole()
        moved = [wanted(store, f"{name}/a", made[0].digest, goal=f"a{name}")]
        moved += [wanted(store, f"{name}/c", made[2].digest, goal=f"b{name}")]
        target.asked.clear()
        Run(place, moved).whole()
        put = [one.path for one in target.asked if one.method == "PUT" and one.path.endswith("/manifests/1.0")]
        assert put == [f"/v2/lib/b{name}/manifests/1.0"]
    assert PlainPusher(goal).manifest(f"lib/b{name}", "1.0").headers["docker-content-digest"] == made[2].digest


def test_an_index_whose_child_is_gone_is_made_whole_again(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    images = [Image([layer([File(arch, arch.encode())])], arch=arch) for arch in ("amd64", "arm64")]
    digest = push_image(pusher, name, "2.0", images)
    run = Run(plain(goal), [wanted(store, name, digest, goal=name)])
    run.whole("2.0")
    with Registry(plain(goal)) as registry:
        child = registry.manifest(f"lib/{name}", digest, image=name).children[1].digest
        assert registry.delete_manifest(f"lib/{name}", child)
        assert registry.head(f"lib/{name}", child, image=name) is None
        run.whole("2.0")
        assert registry.head(f"lib/{name}", child, image=name) is not None


def test_a_shared_layer_is_sent_once_and_mounted_into_the_other_repositories(
    metered_store: Meter, metered_goal: Meter, pusher: PlainPusher, name: str
) -> None:
    first = push_random(pusher, f"{name}/web", "1", [3 * MIB], seed=name)
    second = push_random(pusher, f"{name}/api", "1", [3 * MIB, 1000], seed=name)
    images = [
        wanted(metered_store.address, f"{name}/{part}", made.digest, goal=f"{name}/{part}")
        for part, made in (("web", first), ("api", second))
    ]
    progress = Run(plain(metered_goal.address), images).whole()
    assert metered_goal.up < 3 * MIB * 1.1
    assert sum(one.there for one in progress.values()) >= 3 * MIB


def test_within_one_registry_everything_is_mounted_and_no_blob_travels(
    store: str, pusher: PlainPusher, name: str
) -> None:
    made = push_random(pusher, f"{name}/web", "1", [4 * MIB, MIB], seed=name)
    with Meter(store) as meter:
        image = wanted(meter.address, f"{name}/web", made.digest, goal=f"{name}/web")
        progress = Run(plain(meter.address), [image]).whole()
        assert meter.up < 20_000 and meter.down < 40_000
    assert progress[f"{name}/web"].there == progress[f"{name}/web"].total


def test_one_changed_layer_sends_that_layer_alone(
    store: str, metered_goal: Meter, pusher: PlainPusher, name: str
) -> None:
    old = push_random(pusher, name, "1", [3 * MIB], seed=name)
    new = push_random(pusher, name, "2", [3 * MIB, 50_000], seed=name)
    target = plain(metered_goal.address)
    Run(target, [wanted(store, name, old.digest, goal=name)]).whole("1.0")
    metered_goal.reset()
    progress = Run(target, [wanted(store, name, new.digest, goal=name)]).whole("2.0")
    assert metered_goal.up < 60_000
    assert progress[name].there == 3 * MIB


@pytest.mark.parametrize("after", [1000, 700_000, 2_500_000])
def test_a_source_that_breaks_off_is_asked_for_the_rest(
    metered_store: Meter, goal: str, pusher: PlainPusher, name: str, after: int
) -> None:
    made = push_random(pusher, name, "1", [3 * MIB], seed=name)
    run = Run(plain(goal), [wanted(metered_store.address, name, made.digest, goal=name)])
    layouts = run.layouts()
    metered_store.reset()
    metered_store.cut_down_after.append(after)
    run.blobs(layouts)
    assert run.progress[name].finished
    assert metered_store.down < 3 * MIB * 1.1, "what had arrived was not asked for again"


@pytest.mark.parametrize("after", [200, 900_000])
def test_a_target_that_breaks_off_costs_one_blob_at_most(
    store: str, metered_goal: Meter, pusher: PlainPusher, name: str, after: int
) -> None:
    made = push_random(pusher, name, "1", [2 * MIB], seed=name)
    run = Run(plain(metered_goal.address), [wanted(store, name, made.digest, goal=name)])
    layouts = run.layouts()
    metered_goal.reset()
    metered_goal.cut_up_after.append(after)
    run.blobs(layouts)
    assert run.progress[name].finished
    assert metered_goal.up < 2 * 2 * MIB * 1.1


def test_an_image_that_fails_does_not_keep_the_others_from_arriving(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    good = push_random(pusher, f"{name}/web", "1", [100_000], seed=f"{name} a")
    both = [
        wanted(store, f"{name}/web", good.digest, goal=f"{name}/web"),
        wanted(store, f"{name}/gone", "sha256:" + "0" * 64, goal=f"{name}/gone"),
    ]
    found = Run(plain(goal), both).look()
    missing = found[f"{name}/gone"]
    assert isinstance(missing, Rejected) and missing.code == "image_not_found"
    run = Run(plain(goal), both)
    run.blobs({path: layout for path, layout in found.items() if isinstance(layout, Layout)})
    assert run.progress[f"{name}/web"].finished and not run.progress[f"{name}/gone"].finished


def test_a_blob_two_images_need_comes_from_the_one_that_still_has_it(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    made = push_random(pusher, f"{name}/a", "1", [200_000], seed=name)
    push_random(pusher, f"{name}/b", "1", [200_000], seed=name)
    images = [wanted(store, f"{name}/{part}", made.digest, goal=f"{name}/{part}") for part in ("a", "b")]
    run = Run(plain(goal), images)
    layouts = run.layouts()
    gone = pusher.caller.call("DELETE", f"/v2/{name}/a/blobs/{made.layers[0][0]}")
    assert gone.status == 202
    run.blobs(layouts)
    failed = run.progress[f"{name}/a"].error
    assert failed is not None and failed.code == "image_not_found"
    assert run.progress[f"{name}/b"].finished and run.progress[f"{name}/b"].error is None


def test_a_registry_that_is_away_is_something_to_wait_for(goal: str, name: str) -> None:
    image = wanted("127.0.0.1:1", name, "sha256:" + "0" * 64, goal=name)
    found = Run(plain(goal), [image]).look()[name]
    assert isinstance(found, Unreachable)
    assert found.params == {"registry": "127.0.0.1:1", "reason": "refused"}


def test_stopping_ends_every_thread_at_once(metered_store: Meter, goal: str, pusher: PlainPusher, name: str) -> None:
    class Stop(Exception):
        pass

    made = push_random(pusher, name, "1", [8 * MIB, 8 * MIB + 1, 8 * MIB + 2], seed=name)
    run = Run(plain(goal), [wanted(metered_store.address, name, made.digest, goal=name)])
    layouts = run.layouts()
    asked = 0

    def may_write() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Stop

    run.may_write = may_write
    with pytest.raises(Stop):
        run.blobs(layouts)
    assert asked == 3


def test_memory_does_not_grow_with_the_layer(store: str, goal: str, pusher: PlainPusher, name: str) -> None:
    peaks = []
    for size in (MIB, 48 * MIB):
        made = push_random(pusher, f"{name}/{size}", "1", [size], seed=f"{name} {size}")
        run = Run(
            plain(goal), [wanted(store, f"{name}/{size}", made.digest, goal=f"{name}/{size}")], limits=Limits(1, 4)
        )
        layouts = run.layouts()
        tracemalloc.start()
        run.blobs(layouts)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert run.progress[f"{name}/{size}"].finished
    assert peaks[1] < peaks[0] * 1.1 + 200_000


def test_signatures_come_along(store: str, goal: str, pusher: PlainPusher, name: str) -> None:
    digest = push_image(pusher, name, "1", [Image([layer([File("x", b"x")])])])
    subject = {"mediaType": MANIFEST, "digest": digest, "size": len(pusher.manifest(name, digest).body)}
    config = pusher.push_blob(name, b"{}")
    signature = pusher.push_blob(name, b"signed by nobody")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.signature",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": "application/octet-stream", "digest": signature, "size": 16}],
        "subject": subject,
    }
    signed = pusher.push_manifest(name, "", manifest, MANIFEST)
    entry = {"mediaType": MANIFEST, "digest": signed, "size": len(encode(manifest)), "artifactType": "x/y"}
    listed = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    pusher.push_manifest(name, fallback_tag(digest), listed, INDEX)
    cosign = f"{fallback_tag(digest)}.sig"
    pusher.push_manifest(name, cosign, {**manifest, "subject": None} | {"annotations": {"a": "b"}}, MANIFEST)

    Run(plain(goal), [wanted(store, name, digest, goal=name)]).whole()
    there = PlainPusher(goal)
    assert there.manifest(f"lib/{name}", signed).body == encode(manifest)
    assert there.manifest(f"lib/{name}", cosign).body == pusher.manifest(name, cosign).body
    with Registry(plain(goal)) as registry:
        assert registry.referrers(f"lib/{name}", digest) == {signed: entry}
        assert registry.has_blob(f"lib/{name}", signature)
    assert digest_of(b"{}") == config
