"""Signing in to registries: challenges, tokens and their renewal, and where a password may go."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from console.kit.errors import Rejected
from marketplace.registry.auth import Authenticator, Challenge, TokenCache, may_know_password, read_challenge
from marketplace.registry.client import Registry, pull, push
from marketplace.registry.wire import Place
from tests.marketplace.copying import plain
from tests.marketplace.servers import Meter, PlainPusher, TokenDoor, running_registry


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ('Basic realm="x"', Challenge("basic", "x")),
        (
            'Bearer realm="https://a.example/token",service="r.example",scope="repository:a:pull"',
            Challenge("bearer", "https://a.example/token", "r.example", "repository:a:pull"),
        ),
        (
            'Basic realm="x", Bearer realm="https://a.example/t?x=1",service=s',
            Challenge("bearer", "https://a.example/t?x=1", "s"),
        ),
        ('bearer   realm = "https://a.example"', Challenge("bearer", "https://a.example")),
        ('Bearer realm="https://a\\"b"', Challenge("bearer", 'https://a"b')),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_challenges_are_read(header: str, read: Challenge | None) -> None:
    assert read_challenge(header) == read


@pytest.mark.parametrize(
    ("registry", "realm", "may"),
    [
        ("r.example.com", "r.example.com", True),
        ("r.example.com:5000", "r.example.com", True),
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.example", "gitlab.example", True),
        ("registry.cn-hangzhou.cloud.example", "auth.cn-hangzhou.cloud.example", True),
        ("r.example.com", "evil.test", False),
        ("r.example.com", "example.com.evil.test", False),
        ("r.example.com", "notexample.com", False),
        ("example.com", "other.com", False),
        ("10.0.0.1:5000", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("r.example.com", "10.0.0.1", False),
        ("[::1]:5000", "::1", True),
    ],
)
def test_a_password_goes_to_the_registry_and_to_its_own_domain_only(registry: str, realm: str, may: bool) -> None:
    assert may_know_password(registry, realm) is may


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Server:
    """A token server without a network: counts, and keeps what it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, headers: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append((url, headers))
        return self.status, json.dumps({"access_token": f"t{len(self.asked)}", "expires_in": 100}).encode()


def signed_in(server: Server, *, cache: TokenCache, registry: str = "r.example.com") -> Authenticator:
    scopes = frozenset({push("lib/a"), pull("dev/a")})
    return Authenticator(registry, "ci", "p", plain_http=False, scopes=scopes, fetch=server, cache=cache)


BEARER = 'Bearer realm="https://r.example.com/token?x=1",service="svc",scope="ignored"'


def test_one_token_is_asked_for_all_scopes_at_once_and_kept_for_four_fifths_of_its_life() -> None:
    clock, server = Clock(), Server()
    cache = TokenCache(clock)
    one, two = signed_in(server, cache=cache), signed_in(server, cache=cache)
    assert one.header() is None
    assert one.answer(BEARER, None) == "Bearer t1"
    assert (one.header(), two.header()) == ("Bearer t1", "Bearer t1")
    url, headers = server.asked[0]
    query = parse_qsl(urlsplit(url).query)
    assert query == [("x", "1"), ("service", "svc"), ("scope", pull("dev/a")), ("scope", push("lib/a"))]
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"ci:p").decode()
    clock.now = 79
    assert one.header() == "Bearer t1"
    clock.now = 81
    assert (one.header(), two.header(), len(server.asked)) == ("Bearer t2", "Bearer t2", 2)


def test_what_a_registry_asked_for_once_is_answered_before_it_asks_again() -> None:
    server, cache = Server(), TokenCache(Clock())
    signed_in(server, cache=cache).answer(BEARER, None)
    other = Authenticator(
        "r.example.com", "ci", "p", plain_http=False, scopes=frozenset({pull("x")}), fetch=server, cache=cache
    )
    assert other.header() == "Bearer t2"
    server.status = 401
    third = Authenticator("r.example.com", "ci", "p", plain_http=False, scopes=frozenset(), fetch=server, cache=cache)
    assert third.header() is None, "it may ask for something else by now"


def test_a_refused_token_is_renewed_once_for_all_threads() -> None:
    server, cache = Server(), TokenCache(Clock())
    auth = signed_in(server, cache=cache)
    first = auth.answer(BEARER, None)
    second = auth.answer(BEARER, first)
    assert second == "Bearer t2"
    assert auth.answer(BEARER, first) == "Bearer t2", "another thread has renewed it already"
    assert len(server.asked) == 2


def test_a_foreign_realm_is_asked_without_the_password() -> None:
    server = Server()
    auth = signed_in(server, cache=TokenCache(Clock()))
    auth.answer('Bearer realm="https://evil.test/token"', None)
    assert "Authorization" not in server.asked[0][1]


@pytest.mark.parametrize("realm", ["http://r.example.com/token", "ftp://r.example.com", "/token", ""])
def test_a_realm_without_tls_is_refused(realm: str) -> None:
    with pytest.raises(Rejected) as refused:
        signed_in(Server(), cache=TokenCache(Clock())).answer(f'Bearer realm="{realm}"', None)
    assert refused.value.code == "registry_refused_login"


def test_a_token_server_that_refuses_the_account_is_a_refused_login() -> None:
    with pytest.raises(Rejected) as refused:
        signed_in(Server(401), cache=TokenCache(Clock())).answer(BEARER, None)
    assert refused.value.params == {"registry": "r.example.com", "user": "ci"}


def test_another_password_is_another_token() -> None:
    server, cache = Server(), TokenCache(Clock())
    signed_in(server, cache=cache).answer(BEARER, None)
    other = Authenticator("r.example.com", "ci", "q", plain_http=False, scopes=frozenset(), fetch=server, cache=cache)
    assert other.header() is None


# --- Against servers -------------------------------------------------------------------------------------------------


@pytest.fixture
def door(store: str) -> Iterator[TokenDoor]:
    with TokenDoor(store, "ci", "secret") as server:
        yield server


def registry_at(place: Place, *scopes: str) -> Registry:
    return Registry(place, scopes=scopes, cache=TokenCache())


def test_a_registry_with_tokens_is_pushed_to_and_pulled_from(door: TokenDoor, pusher: PlainPusher, name: str) -> None:
    blob = pusher.push_blob(f"{name}/src", b"hello")
    place = plain(door.address, "ci", "secret")
    with registry_at(place, push(f"{name}/dst"), pull(f"{name}/src")) as registry:
        registry.ping()
        assert registry.has_blob(f"{name}/src", blob)
        assert registry.mount(f"{name}/dst", blob, f"{name}/src") is None
    assert len(door.issuer.asked) == 1, "one token for both repositories"


def test_a_token_that_no_longer_counts_is_renewed_and_the_request_repeated(door: TokenDoor, name: str) -> None:
    with registry_at(plain(door.address, "ci", "secret"), push(name)) as registry:
        registry.ping()
        door.revoke()
        assert registry.open_upload(name)
    assert len(door.issuer.asked) == 2


def test_a_token_without_the_scope_is_a_refusal_to_push_or_to_read(door: TokenDoor, name: str) -> None:
    with registry_at(plain(door.address, "ci", "secret"), pull("something/else")) as registry:
        with pytest.raises(Rejected) as refused:
            registry.open_upload(name)
        assert refused.value.code == "registry_refused_push"
        with pytest.raises(Rejected) as refused:
            registry.manifest(name, "1", image="an image")
        assert (refused.value.code, refused.value.params) == ("image_denied", {"image": "an image"})


def test_a_wrong_password_is_a_refused_login_by_token_and_by_basic(
    door: TokenDoor, name: str, tmp_path: object
) -> None:
    with registry_at(plain(door.address, "ci", "wrong"), push(name)) as registry:
        with pytest.raises(Rejected) as refused:
            registry.ping()
        assert refused.value.code == "registry_refused_login"


def test_basic_accounts_are_offered_once_asked_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("basic")
    with running_registry(folder, account=("ci", "secret")) as address, Meter(address) as meter:
        with registry_at(plain(meter.address, "ci", "secret")) as registry:
            registry.ping()
        with registry_at(plain(meter.address, "ci", "wrong")) as registry, pytest.raises(Rejected) as refused:
            registry.ping()
        assert (refused.value.code, refused.value.params["user"]) == ("registry_refused_login", "ci")
        with registry_at(plain(meter.address)) as registry, pytest.raises(Rejected) as refused:
            registry.manifest("a/b", "1", image="a/b:1")
        assert refused.value.code == "image_denied"
