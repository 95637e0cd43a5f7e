"""Objects that look like ours in every way but were never recorded: no removal ever takes one of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clusters.actions.uninstall import uninstall
from clusters.delivery import prune
from clusters.models import Application
from operations.engine.loop import Loop
from tests.clusters.delivery.house import House, begin, done, make_app, part
from tests.clusters.delivery.living import everything, owned
from tests.faults.proofs import Tally
from tests.faults.size import dice, size

DECOYS = size(60, 500)
pytestmark = pytest.mark.timeout(size(300, 1800))


def components() -> list[Any]:
    """What goes and what stays, with every kind of object that may go with it."""
    file = {"path": "/etc/app.conf", "content": "one"}
    token = [{"name": "TOKEN", "secret": True}]
    port = [{"name": "http", "number": 8080}]
    return [part("web", files=[file]), part("report", files=[file], ports=port, variables=token)]


def decoys(house: House, app: Application, count: int) -> set[str]:
    """Make look-alikes: under each kind, with the labels of our own objects, and names as we would give."""
    roll = dice("K3")
    models = [item["metadata"].get("labels") or {} for item in owned(house, app).values()]
    wishes = []
    for number in range(count):
        own = dict(roll.choice(models))
        stem = roll.choice((f"{app.slug}-report", f"{app.slug}-web", f"{app.slug}-gone"))
        name = f"{stem}-{roll.choice(('env', 'files'))}-{roll.randrange(16**8):08x}"
        kind = roll.choice(("configmaps", "secrets", "services", "deployments"))
        wishes.append((kind, f"{name}-{number}" if kind == "deployments" else name, own))
    with ThreadPoolExecutor(8) as threads:
        return set(threads.map(lambda wish: make(house, *wish), wishes))


def make(house: House, kind: str, name: str, own: dict[str, str]) -> str:
    """Make one; gives `Kind/name`."""
    body: dict[str, Any] = {"metadata": {"name": name, "labels": own}}
    path = f"{house.path}/{kind}"
    if kind == "services":
        body["spec"] = {"ports": [{"port": 1}]}
    elif kind == "deployments":
        template = {"metadata": {"labels": {"decoy": name}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
        body["spec"] = {"replicas": 0, "selector": {"matchLabels": {"decoy": name}}, "template": template}
        path = f"/apis/apps/v1/namespaces/{house.environment.namespace}/deployments"
    made = house.real.create(path, body)
    return f"{made.get('kind') or kind}/{name}"


def standing(house: House, names: set[str]) -> dict[str, str]:
    """The uids of these, as far as they are there."""
    return {name: item["metadata"]["uid"] for name, item in everything(house).items() if name in names}


@pytest.mark.proof("K3")
def test_no_removal_takes_what_was_never_recorded(house: House, loop: Loop, tally: Tally) -> None:
    app = make_app(house)
    secrets = {"report.variables.TOKEN": "x"}
    done(begin(house, app, components(), secrets=secrets), seconds=90)
    before = standing(house, decoys(house, app, DECOYS))
    assert len(before) == DECOYS
    done(begin(house, app, [components()[0]]), seconds=180)  # prunes the report
    assert "Deployment/shop-app-report" not in everything(house)
    assert standing(house, set(before)) == before
    done(begin(house, app, kind="rollback", back_to=app.revisions.get(number=1)), seconds=180)
    assert standing(house, set(before)) == before
    app.refresh_from_db()
    removal = uninstall(acting_user=house.user, application=app)
    assert removal is not None
    done(removal, seconds=180)
    assert standing(house, set(before)) == before
    assert set(owned(house, app)) == set(before)
    tally.runs(DECOYS)


@pytest.mark.control("K3")
def test_control_pruning_by_label_takes_them(house: House, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Believing the label instead of the inventory, a removal takes what others made."""
    to_remove = prune.to_remove

    def by_label(run: Any, wanted: Any) -> Any:
        prune._adopt_strays(run)
        return to_remove(run, wanted)

    monkeypatch.setattr(prune, "to_remove", by_label)
    monkeypatch.setattr(prune, "applied_by", lambda *_: True)
    app = make_app(house)
    done(begin(house, app, components(), secrets={"report.variables.TOKEN": "x"}), seconds=90)
    before = standing(house, decoys(house, app, 10))
    done(begin(house, app, [components()[0]]), seconds=90)
    assert standing(house, set(before)) != before
