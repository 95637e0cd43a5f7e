"""Fields that cannot change once an object is there: every such change is named before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clusters.delivery import steps
from clusters.models import Application
from operations.engine.loop import Loop
from operations.models import Operation
from tests.clusters.delivery.house import House, begin, done, ended, failed, make_app, part
from tests.clusters.delivery.living import owned
from tests.faults.proofs import Tally
from tests.faults.size import size

Volumes = list[dict[str, Any]]
Change = Callable[[Volumes], Volumes]
PER_APP = 22
pytestmark = pytest.mark.timeout(300)


def disk(name: str = "data", size: str = "2Gi", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": f"/var/lib/{name}", "size": size, **more}


def first(**fields: Any) -> Change:
    """Change fields of the first volume."""
    return lambda volumes: [{**volumes[0], **fields}, *volumes[1:]]


CHANGES: dict[str, Change] = {
    "larger": first(size="3Gi"),
    "smaller": first(size="1Gi"),
    "another class": first(storage_class="other"),
    "shared": first(access="ReadWriteMany"),
    "renamed": first(name="renamed"),
    "one more": lambda volumes: [*volumes, disk("more")],
    "one less": lambda volumes: volumes[:-1],
    "none": lambda _: [],
    "larger and renamed": first(size="4Gi", name="other"),
}
STATEFUL: dict[str, Volumes] = {
    "one": [disk()],
    "two": [disk(), disk("logs")],
    "three": [disk(), disk("logs"), disk("cache")],
    "classed": [disk(storage_class="standard")],
    "shared": [disk(access="ReadWriteMany"), disk("logs")],
    "large": [disk(size="100Gi"), disk("logs", "50Gi")],
}
STATELESS: dict[str, Volumes] = {
    "one": [disk()],
    "two": [disk(), disk("logs")],
    "classed": [disk(storage_class="slow")],
}
OF_A_CLAIM = ("larger", "smaller", "another class", "shared")
"""A claim of its own is another object under another name; what changes in the one that stays is refused."""


def cases() -> Iterator[tuple[str, Volumes, Volumes]]:
    """Every kind of component with every change: kind, before, after."""
    for kind, bases, changes in (("stateful", STATEFUL, tuple(CHANGES)), ("stateless", STATELESS, OF_A_CLAIM)):
        for volumes in bases.values():
            for change in changes:
                after = CHANGES[change](volumes)
                if after != volumes:
                    yield kind, volumes, after


def built(chosen: list[tuple[str, Volumes, Volumes]], which: int) -> list[Any]:
    """The components of these cases, as they are before (1) or after (2)."""
    return [
        part(f"c{number:02}", kind=case[0], volumes=case[which], replicas={"default": 1, "max": 1})
        for number, case in enumerate(chosen)
    ]


def expected(slug: str, chosen: list[tuple[str, Volumes, Volumes]]) -> set[str]:
    """The object that each case has to be refused for."""
    found = set()
    for number, (kind, before, _) in enumerate(chosen):
        name = f"{slug}-c{number:02}"
        found.add(f"StatefulSet/{name}" if kind == "stateful" else f"PersistentVolumeClaim/{name}-{before[0]['name']}")
    return found


def named(operation: Operation) -> set[str]:
    """Every object whose frozen field the operation names."""
    lines = operation.events.filter(code="immutable_field", level="error").values_list("params", flat=True)
    return {operation.outcome_params["object"], *(line["object"] for line in lines)}


def standing(house: House, app: Application) -> dict[str, str]:
    return {name: item["metadata"]["resourceVersion"] for name, item in owned(house, app).items()}


@pytest.mark.proof("K2")
def test_every_change_of_a_frozen_field_is_named_before_anything_is_sent(
    house: House, loop: Loop, tally: Tally
) -> None:
    found = list(cases())
    assert len(found) >= 60
    found = found[:: size(5, 1)]
    for start in range(0, len(found), PER_APP):
        chosen = found[start : start + PER_APP]
        # Stopped, so that what is proven needs no pods.
        app = make_app(house, f"app-{start:02}")
        Application.objects.filter(pk=app.pk).update(desired="stopped")
        done(begin(house, app, built(chosen, 1)), seconds=120)
        before = standing(house, app)
        operation = failed(begin(house, app, built(chosen, 2)), "immutable_field", seconds=120)
        assert operation.changed == "nothing"
        assert operation.steps.get(key="dry_run").state == "failed"
        assert named(operation) == expected(app.slug, chosen)
        assert {n: v for n, v in standing(house, app).items() if "ConfigMap/waybill-" not in n} == {
            n: v for n, v in before.items() if "ConfigMap/waybill-" not in n
        }
        tally.runs(len(chosen))


@pytest.mark.control("K2")
def test_control_without_asking_first_it_fails_half_way(
    house: House, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(house)
    Application.objects.filter(pk=app.pk).update(desired="stopped")
    done(begin(house, app, [part("web"), part("db", kind="stateful", volumes=[disk()])]))
    monkeypatch.setattr(steps, "dry_run", lambda *_: None)
    changed = part("db", kind="stateful", volumes=[disk(size="3Gi")])
    operation = ended(begin(house, app, [part("web", 2), changed]))
    assert (operation.outcome_code, operation.changed) == ("immutable_field", "part")
