"""A real registry with a token server: what is asked for, when, by whom, and what happens when a token dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.kit.errors import Rejected, Unreachable
from deploy.local.images import push_random
from marketplace.registry.auth import TokenCache
from marketplace.registry.client import Registry, pull, push
from marketplace.registry.ends import Wanted
from marketplace.registry.wire import Hooks, Place
from tests.marketplace.copying import Run, plain, until_over
from tests.marketplace.registries.tokens import TokenServer, token_registry
from tests.marketplace.servers import Asked, Front, PlainPusher, Reply

SIZE = 200_000
# For the registry's program, which is built before the first test that names it.
pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


@pytest.fixture
def front(server: TokenServer, tmp_path: Path) -> Iterator[Front]:
    with token_registry(tmp_path, server) as front:
        yield front


def account(front: Front, password: str = "secret") -> Place:
    return plain(front.address, "ci", password)


def image(store: str, pusher: PlainPusher, name: str, part: str = "web") -> Wanted:
    made = push_random(pusher, f"{name}/{part}", "1", [SIZE, SIZE + 1], seed=f"{name}{part}")
    return Wanted(part, plain(store), f"{name}/{part}", f"lib/{name}/{part}", made.digest)


def refused(front: Front) -> int:
    """How many requests came without what the registry wants."""
    return sum("Authorization" not in one.headers for one in front.asked)


def test_one_token_for_all_repositories_serves_every_phase_and_the_first_question_is_the_only_one_refused(
    store: str, pusher: PlainPusher, name: str, server: TokenServer, front: Front
) -> None:
    images = [image(store, pusher, name, part) for part in ("a", "b", "c")]
    Run(account(front), images).whole()
    assert server.scopes() == [[push(f"lib/{name}/{part}") for part in "abc"]]
    first = refused(front)
    assert 1 <= first <= 3, "what was asked side by side before the first answer"

    more = [image(store, pusher, name, "d")]
    Run(account(front), more).whole()
    assert server.scopes()[1:] == [[push(f"lib/{name}/d")]]
    assert refused(front) == first, "what it asks for is known by now"


def test_a_token_that_dies_while_a_blob_is_sent_is_renewed_and_the_copy_goes_on(
    store: str, pusher: PlainPusher, name: str, server: TokenServer, tmp_path: Path
) -> None:
    held: list[str] = []
    died: list[int] = []

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        header = asked.headers.get("Authorization", "")
        if asked.method == "PUT" and "/blobs/" in asked.path and not held:
            held.append(header)
            server.life = 300
            until_over(lambda: server.is_over(header))
        reply = ask()
        if header in held:
            died.append(reply.status)
        return reply

    server.life = 1
    with token_registry(tmp_path, server, rule) as front:
        one = image(store, pusher, name)
        progress = Run(account(front), [one]).whole()
        assert progress["web"].finished
        sent = sum(len(asked.body) for asked in front.asked if asked.method == "PUT" and "/blobs/" in asked.path)
    assert 401 in died, "the registry itself refused the dead token"
    assert len(server.asked) >= 2
    assert sent <= 2 * (SIZE + SIZE + 1) + 5000


def test_a_token_that_allows_reading_alone_refuses_the_push(name: str, server: TokenServer, front: Front) -> None:
    with Registry(account(front), scopes=[pull(name)], cache=TokenCache()) as registry:
        with pytest.raises(Rejected) as denied:
            registry.open_upload(name)
        assert denied.value.code == "registry_refused_push"
    with Registry(account(front), scopes=[push(name)], cache=TokenCache()) as registry:
        assert registry.open_upload(name), "with the right scope the same account may"


def test_a_wrong_password_is_refused_by_the_token_server(name: str, server: TokenServer, front: Front) -> None:
    with Registry(account(front, "wrong"), cache=TokenCache()) as registry, pytest.raises(Rejected) as denied:
        registry.ping()
    assert (denied.value.code, denied.value.params) == (
        "registry_refused_login",
        {"registry": front.address, "user": "ci"},
    )
    assert server.ends == {}


def test_a_realm_of_another_name_never_hears_the_password(name: str, tmp_path: Path) -> None:
    with TokenServer(host="localhost") as foreign, token_registry(tmp_path, foreign) as front:
        with Registry(account(front), cache=TokenCache()) as registry, pytest.raises(Rejected) as denied:
            registry.ping()
        assert denied.value.code == "registry_refused_login"
        assert foreign.asked and all("Authorization" not in one.headers for one in foreign.asked)


def test_a_token_server_that_is_busy_is_asked_again_and_one_that_stays_so_is_waited_for(
    name: str, server: TokenServer, front: Front
) -> None:
    waits: list[float] = []
    server.busy = [Reply(429, [("Retry-After", "7")]), Reply(503)]
    with Registry(account(front), hooks=Hooks(pause=waits.append), cache=TokenCache()) as registry:
        registry.ping()
    assert waits[0] == 7.0 and 0 < waits[1] < 2

    server.busy = [Reply(503, [("Retry-After", "3600")])] * 9
    with Registry(account(front), cache=TokenCache()) as registry, pytest.raises(Unreachable) as away:
        registry.ping()
    assert (away.value.params["reason"], away.value.retry_after) == ("HTTP 503", 900.0)
    assert len(server.busy) == 8, "asked once"
