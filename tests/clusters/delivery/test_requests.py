"""What a delivery asks of its cluster: no request more than it needs, and none that waits for another without need."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from clusters.delivery.live import OWN_KINDS
from clusters.models import AppliedObject
from console.kit import points
from operations.engine.loop import Loop
from operations.models import Operation
from tests.clusters.delivery.house import House, begin, done, make_app, part

VARIABLES = [{"name": "TOKEN", "secret": True}]
PORTS = [{"name": "http", "number": 8080, "inside": True}]
KEYS = ("one", "two", "three")


@dataclass
class Heard:
    """Requests in the order in which they left, and how many were on their way at once."""

    left: list[str] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=dict)
    _now: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, kind: points.Kind, detail: str, phase: points.Phase) -> None:
        """Count what operations send; duties have threads of other names."""
        if kind != "kube" or not threading.current_thread().name.startswith("op-"):
            return
        with self._guard:
            self._now += 1 if phase == "before" else -1
            if phase == "before":
                self.left.append(detail)
                method = detail.partition(" ")[0]
                self.most[method] = max(self.most.get(method, 0), self._now)

    def until_sent(self) -> Counter[str]:
        """Count by method what left up to the last object: the very last PATCH is the record, once all stand."""
        patches = [index for index, detail in enumerate(self.left) if detail.startswith("PATCH ")]
        return Counter(detail.partition(" ")[0] for detail in self.left[: patches[-2] + 1])


@pytest.fixture
def heard() -> Iterator[Heard]:
    listener = Heard()
    points.install(listener)
    yield listener
    points.install(None)


def _components(version: int) -> list[object]:
    return [part(key, version if key == "one" else 1, variables=VARIABLES, ports=PORTS) for key in KEYS]


def _deploy(house: House, heard: Heard, app: object, version: int) -> Operation:
    heard.left.clear()
    heard.most.clear()
    secrets = {f"{key}.variables.TOKEN": "x" for key in KEYS}
    return done(begin(house, app, _components(version), secrets=secrets))  # type: ignore[arg-type]


def test_one_changed_image_costs_one_look_and_one_object(house: House, loop: Loop, heard: Heard) -> None:
    app = make_app(house)
    _deploy(house, heard, app, 1)
    objects = 3 * len(KEYS)
    assert AppliedObject.objects.filter(application=app, state="applied").count() == objects + 1
    # The record; each object asked for and sent; a Pod of each workload asked for. Reads: is this the cluster, the
    # look, the quota. A new key's first token is a POST of its own.
    first = heard.until_sent()
    assert (first["PATCH"], first["GET"]) == (1 + 2 * objects, 1 + len(OWN_KINDS) + 1)
    assert first["POST"] - len(KEYS) in (0, 1)
    assert heard.most["PATCH"] > len(KEYS)

    _deploy(house, heard, app, 2)
    then = heard.until_sent()
    assert then == Counter(PATCH=1 + 2, GET=1 + len(OWN_KINDS) + 1, POST=1)


def test_rows_of_a_wave_hold_what_was_answered_and_count_their_changes(house: House, loop: Loop, heard: Heard) -> None:
    app = make_app(house)
    _deploy(house, heard, app, 1)
    before = {(row.kind, row.name): row for row in AppliedObject.objects.filter(application=app)}
    live = house.listed("services")
    for (kind, name), row in before.items():
        if kind == "Service":
            metadata = live[name]["metadata"]
            assert (row.uid, row.resource_version) == (metadata["uid"], metadata["resourceVersion"])
    _deploy(house, heard, app, 2)
    moved = {
        (row.kind, row.name)
        for row in AppliedObject.objects.filter(application=app)
        if row.row_version != before[row.kind, row.name].row_version
    }
    assert moved == {("Deployment", "shop-app-one"), ("ConfigMap", "waybill-shop-app")}
