"""Operations of one environment that lost their leases together replace its key one after the other, and get in each
other's way: whoever comes late brings no older key back, and whoever finds its key gone goes on with the newest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from clusters.kube import connect, keys
from clusters.manifests import names
from console.kit import points
from operations.engine.loop import Loop
from operations.models import Fence
from tests.clusters.delivery.house import House, begin, done, make_app, part

ROLL_BINDING = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings/waybill-deploy"


class Meanwhile:
    """Does something at one point of whoever works, once, in between its request and what follows."""

    def __init__(self, method: str, ending: str, phase: str, act: Callable[[], None]) -> None:
        self.method, self.ending, self.phase, self.act = method, ending, phase, act
        self.came = threading.Event()

    def __call__(self, kind: str, detail: str, phase: str) -> None:
        """Look whether this is the point."""
        there = phase == self.phase and detail.startswith(self.method) and detail.endswith(self.ending)
        if kind == "kube" and there and not self.came.is_set():
            self.came.set()
            self.act()


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., Meanwhile]]:
    """Install one; it is taken away at the end."""

    def install(*about: Any) -> Meanwhile:
        made = Meanwhile(*about)
        points.install(made)
        return made

    yield install
    points.install(None)


def raise_key(house: House, generation: int, *, drop: bool = True) -> None:
    """Do what another owner does that has just taken over: raise the number, make the key, drop the former ones."""
    Fence.objects.update_or_create(environment_id=house.environment.pk, defaults={"generation": generation})
    kube = connect.for_cluster(house.cluster)
    keys.place_key(kube, house.environment, generation)
    for former in range(1, generation) if drop else ():
        keys.drop_key(kube, house.environment, former)


def elsewhere(act: Callable[[], None]) -> None:
    """Run it as another process would: in a thread, with a connection of its own."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    listener, points._listeners[:] = list(points._listeners), []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    points._listeners[:] = listener


def bound(house: House) -> str:
    """The account that the environment's one binding names."""
    found: str = house.real.get(ROLL_BINDING.format(house.environment.namespace))["subjects"][0]["name"]
    return found


def account(house: House, generation: int) -> str:
    return f"/serviceaccounts/{names.key(house.environment.slug, generation)}"


@pytest.mark.proof("R4")
@pytest.mark.parametrize(("phase", "newest"), [("before", 2), ("after", 2), ("before", 3), ("after", 3)])
def test_the_newest_key_is_made_by_another_between_the_refusal_and_the_look(
    house: House, loop: Loop, meanwhile: Callable[..., Meanwhile], phase: str, newest: int
) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    # The number is 2 and its key is missing; while ours looks for it, another one makes it, or a newer one.
    Fence.objects.create(environment_id=house.environment.pk, generation=2)
    keys.drop_key(connect.for_cluster(house.cluster), house.environment, 1)
    race = meanwhile("GET", account(house, 2), phase, lambda: elsewhere(lambda: raise_key(house, newest)))
    done(begin(house, app, [part("web", 2)]))
    assert race.came.is_set()
    assert bound(house) == names.key(house.environment.slug, newest)


@pytest.mark.proof("R4")
def test_an_older_key_that_is_placed_late_does_not_come_back(
    house: House, loop: Loop, meanwhile: Callable[..., Meanwhile]
) -> None:
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    # The number is 2 and its key is missing, so ours makes it; before it binds it, another one has made key 3.
    Fence.objects.create(environment_id=house.environment.pk, generation=2)
    keys.drop_key(connect.for_cluster(house.cluster), house.environment, 1)
    binding = f"/namespaces/{house.environment.namespace}/rolebindings/{names.DEPLOY}"
    race = meanwhile("PATCH", binding, "before", lambda: elsewhere(lambda: raise_key(house, 3, drop=False)))
    done(begin(house, app, [part("web", 2)]))
    assert race.came.is_set()
    assert bound(house) == names.key(house.environment.slug, 3)


@pytest.mark.proof("R4")
def test_a_binding_that_names_an_older_key_is_brought_to_the_newest(house: House, loop: Loop) -> None:
    """As a console of an earlier version, or a hand, may have left it: both accounts are there, the old one bound."""
    app = make_app(house)
    done(begin(house, app, [part("web")]))
    raise_key(house, 2, drop=False)
    api = house.real
    path = ROLL_BINDING.format(house.environment.namespace)
    subject = {**api.get(path)["subjects"][0], "name": names.key(house.environment.slug, 1)}
    api.patch(path, {"subjects": [subject]})
    done(begin(house, app, [part("web", 2)]))
    assert bound(house) == names.key(house.environment.slug, 2)


@pytest.mark.control("R4")
def test_control_a_late_worker_without_looking_brings_the_older_key_back(
    house: House, meanwhile: Callable[..., Meanwhile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "bound_generation", lambda *_: 0)
    kube = connect.for_cluster(house.cluster)
    raise_key(house, 3, drop=False)
    keys.place_key(kube, house.environment, 2)
    assert bound(house) == names.key(house.environment.slug, 2)
