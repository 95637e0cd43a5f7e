"""What registries say that is not so, or not now: the way to wait, redirects, lies, and answers that break off."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable

import pytest

from console.kit.errors import Rejected, Unreachable, WaybillError
from deploy.local.images import push_random
from marketplace.registry.client import Registry
from marketplace.registry.ends import Wanted
from marketplace.registry.pour import Pour
from marketplace.registry.wire import Hooks
from tests.marketplace.copying import Run, nothing, plain
from tests.marketplace.registries.shapes import refusal
from tests.marketplace.servers import Asked, Front, PlainPusher, Reply

Ask = Callable[[], Reply]


def date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def test_a_registry_that_wants_no_bytes_now_is_left_alone_as_long_as_it_asks(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    digest = push_random(pusher, name, "1", [5_000]).digest
    waits: list[float] = []
    told = ["7", "300"]

    def rule(asked: Asked, ask: Ask) -> Reply:
        return Reply(429, [("Retry-After", told.pop(0))]) if asked.method == "PUT" and told else ask()

    with (
        Front(goal, rule) as front,
        Registry(plain(store)) as source,
        Registry(plain(front.address), hooks=Hooks(pause=waits.append)) as target,
    ):
        blob = source.manifest(name, digest, image="web").blobs[0]
        pour = Pour(source, name, blob, image="web", told=lambda sent: None, go_on=nothing)
        with pytest.raises(Unreachable) as away:
            pour.into(target, name, None)
        assert (waits, away.value.retry_after) == ([7.0], 300.0)
        pour.into(target, name, None)
        assert target.has_blob(name, blob.digest)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (lambda: "9", 9, 9),
        (lambda: date(20), 18, 20),
        (lambda: date(-3600), 0, 0),
        (lambda: "soon", 0.1, 2),
        (lambda: "", 0.1, 2),
    ],
)
def test_both_forms_of_retry_after_are_obeyed(
    store: str, name: str, status: int, header: Callable[[], str], least: float, most: float
) -> None:
    waits: list[float] = []
    left = [1]

    def rule(asked: Asked, ask: Ask) -> Reply:
        left[0] -= 1
        return Reply(status, [("Retry-After", header())] if header() else []) if left[0] >= 0 else ask()

    with Front(store, rule) as front, Registry(plain(front.address), hooks=Hooks(pause=waits.append)) as registry:
        registry.ping()
    assert len(waits) == 1 and least <= waits[0] <= most


def test_a_date_too_far_away_is_left_to_the_operation(store: str) -> None:
    with (
        Front(store, lambda asked, ask: Reply(429, [("Retry-After", date(300))])) as front,
        Registry(plain(front.address)) as registry,
        pytest.raises(Unreachable) as away,
    ):
        registry.ping()
    assert away.value.retry_after is not None and 290 < away.value.retry_after <= 300


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_upload_is_never_sent_elsewhere(
    store: str, goal: str, pusher: PlainPusher, name: str, method: str, status: int
) -> None:
    made = push_random(pusher, name, "1", [5000], seed=name)
    with Front(goal) as elsewhere:

        def rule(asked: Asked, ask: Ask) -> Reply:
            if asked.method == method and "/blobs/uploads/" in asked.path:
                return Reply(status, [("Location", f"http://{elsewhere.address}{asked.path}")])
            return ask()

        with Front(goal, rule) as front:
            run = Run(plain(front.address, "ci", "secret"), [Wanted("a", plain(store), name, name, made.digest)])
            run.blobs(run.layouts())
        error = run.progress["a"].error
        assert isinstance(error, Rejected) and (error.code, error.params["status"]) == ("registry_failed", status)
        assert elsewhere.asked == []


def outcome(store: str, goal: str, pusher: PlainPusher, name: str, rule: Callable[[Asked, Ask], Reply]) -> WaybillError:
    """Copy one image into a registry that lies; gives what it came to, and sees that nothing got a tag."""
    made = push_random(pusher, name, "1", [5000], seed=name)
    with Front(goal, rule) as front:
        run = Run(plain(front.address), [Wanted("a", plain(store), name, f"lib/{name}", made.digest)])
        with pytest.raises(WaybillError) as refused:
            run.whole("1.0")
    assert PlainPusher(goal).caller.call("HEAD", f"/v2/lib/{name}/manifests/1.0").status == 404
    return refused.value


def test_a_registry_that_says_it_has_all_blobs_gets_no_tag(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    def rule(asked: Asked, ask: Ask) -> Reply:
        return Reply(200) if asked.method == "HEAD" and "/blobs/" in asked.path else ask()

    assert outcome(store, goal, pusher, name, rule).code == "registry_failed"


def test_a_registry_that_says_it_has_the_image_gets_no_tag(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    def rule(asked: Asked, ask: Ask) -> Reply:
        return Reply(200) if asked.method == "HEAD" and "/manifests/" in asked.path else ask()

    assert outcome(store, goal, pusher, name, rule).code == "image_not_found"


def test_a_registry_that_keeps_a_blob_under_another_digest_gets_no_tag(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    def rule(asked: Asked, ask: Ask) -> Reply:
        reply = ask()
        if asked.method == "PUT" and "/blobs/" in asked.path:
            reply.headers = [("Docker-Content-Digest", "sha256:" + "0" * 64)]
        return reply

    assert outcome(store, goal, pusher, name, rule).code == "digest_mismatch"


def test_a_registry_that_gives_another_image_back_by_the_tag_is_found_out(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    other = push_random(pusher, f"{name}/other", "1", [100], seed="other")

    def rule(asked: Asked, ask: Ask) -> Reply:
        if asked.method == "GET" and asked.path.endswith("/manifests/1.0"):
            answer = pusher.manifest(f"{name}/other", other.digest)
            return Reply(200, list(answer.headers.items()), answer.body)
        return ask()

    made = push_random(pusher, name, "1", [5000], seed=name)
    with Front(goal, rule) as front, pytest.raises(Rejected) as refused:
        Run(plain(front.address), [Wanted("a", plain(store), name, f"lib/{name}", made.digest)]).whole("1.0")
    assert refused.value.code == "digest_mismatch"


def test_a_manifest_that_breaks_off_is_asked_for_again_and_is_no_lie(
    store: str, pusher: PlainPusher, name: str
) -> None:
    made = push_random(pusher, name, "1", [100], seed=name)
    left = [2]

    def rule(asked: Asked, ask: Ask) -> Reply:
        reply = ask()
        left[0] -= 1
        if left[0] >= 0:
            reply.told_length, reply.cut, reply.body = len(reply.body), True, reply.body[:20]
        return reply

    waits: list[float] = []
    with Front(store, rule) as front, Registry(plain(front.address), hooks=Hooks(pause=waits.append)) as registry:
        assert registry.manifest(name, made.digest, image=name).digest == made.digest
        assert len(waits) == 2
        left[0] = 99
        with pytest.raises(Unreachable) as away:
            registry.manifest(name, made.digest, image=name)
        assert away.value.params["reason"] == "no_answer"


def test_a_mount_that_is_refused_for_want_of_rights_still_says_so(
    store: str, goal: str, pusher: PlainPusher, name: str
) -> None:
    def rule(asked: Asked, ask: Ask) -> Reply:
        return Reply(403, body=refusal("DENIED")) if asked.method == "POST" else ask()

    with Front(store, rule) as front, Registry(plain(front.address)) as registry:
        with pytest.raises(Rejected) as refused:
            registry.mount(name, "sha256:" + "0" * 64, "other")
        assert refused.value.code == "registry_refused_push"
        assert front.count("POST", "/uploads/") == 2, "it was asked without mounting too"
