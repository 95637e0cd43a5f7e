"""What a registry may answer, and what each answer means: every refusal with its code."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from pytest_django import Settings

from console.kit.errors import Invalid, Rejected, Unreachable, WaybillError
from console.kit.outbound import Trust
from deploy.local.images import Random, push_random
from deploy.local.plan import RegistryFacts
from marketplace.registry import manifests, probe
from marketplace.registry.client import Registry
from marketplace.registry.manifests import DOCKER_MANIFEST, OCI_MANIFEST, Descriptor, Manifest
from marketplace.registry.wire import Hooks, Place
from tests.marketplace.copying import Run, plain
from tests.marketplace.servers import Asked, Front, PlainPusher, Reply
from tests.marketplace.test_copy import wanted

SIZE = 300_000


def copied(front: str, goal: str, name: str, made: Random) -> Run:
    """Copy one image whose source is the front; gives the run."""
    run = Run(plain(goal), [wanted(front, name, made.digest, goal=name)])
    run.blobs(run.layouts())
    return run


def error_of(run: Run) -> WaybillError:
    error = next(iter(run.progress.values())).error
    assert error is not None
    return error


def on_layer(change: Callable[[Reply], Reply], digest: str) -> Callable[[Asked, Callable[[], Reply]], Reply]:
    """A rule that changes the answers that carry one blob."""

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        reply = ask()
        return change(reply) if asked.method == "GET" and asked.path.endswith(digest) else reply

    return rule


def flipped(reply: Reply) -> Reply:
    middle = len(reply.body) // 2
    reply.body = reply.body[:middle] + bytes([reply.body[middle] ^ 1]) + reply.body[middle + 1 :]
    return reply


def emptied(reply: Reply) -> Reply:
    reply.body = b""
    return reply


def shortened(reply: Reply) -> Reply:
    reply.body = reply.body[:-1]
    return reply


def lengthened(reply: Reply) -> Reply:
    reply.body += b"x"
    return reply


@pytest.mark.parametrize("change", [flipped, emptied, shortened, lengthened])
def test_a_blob_that_is_not_what_its_digest_names_is_refused_and_never_completed(
    store: str, goal: str, pusher: PlainPusher, name: str, change: Callable[[Reply], Reply]
) -> None:
    made = push_random(pusher, name, "1", [SIZE], seed=name)
    with Front(store, on_layer(change, made.layers[0][0])) as front:
        error = error_of(copied(front.address, goal, name, made))
    assert (type(error), error.code) == (Rejected, "digest_mismatch")
    assert not PlainPusher(goal).has(f"lib/{name}", made.layers[0][0])


def test_a_blob_cut_short_again_and_again_is_something_to_wait_for(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    made = push_random(pusher, name, "1", [SIZE], seed=name)

    def cut(reply: Reply) -> Reply:
        reply.told_length, reply.cut, reply.body = len(reply.body), True, reply.body[:10]
        return reply

    with Front(store, on_layer(cut, made.layers[0][0])) as front:
        error = error_of(copied(front.address, goal, name, made))
    assert (type(error), error.code, error.params["reason"]) == (Unreachable, "registry_unreachable", "no_answer")


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (403, b"", "registry_refused_push"),
        (404, b"", "registry_refused_push"),
        (405, b"", "registry_refused_push"),
        (413, b"", "registry_refused_push"),
        (507, b"", "registry_full"),
        (500, b'{"errors":[{"code":"UNKNOWN","detail":"write: no space left on device"}]}', "registry_full"),
        (
            412,
            b'{"errors":[{"message":"adding 1 MiB will exceed the configured upper limit of 5 MiB"}]}',
            "registry_full",
        ),
        (418, b"", "registry_failed"),
    ],
)
def test_what_a_registry_says_no_to(store: str, name: str, status: int, words: bytes, code: str) -> None:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        return Reply(status, body=words) if asked.method == "POST" else ask()

    with Front(store, rule) as front, Registry(plain(front.address)) as registry, pytest.raises(Rejected) as refused:
        registry.open_upload(name)
    assert refused.value.code == code


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_registry_is_asked_again_after_as_long_as_it_says(store: str, name: str, status: int) -> None:
    left, waits = [2], list[float]()

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        left[0] -= 1
        return Reply(status, [("Retry-After", "7")]) if left[0] >= 0 else ask()

    with Front(store, rule) as front, Registry(plain(front.address), hooks=Hooks(pause=waits.append)) as registry:
        assert registry.open_upload(name)
    assert waits == [7.0, 7.0]


def test_a_registry_that_stays_busy_is_something_to_wait_for(store: str) -> None:
    waits: list[float] = []
    with Front(store, lambda asked, ask: Reply(503)) as front:
        place, hooks = plain(front.address), Hooks(pause=waits.append)
        with Registry(place, hooks=hooks) as registry, pytest.raises(Unreachable) as away:
            registry.ping()
        assert away.value.params == {"registry": front.address, "reason": "HTTP 503"}
    assert len(waits) == 4 and waits[3] > waits[0]


def test_a_long_pause_asked_for_is_left_to_the_operation(store: str) -> None:
    with Front(store, lambda asked, ask: Reply(429, [("Retry-After", "3600")])) as front:
        with Registry(plain(front.address)) as registry, pytest.raises(Unreachable) as away:
            registry.ping()
        assert len(front.asked) == 1
    assert away.value.retry_after == 900.0


def test_a_download_may_be_redirected_and_takes_no_credentials_along(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    made = push_random(pusher, name, "1", [SIZE], seed=name)
    with Front(store) as shelf:

        def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
            if asked.headers.get("Authorization") is None:
                return Reply(401, [("WWW-Authenticate", 'Basic realm="x"')])
            if asked.method == "GET" and "/blobs/" in asked.path:
                return Reply(307, [("Location", f"http://{shelf.address}{asked.path}")])
            return ask()

        with Front(store, rule) as front:
            source = plain(front.address, "ci", "secret")
            image = wanted(front.address, name, made.digest, goal=name)
            run = Run(plain(goal), [type(image)(image.path, source, name, image.repository, made.digest)])
            run.blobs(run.layouts())
            assert run.progress[name].finished
        assert shelf.asked and all("Authorization" not in one.headers for one in shelf.asked)


def test_a_chain_of_redirects_ends(store: str, pusher: PlainPusher, name: str) -> None:
    made = push_random(pusher, name, "1", [1000], seed=name)

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        return Reply(307, [("Location", asked.path)]) if "/blobs/" in asked.path else ask()

    with Front(store, rule) as front, Registry(plain(front.address)) as registry:
        with pytest.raises(Rejected) as refused, registry.blob(name, made.layers[0][0], image=name):
            pass
        assert refused.value.code == "registry_failed"
        assert front.count("GET", "/blobs/") == 4


def test_a_redirect_to_a_denied_address_is_refused(store: str, name: str, settings: Settings) -> None:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        return Reply(307, [("Location", "http://169.254.169.254/latest")])

    with Front(store, rule) as front, Registry(plain(front.address)) as registry, pytest.raises(Invalid) as refused:
        registry.small_blob(name, Descriptor("sha256:" + "0" * 64, 1, ""), image=name)
    assert (refused.value.code, refused.value.params) == ("address_denied", {"host": "169.254.169.254"})


def test_a_manifest_is_never_followed_elsewhere(store: str, name: str) -> None:
    away = Reply(302, [("Location", "http://127.0.0.1:9/")])
    front = Front(store, lambda asked, ask: away)
    with front, Registry(plain(front.address)) as registry, pytest.raises(Rejected) as refused:
        registry.manifest(name, "1", image=name)
    assert (refused.value.code, refused.value.params["status"]) == ("registry_failed", 302)


def test_an_upload_goes_to_this_registry_whatever_host_it_believes_to_have(store: str, name: str) -> None:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        reply = ask()
        reply.headers = [
            (key, value.replace(store, "inside.invalid:5000")) if key == "Location" else (key, value)
            for key, value in reply.headers
        ]
        return reply

    with Front(store, rule) as front, Registry(plain(front.address)) as registry:
        digest = probe.push(registry, name)
        assert registry.head(f"{name}/waybill-probe", digest, image=name) is not None
        assert registry.delete_manifest(f"{name}/waybill-probe", digest)


def test_a_manifest_that_is_not_what_was_asked_for_is_refused(store: str, pusher: PlainPusher, name: str) -> None:
    made = push_random(pusher, name, "1", [10], seed=name)

    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        reply = ask()
        reply.body = reply.body.replace(b"schemaVersion", b"schemaversion")
        return reply

    with Front(store, rule) as front, Registry(plain(front.address)) as registry:
        with pytest.raises(Rejected) as refused:
            registry.manifest(name, made.digest, image=name)
        assert refused.value.code == "digest_mismatch"
        with pytest.raises(Rejected) as refused:
            registry.manifest(name, "absent", image=name)
        assert refused.value.code == "image_not_found"


def test_a_target_that_names_a_manifest_otherwise_is_a_mismatch(store: str, name: str) -> None:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        reply = ask()
        if asked.method == "PUT" and "/manifests/" in asked.path:
            reply.headers = [("Docker-Content-Digest", "sha256:" + "0" * 64)]
        return reply

    with Front(store, rule) as front, Registry(plain(front.address)) as registry, pytest.raises(Rejected) as refused:
        probe.push(registry, name)
    assert refused.value.code == "digest_mismatch"


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b'{"schemaVersion":1,"name":"old"}', "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        (b"not json", OCI_MANIFEST),
        (b'{"schemaVersion":2,"config":{"digest":"sha256:x","size":1},"layers":[]}', OCI_MANIFEST),
        (b'{"schemaVersion":2,"config":{"digest":"sha256:' + b"a" * 64 + b'","size":-1}}', DOCKER_MANIFEST),
        (b"[]", OCI_MANIFEST),
        (b"[" * 100_000, OCI_MANIFEST),
        (b"{}", "text/html"),
    ],
)
def test_what_is_no_manifest_cannot_be_copied(raw: bytes, media_type: str) -> None:
    with pytest.raises(Rejected) as refused:
        manifests.read(raw, media_type=media_type, image="r/x:1")
    assert refused.value.code == "image_unsupported"


def test_the_shape_tells_what_an_oci_document_without_a_media_type_is() -> None:
    found = manifests.read(b'{"schemaVersion":2,"manifests":[]}', media_type="application/json", image="x")
    assert (found.is_index, found.children) == (True, ())
    assert isinstance(found, Manifest)


def test_an_answer_without_end_is_not_read_without_end(store: str) -> None:
    front = Front(store, lambda asked, ask: Reply(200, body=b"x" * (5 * 1024 * 1024)))
    with front, Registry(plain(front.address)) as registry, pytest.raises(Rejected) as refused:
        registry.manifest("a/b", "1", image="a/b:1")
    assert refused.value.code == "registry_failed"


def test_every_write_is_asked_for_first_and_no_reading_is(store: str, name: str) -> None:
    asked: list[str] = []
    hooks = Hooks(before_write=lambda: asked.append("write"), user_agent="waybill op-1 epoch/1 push")
    with Front(store) as front, Registry(plain(front.address), hooks=hooks) as registry:
        probe.push(registry, name)
        writes = sum(one.method in {"POST", "PUT"} for one in front.asked)
        registry.head(f"{name}/waybill-probe", "probe", image=name)
        assert {one.headers["User-Agent"] for one in front.asked} == {"waybill op-1 epoch/1 push"}
    assert len(asked) == writes == 5


def test_a_pooled_connection_that_was_closed_meanwhile_is_replaced_unseen(store: str, name: str) -> None:
    def rule(asked: Asked, ask: Callable[[], Reply]) -> Reply:
        reply = ask()
        reply.cut = True
        return reply

    with Front(store, rule) as front, Registry(plain(front.address)) as registry:
        for _ in range(3):
            registry.ping()
        assert len(front.asked) == 3


# --- TLS and the guard -----------------------------------------------------------------------------------------------


def test_a_certificate_of_another_authority_is_not_trusted(registry: RegistryFacts) -> None:
    place = Place(registry.address, registry.address, registry.user, registry.password)
    with Registry(place) as stranger, pytest.raises(Rejected) as refused:
        stranger.ping()
    assert (refused.value.code, refused.value.params["host"]) == ("tls_not_trusted", registry.address)


def test_a_registry_without_tls_is_told_apart(store: str) -> None:
    with Registry(Place(store, store)) as registry, pytest.raises(Rejected) as refused:
        registry.ping()
    assert refused.value.code == "tls_not_trusted"


def test_with_its_own_authority_it_is_signed_in_to_over_tls(registry: RegistryFacts) -> None:
    place = Place(registry.address, registry.address, registry.user, registry.password, ca_pem=registry.ca_pem)
    with Registry(place) as known:
        known.ping()
    reader = Place(registry.address, registry.address, registry.user, "wrong", ca_pem=registry.ca_pem)
    with Registry(reader) as wrong, pytest.raises(Rejected) as refused:
        wrong.ping()
    assert refused.value.params == {"registry": registry.address, "user": registry.user}


def test_a_developers_reference_reaches_no_private_registry(store: str, settings: Settings) -> None:
    settings.WAYBILL_OUTBOUND_ALLOW = ()
    with Registry(Place(store, store, trust=Trust.DEVELOPER)) as registry, pytest.raises(Invalid) as refused:
        registry.ping()
    assert (refused.value.code, refused.value.params) == ("address_denied", {"host": "127.0.0.1"})


def test_no_password_shows_in_what_is_printed() -> None:
    password = secrets.token_hex(8)
    assert password not in repr(Place("r.example", "r.example", "ci", password, ca_pem="x"))
