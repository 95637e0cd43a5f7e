"""The event stream, over a real server: lines with ids, the operation, resuming, and rights that end."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client

from console.kit.middleware import SEEN_AT
from operations.engine.loop import Loop
from operations.models import Operation
from teams import grants
from teams.actions.users import reset_password
from teams.models import User
from tests.operations import toy
from tests.operations.people import Shop
from tests.real.streams import streams_here
from tests.waiting import until


@pytest.fixture
def server(shop: Shop) -> Iterator[str]:
    """The streams, served; gives host:port."""
    with streams_here() as where:
        yield where


@dataclass
class Message:
    """One server-sent event."""

    event: str = ""
    id: str = ""
    data: Any = None


@dataclass
class Reading:
    """A stream as a browser reads it."""

    status: int
    headers: dict[str, str]
    messages: list[Message] = field(default_factory=list)
    ended: bool = False

    def logged(self) -> list[str]:
        return [message.data["code"] for message in self.messages if message.event == "log"]

    def states(self) -> list[str]:
        return [message.data["state"] for message in self.messages if message.event == "operation"]


def _line(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.readline()
    except (OSError, http.client.IncompleteRead):
        return b""  # the test has closed its end


@contextmanager
def reading(server: str, path: str, user: User | None, last: str = "") -> Iterator[Reading]:
    headers = {"Host": "testserver"}
    if user is not None:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        headers["Cookie"] = f"waybill_session={client.cookies['waybill_session'].value}"
    if last:
        headers["Last-Event-ID"] = last
    link = http.client.HTTPConnection(server, timeout=30)
    link.request("GET", path, headers=headers)
    answer = link.getresponse()
    found = Reading(answer.status, dict(answer.headers))

    def read() -> None:
        message = Message()
        while line := _line(answer):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name in ("event", "id"):
                setattr(message, name, value)
            elif name == "data":
                message.data = json.loads(value)
            elif not name and message.event:
                found.messages.append(message)
                message = Message()
        found.ended = True

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        if link.sock is not None:
            link.sock.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
        link.close()


def test_a_stream_tells_the_whole_story_and_ends_with_it(
    shop: Shop, ledger: toy.Ledger, loop: Loop, server: str
) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team, world=ledger.address, pause_at="finish")
    with reading(server, f"/events/operations/{operation.name}", shop.viewer) as seen:
        assert (seen.status, seen.headers["x-accel-buffering"]) == (200, "no")
        assert seen.headers["content-type"] == "text/event-stream"
        until(lambda: seen.logged().count("written") == 3, what="three lines")
        assert not seen.ended
        ledger.entries.append(toy.Entry(operation.name, "go", ""))
        until(lambda: seen.ended, what="the end of the stream")
    assert seen.logged() == ["started", "written", "written", "written", "operation_succeeded"]
    assert seen.states()[-1] == "succeeded"
    assert seen.messages[-1].event == "operation" and seen.messages[-1].id == ""
    rows = [str(key) for key in operation.events.order_by("pk").values_list("pk", flat=True)]
    assert [message.id for message in seen.messages if message.event == "log"] == rows
    resumed = rows[2]
    with reading(server, f"/events/operations/{operation.name}", shop.viewer, last=resumed) as again:
        until(lambda: again.ended, what="the end of the second stream")
    assert again.logged() == ["written", "operation_succeeded"]


def test_news_reaches_a_stream_at_once(shop: Shop, ledger: toy.Ledger, server: str) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    with reading(server, f"/events/operations/{operation.name}", shop.user) as seen:
        until(lambda: seen.states() == ["queued"], what="the operation")
        began = time.monotonic()
        Operation.objects.filter(pk=operation.pk).update(state="running")
        until(lambda: seen.states()[-1] == "running", what="the change")
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("way", ["role", "account", "session", "password", "idle"])
def test_a_stream_ends_when_the_right_does(shop: Shop, server: str, way: str) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    with reading(server, f"/events/operations/{operation.name}", shop.viewer) as seen:
        until(lambda: seen.states() == ["queued"], what="the operation")
        if way == "role":
            grants.set_roles(shop.team, shop.viewer, (), granted_by=shop.boss)
        elif way == "account":
            User.objects.filter(pk=shop.viewer.pk).update(is_active=False)
        elif way == "password":
            reset_password(user=shop.viewer, acting_user=shop.boss)
        elif way == "idle":
            for row in Session.objects.all():
                session = SessionStore(row.session_key)
                session[SEEN_AT] = 0
                session.save()
        else:
            Session.objects.all().delete()
        until(lambda: seen.ended, seconds=5, what="the end of the stream")


def test_who_may_not_see_it_gets_no_stream(shop: Shop, server: str) -> None:
    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    for user, status in ((None, 401), (shop.stranger, 404)):
        with reading(server, f"/events/operations/{operation.name}", user) as seen:
            assert seen.status == status
    with reading(server, "/events/operations/op-999999", shop.user) as seen:
        assert seen.status == 404


def test_a_stream_lives_through_a_lost_listener(shop: Shop, server: str) -> None:
    from django.db import connection

    operation = toy.begin(shop.enterprise, shop.user, shop.team)
    with reading(server, f"/events/operations/{operation.name}", shop.user) as seen:
        until(lambda: seen.states() == ["queued"], what="the operation")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            assert cursor.fetchone()[0] >= 1, "the stream's own, and maybe that of one that is just ending"
        toy_end(operation)
        until(lambda: seen.ended, seconds=15, what="the end of the stream")
    assert seen.states()[-1] == "cancelled"


def toy_end(operation: Operation) -> None:
    from operations.engine.ending import close

    close(operation, "cancelled", None)
