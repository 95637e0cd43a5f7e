"""Connections kept between two pieces of work: used again, by whom they may be, while they stand and for so long."""

from __future__ import annotations

import os
import threading

import pytest
from pytest_django import Settings

from console.kit.errors import Invalid
from console.kit.outbound import Trust
from marketplace.registry import kept
from marketplace.registry.client import Registry
from marketplace.registry.kept import Kept
from marketplace.registry.wire import Place
from tests.marketplace.copying import plain
from tests.marketplace.servers import Asked, Front, Meter, Reply


def ping(place: Place, *, own: bool = False) -> None:
    with Registry(place, own=own) as registry:
        registry.ping()


def test_a_connection_serves_one_piece_of_work_after_the_other(store: str) -> None:
    with Meter(store) as door:
        for account in ("a", "b", "b"):
            ping(plain(door.address, account, "x"))
        assert door.opened == 1


def test_who_wants_to_know_how_it_is_now_opens_one_of_its_own_and_leaves_none(store: str) -> None:
    with Meter(store) as door:
        for _ in range(2):
            ping(plain(door.address), own=True)
        assert door.opened == 2
        ping(plain(door.address))
        assert door.opened == 3


def test_who_trusts_another_authority_or_may_go_elsewhere_opens_another(store: str) -> None:
    with Meter(store) as door:
        ping(plain(door.address))
        ping(Place(door.address, door.address, trust=Trust.DEVELOPER, plain_http=True))
        assert door.opened == 2


def test_the_guard_judges_a_kept_connection_anew(store: str, settings: Settings) -> None:
    with Meter(store) as door:
        ping(plain(door.address))
        settings.WAYBILL_OUTBOUND_ALLOW = ()
        with pytest.raises(Invalid) as denied:
            ping(plain(door.address))
        assert (denied.value.code, door.opened) == ("address_denied", 1)


def test_one_that_was_closed_meanwhile_is_not_used_even_for_what_cannot_be_sent_twice(store: str, name: str) -> None:
    def rule(asked: Asked, ask: object) -> Reply:
        return Reply(200, cut=True)

    with Front(store, rule) as front:
        place = plain(front.address)
        for _ in range(3):
            ping(place)
        assert len(front.asked) == 3


def test_one_that_lay_idle_too_long_is_closed(store: str) -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    shelf = Kept(clock)
    with Meter(store) as door, Registry(plain(door.address), own=True) as registry:
        registry.ping()
        mine = registry.wire._kept.take(registry.wire._key, lambda ip: True)
        assert mine is not None
        shelf.give("here", mine)
        clock.now = kept.FRESH + 1
        assert shelf.take("here", lambda ip: True, seconds=kept.FRESH) is None, "not for a large body"
        clock.now = kept.SECONDS + 1
        assert shelf.take("here", lambda ip: True) is None
        shelf.give("there", mine)
        clock.now = 0
        assert shelf.take("here", lambda ip: True) is None, "it was cleared away"


def test_not_more_are_kept_than_are_of_use(store: str) -> None:
    with Meter(store) as door:
        place, gate = plain(door.address), threading.Barrier(kept.EACH + 6)

        def one() -> None:
            with Registry(place) as registry, registry.wire.exchange("GET", "/v2/", {}) as response:
                gate.wait(20)
                response.read()

        hands = [threading.Thread(target=one) for _ in range(kept.EACH + 6)]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join(20)
        assert door.opened == kept.EACH + 6
        wire = Registry(place).wire
        held = [wire._pooled(kept.SECONDS) for _ in range(kept.EACH + 1)]
        assert sum(one is not None for one in held) == kept.EACH
        for connection in held:
            if connection is not None:
                connection.close()


def test_a_child_process_talks_on_none_of_its_parents(store: str) -> None:
    with Meter(store) as door:
        place = plain(door.address)
        ping(place)
        child = os.fork()
        if child == 0:
            found = Registry(place).wire._pooled(kept.SECONDS)
            os._exit(0 if found is None else 1)
        assert os.waitpid(child, 0)[1] == 0
        ping(place)
        assert door.opened == 1
