"""Registries as they differ in the field: a real one each, where need be with something before it that has its ways."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from marketplace.registry.wire import Place
from tests.marketplace.copying import plain
from tests.marketplace.registries.tokens import TokenServer, token_registry
from tests.marketplace.servers import Asked, Front, Reply, Rule, running_registry

UPLOADS = "/blobs/uploads/"
Ask = Callable[[], Reply]


@dataclass
class Shape:
    """A registry, the account for it, what stands before it, and whether its way has shown itself."""

    place: Place
    front: Front
    shown: Callable[[], bool]


Make = Callable[[str, Path], contextlib.AbstractContextManager[Shape]]


@contextlib.contextmanager
def tokens(_: str, folder: Path) -> Iterator[Shape]:
    """Asks for a token of a token server and checks its signature and scopes itself."""
    with TokenServer() as server, token_registry(folder, server) as front:
        yield Shape(plain(front.address, "ci", "secret"), front, lambda: len(server.ends) > 0)


@contextlib.contextmanager
def basic(_: str, folder: Path) -> Iterator[Shape]:
    """Asks for a name and a password with each request."""
    with (
        running_registry(folder, account=("ci", "secret")) as address,
        Front(address, hands_on=True) as front,
    ):

        def shown() -> bool:
            return any(one.headers.get("Authorization", "").startswith("Basic ") for one in front.asked)

        yield Shape(plain(front.address, "ci", "secret"), front, shown)


@contextlib.contextmanager
def _ruled(rule: Rule, goal: str, _: Path) -> Iterator[Shape]:
    times = 0

    def counted(asked: Asked, ask: Ask) -> Reply:
        nonlocal times
        was = False

        def asking() -> Reply:
            nonlocal was
            was = True
            return ask()

        reply = rule(asked, asking)
        times += not was or reply.header("X-Bent") != ""
        return reply

    with Front(goal, counted) as front:
        yield Shape(plain(front.address), front, lambda: times > 0)


def _bent(reply: Reply, **headers: str) -> Reply:
    """Change headers of an answer, and mark it as changed."""
    new = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    kept = [(name, value) for name, value in reply.headers if name.lower() not in new]
    reply.headers = [*kept, *new.items(), ("X-Bent", "1")]
    return reply


@contextlib.contextmanager
def no_mount(goal: str, _: Path) -> Iterator[Shape]:
    """Answers a mount with an upload, as registries do that cannot mount."""
    mounts: list[str] = []

    def rule(asked: Asked, ask: Ask) -> Reply:
        if "mount" in asked.query:
            mounts.append(asked.path)
            return front.ask(asked.path, asked)
        return ask()

    with Front(goal, rule) as front:
        yield Shape(plain(front.address), front, lambda: len(mounts) > 0)


def mount_refused(asked: Asked, ask: Ask) -> Reply:
    """Refuses to hear of mounting."""
    return Reply(405, body=b'{"errors":[{"code":"UNSUPPORTED"}]}') if "mount" in asked.query else ask()


def no_head(asked: Asked, ask: Ask) -> Reply:
    """Knows no HEAD."""
    return Reply(405) if asked.method == "HEAD" else ask()


def relative_location(asked: Asked, ask: Ask) -> Reply:
    """Names an upload by its path alone, relative to where it was asked for."""
    reply = ask()
    location = reply.header("Location")
    if asked.method == "POST" and UPLOADS in location:
        return _bent(reply, location=location.partition(UPLOADS)[2])
    return reply


def absolute_location(asked: Asked, ask: Ask) -> Reply:
    """Names an upload by a host that only it knows, as registries do behind a proxy."""
    reply = ask()
    location = reply.header("Location")
    if asked.method == "POST" and UPLOADS in location:
        path = "/" + location.split("/", 3)[3]
        return _bent(reply, location=f"http://registry.inside.invalid:5000{path}")
    return reply


class Busy:
    """Answers every fourth request with one of the ways to say "not now", in turn; each blob's bytes but once."""

    def __init__(self) -> None:
        self.count = 0
        self._sent_away: set[str] = set()

    def __call__(self, asked: Asked, ask: Ask) -> Reply:
        self.count += 1
        blob = "".join(asked.query.get("digest", []))
        if self.count % 4 or blob in self._sent_away:
            return ask()
        self._sent_away |= {blob} - {""}
        now = email.utils.formatdate(time.time(), usegmt=True)
        return (
            Reply(429, [("Retry-After", "0")]),
            Reply(429, [("Retry-After", now)]),
            Reply(503, [("Retry-After", "0")]),
            Reply(503),
        )[self.count // 4 % 4]


@contextlib.contextmanager
def busy(goal: str, folder: Path) -> Iterator[Shape]:
    """Asks to be left alone now and then, in each of the ways there are."""
    with _ruled(Busy(), goal, folder) as shape:
        yield shape


@contextlib.contextmanager
def redirecting(goal: str, folder: Path) -> Iterator[Shape]:
    """Has its blobs at another host, three hops away, behind signed addresses; knows its accounts."""
    with running_registry(folder, account=("ci", "secret")) as address:

        def shelf_rule(asked: Asked, ask: Ask) -> Reply:
            if asked.query.get("signature") != ["a/b+c="]:
                return Reply(403)
            hop = int(asked.query["hop"][0])
            if hop < 3:
                return Reply(302, [("Location", f"{asked.path}?signature=a%2Fb%2Bc%3D&hop={hop + 1}")])
            return _fetched(address, asked)

        def rule(asked: Asked, ask: Ask) -> Reply:
            reply = ask()
            if asked.method == "GET" and "/blobs/" in asked.path and reply.status == 200:
                port = shelf.address.partition(":")[2]
                where = f"http://localhost:{port}{asked.path}?signature=a%2Fb%2Bc%3D&hop=1"
                return Reply(307, [("Location", where)])
            return reply

        with Front(address, shelf_rule) as shelf, Front(address, rule, hands_on=True) as front:

            def shown() -> bool:
                told = [name.lower() for one in shelf.asked for name in one.headers]
                return len(shelf.asked) >= 3 and "authorization" not in told

            yield Shape(plain(front.address, "ci", "secret"), front, shown)


def _fetched(address: str, asked: Asked) -> Reply:
    """What the store behind a registry gives to who has a signed address: no account is needed."""
    pusher = http.client.HTTPConnection(address, timeout=30)
    try:
        pusher.request("GET", asked.path, headers={"Authorization": "Basic Y2k6c2VjcmV0"})
        response = pusher.getresponse()
        return Reply(response.status, response.getheaders(), response.read())
    finally:
        pusher.close()


def lying_heads(asked: Asked, ask: Ask) -> Reply:
    """Tells the digest and the length of something else whenever it is asked for no more than that."""
    reply = ask()
    if asked.method == "HEAD" and reply.status == 200:
        return _bent(reply, docker_content_digest="sha256:" + "0" * 64, content_length="7")
    return reply


SHAPES: dict[str, Make] = {
    "basic": basic,
    "tokens": tokens,
    "busy": busy,
    "redirecting": redirecting,
    "no_mount": no_mount,
    **{
        rule.__name__: partial(_ruled, rule)
        for rule in (mount_refused, no_head, relative_location, absolute_location, lying_heads)
    },
}


def refusal(code: str) -> bytes:
    """The body of a registry's refusal."""
    return json.dumps({"errors": [{"code": code}]}).encode()
