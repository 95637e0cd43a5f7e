"""How much of the streams process anybody may have: so many streams in all, so many each, and no large body."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings

from clusters import log_stream
from clusters.models import Application
from console.asgi import application
from console.kit.errors import TooMany
from operations.models import Operation
from operations.stream import view
from operations.stream.seats import Seated, Seats
from tests.access.rows_operations import operation_on
from tests.cast import Cast
from tests.clusters.apps import make_place
from tests.marketplace.world import deployed, part
from tests.security.processes import Caller, Stream
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def app(people: Cast) -> Application:
    """A deployed application."""
    return deployed(make_place(people), [part("web", "registry.example.com/dev/web:1", "sha256:" + "0" * 64)])


@pytest.fixture
def work(people: Cast, app: Application) -> Operation:
    """An operation that goes on and on."""
    return operation_on(app, people.developer)


class Crowd:
    """Streams that are open, closed at the end."""

    def __init__(self, near: str, people: Cast, work: Operation) -> None:
        self.near, self.people, self.path = near, people, f"/events/operations/{work.name}"
        self.open: list[Stream] = []

    def come(self, who: str) -> int:
        """Open one; gives the status."""
        stream = Stream(Caller(self.near, token=self.people.api(who).token), self.path)
        if stream.status == 200:
            self.open.append(stream)
        else:
            stream.close()
        return stream.status

    def leave(self) -> None:
        """Close the one opened last."""
        self.open.pop().close()


@pytest.fixture
def crowd(near: str, people: Cast, work: Operation) -> Iterator[Crowd]:
    """Nobody yet."""
    made = Crowd(near, people, work)
    yield made
    while made.open:
        made.leave()


def test_so_many_streams_are_open_in_all(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    seats = Seats(total=3, each=2)
    monkeypatch.setattr(view, "seats", seats)
    assert [crowd.come(who) for who in ("viewer", "viewer", "lead", "developer")] == [200, 200, 200, 429]
    refused = Caller(crowd.near, token=crowd.people.api("developer").token).get(crowd.path)
    assert (refused.status, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "5"
    crowd.leave()
    until(lambda: seats.taken == 2, what="the seat of whoever left")
    assert crowd.come("developer") == 200
    while crowd.open:
        crowd.leave()
    until(lambda: seats.taken == 0, what="the seats of all")


def test_nobody_takes_the_seats_of_all(crowd: Crowd) -> None:
    """With the bounds as they are: who opens as many as they can leaves room for the others."""
    each = view.seats.each
    assert [crowd.come("viewer") for _ in range(each + 1)] == [200] * each + [429]
    assert crowd.come("lead") == 200
    assert view.seats.total >= 10 * each
    while crowd.open:
        crowd.leave()
    until(lambda: view.seats.taken == 0, what="the seats of all")


def test_who_may_not_look_takes_no_seat(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "seats", Seats(total=0, each=0))
    assert [crowd.come(who) for who in ("viewer", "stranger", "loner")] == [429, 404, 404]


def test_logs_have_seats_of_their_own(
    near: str, people: Cast, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_stream, "seats", Seats(total=5, each=0))
    path = f"/events/environments/{app.environment.slug}/apps/{app.slug}/components/web/log"
    answer = Caller(near, token=people.api("viewer").token).get(path)
    assert (answer.status, answer.json()["code"]) == (429, "too_many_requests")
    assert log_stream.seats.taken == 0


def test_a_seat_is_given_back_once_however_a_stream_ends(db: None) -> None:
    seats = Seats(total=2, each=2)
    for person in ("a", "b"):
        seats.take(person)
    with pytest.raises(TooMany):
        seats.take("c")
    closed = Seated([b""], seats=seats, person="a")
    closed.close()
    closed.close()
    assert seats.taken == 1
    forgotten = Seated([b""], seats=seats, person="b")  # nobody ever read it
    del forgotten
    gc.collect()
    assert seats.taken == 0
    seats.take("a")


# --- Bodies ---------------------------------------------------------------------------------------------------------

PIECE = 64 * 1024


class Sender:
    """A request as a server hands it on, piece by piece, and what it is answered."""

    def __init__(self, size: int, *declared: bytes) -> None:
        self.left, self.pieces = size, 0
        headers = [(b"host", b"testserver"), (b"content-type", b"application/x-www-form-urlencoded")]
        self.scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": "/events/operations/op-1", "raw_path": b"", "query_string": b"", "root_path": "",
            "headers": [*headers, *((b"content-length", value) for value in declared)],
            "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        """Give the next piece; at the end wait, as for somebody who stays."""
        if not self.left:
            await asyncio.Event().wait()
        piece, self.pieces = min(PIECE, self.left), self.pieces + 1
        self.left -= piece
        return {"type": "http.request", "body": b"x" * piece, "more_body": self.left > 0}

    async def send(self, message: Any) -> None:
        """Note the answer."""
        self.sent.append(message)

    def status(self) -> int:
        """Ask, and give the status."""
        # In a thread of its own: this one may run the loop of a browser of other tests.
        with ThreadPoolExecutor(1) as apart:
            apart.submit(lambda: asyncio.run(application(self.scope, self.receive, self.send))).result()
        status: int = self.sent[0]["status"]
        assert b"Nothing was changed" in b"".join(message.get("body", b"") for message in self.sent[1:])
        return status


LIMIT = settings.WAYBILL_MAX_BODY
ENDLESS = 1 << 40


@pytest.mark.usefixtures("transactional_db")
def test_a_large_body_is_refused_before_it_is_kept() -> None:
    """The server in front keeps no limit of its own, and what is behind writes a body down before it looks at it."""
    said = Sender(ENDLESS, str(ENDLESS).encode())
    assert (said.status(), said.pieces) == (413, 0)
    for silent in (Sender(ENDLESS), Sender(ENDLESS, b"5"), Sender(ENDLESS, b"many")):
        assert silent.status() == 413
        assert silent.pieces <= LIMIT // PIECE + 1


@pytest.mark.usefixtures("transactional_db")
def test_the_largest_body_there_may_be_is_read() -> None:
    """The control: such a request is refused for another reason, by those who know what it was for."""
    whole = Sender(LIMIT, str(LIMIT).encode())
    assert whole.status() == 403
    assert whole.left == 0
