"""Random applications A and B: deploy A, deploy B over it, go back. What stands then is A, field by field.

At full size on real nodes, where the machine can have them: what goes back there is what runs.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from clusters.delivery import steps, verify
from clusters.models import Application
from deploy.local.cluster import Cluster
from deploy.local.platform import Platform
from operations.engine.loop import Loop
from operations.models import Operation
from tests.clusters.delivery.house import House, begin, done, make_app, part
from tests.clusters.delivery.living import assert_inventory_is_live, everything, is_owned, meant
from tests.clusters.delivery.running import Goods, Running
from tests.faults.proofs import Tally
from tests.faults.size import FULL, dice, size

PAIRS, AT_ONCE = size(2, 200), 8
KEYS = ("web", "api", "worker", "report")
DISK = [{"name": "data", "path": "/var/lib/db", "size": "1Gi"}]
pytestmark = pytest.mark.timeout(size(300, 4 * 3600))

if FULL:

    @pytest.fixture(scope="module")
    def cluster(best_platform: Platform) -> Cluster:
        """The first cluster of the best platform there is."""
        return next(iter(best_platform.clusters.values()))

    @pytest.fixture
    def goods(best_platform: Platform, cluster: Cluster, house: House) -> Goods:
        """Components that run, where nodes are real."""
        if not cluster.facts.real:
            return part
        running = Running(best_platform.registry)
        running.furnish(house)
        return running

else:

    @pytest.fixture
    def goods() -> Goods:
        """Components whose images nobody pulls."""
        return part


def draw(roll: random.Random, goods: Goods) -> list[Any]:
    """Draw an application: which components, and everything about them that may differ between two versions."""
    keys = roll.sample(KEYS, roll.randint(1, len(KEYS)))
    parts = [component(roll, goods, key, keys[:number]) for number, key in enumerate(keys)]
    if roll.random() < 0.5:  # its volume is the same in both: it could not change
        parts.append(goods("db", roll.randint(1, 2), kind="stateful", volumes=DISK, variables=variables(roll)))
    return parts


def component(roll: random.Random, goods: Goods, key: str, before: list[str]) -> Any:
    """Draw one component, which may depend on those before it."""
    fields: dict[str, Any] = {"variables": variables(roll), "replicas": {"default": roll.randint(1, 2), "max": 3}}
    if roll.random() < 0.6:
        fields["files"] = [
            {"path": f"/etc/{key}/{number}.conf", "content": f"a = {roll.random()}\n"}
            for number in range(roll.randint(1, 3))
        ]
    if roll.random() < 0.6:
        port = {"name": "http", "number": roll.choice((8080, 9090))}
        fields["ports"] = [port | ({"outside": "node_port"} if roll.random() < 0.4 else {})]
    if before and roll.random() < 0.5:
        fields["depends_on"] = [roll.choice(before)]
    if roll.random() < 0.3:
        fields["args"] = [f"--level={roll.randint(1, 3)}"]
    return goods(key, roll.randint(1, 3), **fields)


def variables(roll: random.Random) -> list[dict[str, Any]]:
    names = roll.sample(("LEVEL", "TITLE", "MODE", "HOST"), roll.randint(0, 3))
    return [{"name": name, "value": str(roll.randint(1, 3))} for name in names]


def strangers(house: House) -> dict[str, str]:
    """Put objects of other hands beside the applications; gives how they stand."""
    for number in range(3):
        body = {"metadata": {"name": f"stranger-{number}"}, "data": {"a": "b"}}
        house.real.create(f"{house.path}/configmaps", body)
    return standing(house)


def standing(house: House) -> dict[str, str]:
    """The versions of everything that belongs to no application of ours, by name."""
    apps = list(Application.objects.filter(environment=house.environment))
    foreign = {n: o for n, o in everything(house).items() if not any(is_owned(o, app) for app in apps)}
    return {name: item["metadata"]["resourceVersion"] for name, item in foreign.items()}


def go_back(house: House, app: Application) -> Operation:
    """Begin to go back to the first revision."""
    return begin(house, app, kind="rollback", back_to=app.revisions.get(number=1))


@pytest.mark.proof("K1")
def test_from_a_to_b_and_back_is_a(house: House, loop: Loop, goods: Goods, tally: Tally) -> None:
    roll = dice("K1")
    before = strangers(house)
    for start in range(0, PAIRS, AT_ONCE):
        count = min(AT_ONCE, PAIRS - start)
        apps = [make_app(house, f"app-{start + number:03}") for number in range(count)]
        pairs = [(draw(roll, goods), draw(roll, goods)) for _ in apps]
        for run in [begin(house, app, one) for app, (one, _) in zip(apps, pairs, strict=True)]:
            done(run, seconds=180)
        first = [meant(house, app) for app in apps]
        for run in [begin(house, app, other) for app, (_, other) in zip(apps, pairs, strict=True)]:
            done(run, seconds=180)
        backs = [go_back(house, app) for app in apps]
        for app, back, wanted, pair in zip(apps, backs, first, pairs, strict=True):
            done(back, seconds=180)
            assert meant(house, app) == wanted, pair
            assert_inventory_is_live(house, app)
            assert back.steps.get(key="verify").observed["equal"] is True
        assert standing(house) == before
        tally.runs(count)
        for run in [begin(house, app, kind="uninstall") for app in apps]:
            done(run, seconds=180)


@pytest.mark.control("K1")
def test_control_without_pruning_what_b_added_stays(
    house: House, loop: Loop, goods: Goods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "prune", lambda *_: None)
    monkeypatch.setattr(verify, "_is_left_over", lambda *_: False)
    app = make_app(house)
    done(begin(house, app, [goods("web")]))
    wanted = meant(house, app)
    done(begin(house, app, [goods("web", 2), goods("report")]))
    done(go_back(house, app))
    assert meant(house, app) != wanted
