"""Bytes that are not what their digest names, from the source: refused, each blob and each manifest, in every way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.kit.errors import Rejected, Unreachable, WaybillError
from deploy.local.images import push_random
from marketplace.registry.pour import Pour
from tests.faults.proofs import Tally
from tests.faults.size import dice, size
from tests.marketplace.conftest import goal, name, pusher, store
from tests.marketplace.copying import Run, plain
from tests.marketplace.servers import Asked, Front, PlainPusher, Reply
from tests.marketplace.test_copy import wanted

__all__ = ["goal", "name", "pusher", "store"]
Change = Callable[[bytes], bytes]
ROLL = dice("G2")
pytestmark = pytest.mark.timeout(size(300, 3600))


def flipped(content: bytes) -> bytes:
    """One bit of one byte is another."""
    at = ROLL.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << ROLL.randrange(8))]) + content[at + 1 :]


def truncated(content: bytes) -> bytes:
    """Some bytes are missing at the end."""
    return content[: ROLL.randrange(1, len(content))]


def emptied(content: bytes) -> bytes:
    """Nothing is left."""
    return b""


def longer(content: bytes) -> bytes:
    """Some bytes more."""
    return content + ROLL.randbytes(ROLL.randrange(1, 100))


def swapped(content: bytes) -> bytes:
    """As many bytes, all others."""
    return ROLL.randbytes(len(content))


CHANGES: tuple[Change, ...] = (flipped, truncated, emptied, longer, swapped)


def lying(digest: str, change: Change, *, told: bool) -> Callable[[Asked, Callable[[], Reply]], Reply]:
    """A rule that changes what is read under one digest; `told`: the length it announces stays the true one."""

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        reply = ask()
        if asked.method == "GET" and asked.path.endswith(digest) and reply.status in (200, 206):
            length, reply.body = len(reply.body), change(reply.body)
            if told:
                reply.told_length, reply.cut, reply.body = length, True, reply.body[:length]
        return reply

    return rule


def refusal(front: Front, goal: str, name: str, digest: str, to: str) -> WaybillError | None:
    """Copy one image from the front; give what it was refused with."""
    run = Run(plain(goal), [wanted(front.address, name, digest, goal=to)])
    try:
        run.whole("1.0")
    except WaybillError as error:
        return error
    return None


@pytest.mark.proof("G2")
def test_bytes_that_are_not_what_they_are_called_are_refused(
    store: str, goal: str, pusher: PlainPusher, name: str, tally: Tally
) -> None:
    there = PlainPusher(goal)
    for again in range(size(1, 20)):
        made = push_random(pusher, name, "1", [40_000 + again, 7_000], seed=f"{name} {again}")
        blobs = [digest for digest, _ in (*made.layers, made.config)]
        for digest in (*blobs, made.digest):
            for change in CHANGES:
                for told in (False, True)[: 1 if change is longer else 2]:
                    to = f"{name}/{again}-{digest[7:15]}-{change.__name__}-{told:d}"
                    with Front(store, lying(digest, change, told=told)) as front:
                        error = refusal(front, goal, name, made.digest, to)
                    what = (digest, change.__name__, told, error and error.code)
                    short = told and change in (truncated, emptied)
                    expected = Unreachable if short and isinstance(error, Unreachable) else Rejected
                    assert isinstance(error, expected), what
                    assert isinstance(error, Unreachable) or error.code == "digest_mismatch", what
                    assert there.caller.call("HEAD", f"/v2/lib/{to}/manifests/1.0").status == 404, what
                    assert not there.has(f"lib/{to}", digest) or digest == made.digest, what
                    tally.runs()


@pytest.mark.control("G2")
def test_control_without_the_check_wrong_bytes_arrive(
    store: str, goal: str, pusher: PlainPusher, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the console's own check, a target that checks nothing takes what it is given."""
    made = push_random(pusher, name, "1", [40_000], seed=name)
    digest = made.layers[0][0]
    took: list[bytes] = []

    def credulous(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        if asked.method == "PUT" and asked.query.get("digest") == [digest]:
            took.append(asked.body)
            return Reply(201)
        return ask()

    monkeypatch.setattr(Pour, "_is_right", lambda self, told: True)
    with Front(store, lying(digest, flipped, told=False)) as source, Front(goal, credulous) as target:
        run = Run(plain(target.address), [wanted(source.address, name, made.digest, goal=name)])
        run.blobs(run.layouts())
    assert run.progress[name].finished
    assert took != [pusher.caller.call("GET", f"/v2/{name}/blobs/{digest}").body]
