"""A key is changed while work goes on, the command is killed in the middle and run again: nothing is lost.

Real worker processes deploy and check clusters with both keys, the new one first, as the guide to running says. At the
end the new key alone opens every sealed value, and each holds what it held.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection, models, transaction

from clusters.kube import connect
from clusters.models import Component
from console.dev import process
from console.kit import sealing, secrets
from console.kit.models import where
from deploy.local.cluster import Cluster as LocalCluster
from deploy.local.plan import RegistryFacts
from tests.cast import Cast, make_cast
from tests.clusters.apps import make_app, path_of
from tests.clusters.delivery.conftest import remove_namespace
from tests.clusters.delivery.house import prepare
from tests.clusters.working import connect_row, ended, key, make_cluster, make_environment, unique
from tests.environment import ROOT
from tests.marketplace.world import make_registry
from tests.security.processes import Console, environment
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)

STILL = 400
"""Rows beside the work, so that the command is in their middle for a while."""
APPS = 2


@dataclass
class Keys:
    """The keys before, while and after."""

    old: str
    new: str

    @property
    def both(self) -> str:
        """The new one writes, both read."""
        return f"{self.new},{self.old}"


@pytest.fixture
def keys(settings: LazySettings) -> Keys:
    """A fresh pair."""
    found = Keys(secrets.new_key("before"), secrets.new_key("after"))
    settings.WAYBILL_KEYS = found.old
    return found


@pytest.fixture
def console(transactional_db: None, tmp_path: Path, keys: Keys) -> Iterator[Console]:
    """Processes that know both keys."""
    folder = tmp_path / "console"
    folder.mkdir()
    made = Console(folder, {"WAYBILL_KEYS": keys.both})
    try:
        yield made
    finally:
        made.stop()
        connect.close_all()
        connection.close()


@dataclass
class Town:
    """People, a real cluster, and applications with secrets."""

    people: Cast
    cluster: LocalCluster
    registry: RegistryFacts
    image: str
    namespaces: list[str]

    def settle(self) -> None:
        """Everything that is sealed, sealed with the old key: a cluster, a registry, salts, components, inputs."""
        row = connect_row(self.people.enterprise, self.cluster)
        account = (self.registry.user, self.registry.password)
        trust: dict[str, Any] = {"ca_pem": self.registry.ca_pem, "plain_http": False}
        make_registry(self.people.admin, self.registry.address, account=account, **trust)
        place = make_environment(self.people.team, row, unique("key"))
        prepare(place)
        self.namespaces.append(place.namespace)
        still = make_app(place, "still")
        Component.objects.bulk_create(self._still(still.pk, number) for number in range(STILL))
        api = self.people.api("developer")
        for number in range(APPS):
            app = make_app(place, f"app-{number}")
            body = {
                "key": "web", "image": {"reference": self.image}, "args": ["web"],
                "run_as": {"user": 10001, "group": 10001},
                "variables": [{"name": "PASSWORD", "secret": True, "value": f"value {number}"}],
            }  # fmt: skip
            answer = api.post(path_of(app, "components"), body)
            assert answer.status_code == 201, answer.content

    def _still(self, app: Any, number: int) -> Component:
        row = Component(application_id=app, key=f"c{number}", name="C", definition={}, position=number)
        row.seal_secrets({"variables": {"PASSWORD": f"still {number}"}, "pull": None})
        return row

    def work(self, turn: int) -> list[str]:
        """Start a deploy of each application with a secret of this turn, and checks of the cluster."""
        api, started = self.people.api("developer"), []
        place = self.namespaces[0]
        for number in range(APPS):
            app = f"environments/{place}/apps/app-{number}"
            there = api.get(f"{app}/components/web").json()
            there["variables"] = [{"name": "PASSWORD", "secret": True, "value": f"value {number} turn {turn}"}]
            there.pop("secrets_set")
            assert api.put(f"{app}/components/web", there).status_code == 200
            answer = api.post(f"{app}/deployments", {}, headers=key())
            assert answer.status_code == 202, answer.content
            started.append(answer.json()["id"])
        typed = {"endpoint": self.cluster.endpoint, "ca_pem": self.cluster.ca_pem, "token": self.cluster.admin_token}
        answer = self.people.api("admin").post("cluster-checks", typed, headers=key())
        started.append(answer.json()["id"])
        return started


@pytest.fixture
def town(
    transactional_db: None,
    keys: Keys,
    cluster: LocalCluster,
    registry: RegistryFacts,
    sample_images: dict[str, dict[str, str]],
) -> Iterator[Town]:
    """The town, settled with the old key."""
    made = Town(make_cast(), cluster, registry, sample_images["1.0"]["web"], [])
    made.settle()
    yield made
    for namespace in made.namespaces:
        remove_namespace(cluster, namespace)


def begin_rotation(keys: Keys, folder: Path) -> subprocess.Popen[bytes]:
    """Run the command as an admin does, in a process of its own."""
    with (folder / "rotation.log").open("ab") as output:
        line = [sys.executable, "manage.py", "rotate_keys"]
        return process.start(line, env=environment(WAYBILL_KEYS=keys.both), cwd=ROOT, output=output)


def values() -> dict[str, Any]:
    """Give every sealed value by its place. Raises SecretLost for one that does not open."""
    found = {}
    for model, column in sealing.columns():
        rows: models.QuerySet[Any] = models.QuerySet(model)
        for row in rows.exclude(**{column: None}).only("pk", column):
            found[where(row, column)] = secrets.unseal(getattr(row, column), where(row, column))
    return found


def lost() -> int:
    """How many values do not open."""
    return sum(sum(sealing.examine(model, column).lost.values()) for model, column in sealing.columns())


def sealed_by(name: str) -> int:
    """How many components are sealed with a key."""
    return Component.objects.filter(sealed__startswith=f"wb1.{name}.").count()


def killed_in_the_middle(keys: Keys, folder: Path) -> None:
    """Run the command and kill it once it has done some of what it has to do."""
    running = begin_rotation(keys, folder)
    until(lambda: sealed_by("after") > 50, seconds=60, what="the first components sealed anew")
    os.kill(running.pid, signal.SIGKILL)
    running.wait(10)
    assert running.returncode != 0 and sealed_by("before") > 50, (folder / "rotation.log").read_text()


def test_a_key_is_changed_under_load(
    town: Town, console: Console, keys: Keys, settings: LazySettings, tmp_path: Path
) -> None:
    before = values()
    settings.WAYBILL_KEYS = keys.new
    assert lost() == len(before) > STILL, "the control: without the old key nothing opens yet"

    settings.WAYBILL_KEYS = keys.both  # as every process after it was started anew
    for _ in range(2):
        console.start_worker()
    started = town.work(turn=1)
    killed_in_the_middle(keys, tmp_path)
    started_again = begin_rotation(keys, tmp_path)
    for name in started:
        ended(name, seconds=120)
    started += town.work(turn=2)
    assert started_again.wait(120) == 0, (tmp_path / "rotation.log").read_text()
    rows = [ended(name, seconds=120) for name in started]
    assert [(row.kind, row.state, row.outcome_code) for row in rows if row.state != "succeeded"] == []
    assert len(rows) == 2 * (APPS + 1)

    # Whatever a process that was in the middle of its work wrote with the old key goes by once more.
    _rotated()
    settings.WAYBILL_KEYS = keys.new
    assert lost() == 0
    after = values()
    still = {place: value for place, value in before.items() if "still" in str(value)}
    assert len(still) == STILL and {place: after[place] for place in still} == still
    salts = {place: value for place, value in before.items() if place.startswith(("application.salt", "cluster."))}
    assert salts and {place: after[place] for place in salts} == salts
    shown = {str(value) for value in after.values()}
    for number in range(APPS):
        assert any(f"value {number} turn 2" in value for value in shown)
    assert set(re.findall(r": (\d+)", _rotated())) == {"0"}


@pytest.fixture
def draft(transactional_db: None, keys: Keys) -> Component:
    """A component with a secret, sealed with the old key, on a cluster that nobody asks."""
    people = make_cast()
    app = make_app(make_environment(people.team, make_cluster(people.enterprise), "shop-test"), "made")
    row = Component(application=app, key="web", name="Web", definition={}, position=0)
    row.seal_secrets({"variables": {"PASSWORD": "first"}, "pull": None})
    row.save()
    return row


def _rotated() -> str:
    told = StringIO()
    call_command("rotate_keys", stdout=told)
    return told.getvalue()


def test_a_value_changed_while_the_command_is_at_it_stays_changed(
    draft: Component, keys: Keys, settings: LazySettings
) -> None:
    """The command waits for whoever has the row, and seals what they left there, not what it was before."""
    settings.WAYBILL_KEYS = keys.both
    with ThreadPoolExecutor(1) as beside:
        with transaction.atomic():
            row = Component.objects.select_for_update().get(pk=draft.pk)
            command = beside.submit(_in_a_thread)
            until(_someone_waits, what="the command at the row")
            settings.WAYBILL_KEYS = keys.old  # a process that writes with the old key still
            row.seal_secrets({"variables": {"PASSWORD": "second"}, "pull": None})
            settings.WAYBILL_KEYS = keys.both
            row.save()
        assert "component.sealed: 1" in command.result(30)
    settings.WAYBILL_KEYS = keys.new
    draft.refresh_from_db()
    assert draft.secrets()["variables"] == {"PASSWORD": "second"}


def _in_a_thread() -> str:
    try:
        return _rotated()
    finally:
        connection.close()


def _someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


def test_a_value_that_was_passed_over_is_seen(draft: Component, keys: Keys, settings: LazySettings) -> None:
    """The control: a value sealed with the old key after the command has gone by, as a process would that was not
    started anew, is told, and goes with the next run."""
    settings.WAYBILL_KEYS = keys.both
    _rotated()
    settings.WAYBILL_KEYS = keys.new
    assert lost() == 0
    settings.WAYBILL_KEYS = keys.old
    draft.seal_secrets({"variables": {"PASSWORD": "late"}, "pull": None})
    draft.save()
    settings.WAYBILL_KEYS = keys.new
    assert lost() == 1
    settings.WAYBILL_KEYS = keys.both
    assert "component.sealed: 1" in _rotated()
    settings.WAYBILL_KEYS = keys.new
    assert lost() == 0
