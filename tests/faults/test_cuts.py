"""A copy whose connection is cut at every one of its requests, at the source and at the target: it comes out whole."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from console.kit.errors import Unreachable
from deploy.local.images import Random, push_random
from marketplace.registry.ends import Wanted
from marketplace.registry.pour import Pour
from tests.faults.proofs import Tally
from tests.faults.size import size
from tests.marketplace.conftest import goal, name, pusher, store
from tests.marketplace.copying import Run, plain
from tests.marketplace.servers import Front, PlainPusher, digest_of
from tests.marketplace.test_copy import wanted

__all__ = ["goal", "name", "pusher", "store"]
SIZES = [60_000, 25_000]
LARGEST = max(SIZES)
TRIES = 6
pytestmark = pytest.mark.timeout(size(300, 1800))


@dataclass
class Scissors:
    """Counts the requests of one copy over both registries, and cuts one of them: before it gets through, or after."""

    at: int = 0
    after: bool = False
    count: int = 0
    sent: int = 0
    cut: str = ""
    guard: Any = None

    def __post_init__(self) -> None:
        self.guard = threading.Lock()

    def passes(self, what: str) -> bool:
        """Count a request; false when it is the one."""
        with self.guard:
            self.count += 1
            if self.count == self.at:
                self.cut = what
            return self.count != self.at


class Cutter(Front):
    """Stands before a registry. Where its scissors say so, the connection ends without an answer."""

    def __init__(self, upstream: str, scissors: Scissors) -> None:
        super().__init__(upstream)
        self.scissors = scissors

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request, or cut."""
        length = int(handler.headers.get("Content-Length") or 0)
        if handler.command == "PUT" and "/blobs/" in handler.path:
            self.scissors.sent += length
        if self.scissors.passes(f"{handler.command} {handler.path}"):
            super().handle(handler)
            return
        if self.scissors.after:
            handler.wfile = _Nowhere()  # type: ignore[assignment]
            super().handle(handler)
        handler.close_connection = True
        with suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)


class _Nowhere:
    """Takes an answer that nobody is to hear."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""


def images(source: str, name: str, made: dict[str, Random], goal: str) -> list[Wanted]:
    return [wanted(source, f"{name}/{part}", one.digest, goal=f"{goal}/{part}") for part, one in made.items()]


def copied(store: str, goal: str, name: str, made: dict[str, Random], to: str, scissors: Scissors) -> int:
    """Copy both images, going on after a cut as an operation does; gives the number of passes it took."""
    with Cutter(store, scissors) as source, Cutter(goal, scissors) as target:
        for attempt in range(TRIES):
            run = Run(plain(target.address), images(source.address, name, made, to))
            with suppress(Unreachable):
                run.whole("1.0")
                return attempt + 1
    raise AssertionError(f"not whole after {TRIES} passes: {scissors}")


def assert_whole(goal: str, made: dict[str, Random], to: str) -> None:
    """Every tag, every manifest and every blob is there, byte for byte, read from the registry itself."""
    there = PlainPusher(goal)
    for part, one in made.items():
        held = there.manifest(f"lib/{to}/{part}", "1.0")
        assert digest_of(held.body) == one.digest
        for digest, length in (*one.layers, one.config):
            answer = there.caller.call("GET", f"/v2/lib/{to}/{part}/blobs/{digest}")
            assert answer.status == 200
            assert (len(answer.body), digest_of(answer.body)) == (length, digest)


def make(pusher: PlainPusher, name: str) -> dict[str, Random]:
    return {part: push_random(pusher, f"{name}/{part}", "1", SIZES, seed=f"{name} {part}") for part in ("web", "db")}


@pytest.mark.proof("G1")
def test_a_copy_cut_at_every_request_comes_out_whole(
    store: str, goal: str, pusher: PlainPusher, name: str, tally: Tally
) -> None:
    made = make(pusher, name)
    calm = Scissors()
    copied(store, goal, name, made, f"{name}/calm", calm)
    assert_whole(goal, made, f"{name}/calm")
    cut = set()
    for number in range(1, calm.count + 1, size(5, 1)):
        for after in (False, True):
            scissors, to = Scissors(number, after), f"{name}/{number}-{after:d}"
            copied(store, goal, name, made, to, scissors)
            assert_whole(goal, made, to)
            assert scissors.cut, f"request {number} of {calm.count}"
            assert scissors.sent - calm.sent <= LARGEST, f"more than one blob was sent again: {scissors}"
            cut.add(scissors.cut.partition(" ")[0])
            tally.runs()
    assert cut >= {"HEAD", "GET", "PUT"}


@pytest.mark.control("G1")
def test_control_a_cut_taken_for_an_answer_leaves_a_hole(
    store: str, goal: str, pusher: PlainPusher, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Believing that a blob arrived, whatever became of the connection, the registry lacks it at the end."""
    made = make(pusher, name)
    into = Pour.into

    def believing(self: Pour, *about: Any) -> None:
        with suppress(Unreachable):
            into(self, *about)

    monkeypatch.setattr(Pour, "into", believing)
    with Front(goal, lambda asked, ask: ask()) as target:
        target.handle = cutting_uploads(target)  # type: ignore[method-assign]
        run = Run(plain(target.address), images(store, name, made, name))
        run.blobs(run.layouts())
    assert all(progress.finished for progress in run.progress.values()), "it takes itself for done"
    there = PlainPusher(goal)
    assert not any(there.has(f"lib/{name}/{part}", digest) for part, one in made.items() for digest, _ in one.layers)


def cutting_uploads(front: Front) -> Any:
    """Give a way to answer that cuts every upload of a blob's bytes."""
    handle = front.handle

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.command != "PUT":
            handle(handler)
            return
        handler.close_connection = True
        with suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)

    return answer
